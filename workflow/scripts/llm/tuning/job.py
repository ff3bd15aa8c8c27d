"""The life of a fine-tuning job: from the intent in the journal to its model, whatever happens in between.

A job is identified by what shapes the model. So there is one job, however many runs want the model, and one process at
a time works on it. See :mod:`llm.asking.remote`.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from llm.asking.progress import EVERY_SECONDS
from llm.asking.remote import Hold, RemoteWork
from llm.asking.setup import limits_of
from llm.calls import Failure
from llm.journal import Journal, OverBudget, tunings
from llm.journal.tunings import TUNINGS, Tuning, Wanted
from llm.prices import TrainingPrice
from llm.providers.openai_tuning import TuningApi
from llm.providers.protocol import TuningEvent, TuningState, TuningStatus
from llm.settings import ExecutionSettings, TuningSettings
from llm.tuning.examples import WORST_FACTOR, Examples, epochs_of
from workbench.cli import UserError, say

HOLD_SECONDS = 1.0  # between two looks whether another process is done with the job
_FEWEST_TRIES = 3
TOOL = "tools/journal"
_ELSEWHERE = "a learner of kind: local is fine-tuned on this machine instead and needs no provider"
_MILLION = 1e6


@dataclass(frozen=True)
class TuningTask:
    """A model that a run wants, what it is trained on and what that may cost."""

    settings: TuningSettings  # whose model is the base model
    execution: ExecutionSettings
    wanted: Wanted  # what shapes the model
    run: str
    shape: str  # of the run, see llm.journal.tunings.link
    training: Examples
    validation: Examples | None  # None for no validation
    price: TrainingPrice

    @property
    def worst_usd(self) -> float:
        """The most that the training can cost, in USD."""
        tokens = self.training.tokens * epochs_of(self.settings.n_epochs, self.training.instances)
        return WORST_FACTOR * tokens * self.price.usd_per_million / _MILLION


class Tuner:
    """Has models made; everything is in the journal before it is done.

    Args:
        journal, api: where it is written, and the provider's fine-tuning.
        poll_seconds: longest time between two looks at a job.
        patience: seconds without any answer of the provider after which the run ends.
    """

    def __init__(self, journal: Journal, api: TuningApi, poll_seconds: float, patience: float) -> None:
        self._journal = journal
        self._api = api
        self._remote = RemoteWork(
            patience, poll_seconds, "a job that is created goes on at the provider: run again later to take it up"
        )
        self.under_way: Tuning | None = None

    async def obtain(self, task: TuningTask) -> Tuning:
        """The job that has made the model: an existing one, or a new one.

        Raises:
            UserError: the provider does not make the model, or there is no money for it.
        """
        async with self._held(task.wanted.key):
            tuning = tunings.live(self._journal, task.wanted.key)
            if tuning is None:
                tuning = await self._declare(task, *await self._files(task))
                tuning = await self._create(tuning, task, is_new=True)
            elif tuning.state == "intent":
                say(f"taking up a fine-tuning job that an earlier run was about to create ({tuning.intent})")
                tuning = await self._create(tuning, task, is_new=False)
            elif tuning.tuned_model is None:
                say(f"taking up fine-tuning job {tuning.name} ({tuning.state})")
            self.under_way = tuning
            if tuning.tuned_model is None:
                tuning = await self._follow(tuning)
            study, number = self._journal.study, tuning.id
            await self._journal.write(lambda db: tunings.link(db, study, task.run, task.shape, number))
            self.under_way = None
            return tuning

    # Before it is created

    @asynccontextmanager
    async def _held(self, key: str) -> AsyncIterator[None]:
        """Within the block no other process works on the job."""
        told = False
        while (hold := Hold.take(self._journal.path, hold_name(key))) is None:
            if not told:
                say("another process has the same fine-tuning job under way: waiting for it")
                told = True
            await asyncio.sleep(HOLD_SECONDS)
        try:
            yield
        finally:
            hold.drop()

    async def _files(self, task: TuningTask) -> tuple[str, str | None]:
        """The provider's names for the files to train and to validate on, if the account may fine-tune at all.

        Raises:
            UserError: it may not, or the provider does not take a file.
        """
        try:
            await self._remote.ask(self._api.check)
            training_file = await self._file(task, task.training)
            return training_file, await self._file(task, task.validation) if task.validation else None
        except Failure as failure:
            raise _no_tuning(failure) from failure

    async def _file(self, task: TuningTask, examples: Examples) -> str:
        """The provider's name for a file, uploaded unless it is there."""
        path, sha256 = examples.path, examples.sha256
        base_url, account = task.wanted.base_url, task.execution.account
        known = tunings.uploaded(self._journal, sha256, base_url, account)
        if known is not None and await self._remote.ask(lambda: self._api.has_file(known.remote_id)):
            return known.remote_id
        # Asked again, it finds what an upload without an answer left.
        remote_id = await self._remote.ask(lambda: self._api.upload(path, sha256))
        size = path.stat().st_size
        await self._journal.write(lambda db: tunings.add_file(db, sha256, base_url, account, remote_id, size))
        return remote_id

    async def _declare(self, task: TuningTask, training_file: str, validation_file: str | None) -> Tuning:
        """Write the intent down once there is money for it.

        Raises:
            UserError: there is not, and no other job is under way that could leave some.
        """
        declare = partial(
            tunings.declare,
            owner=self._journal.owner,
            wanted=task.wanted,
            shape=task.shape,
            worst_usd=task.worst_usd,
            limits=limits_of(task.execution),
            run=task.run,
            account=task.execution.account,
            training_file=training_file,
            validation_file=validation_file,
            instances=task.training.instances,
            usd_per_million=task.price.usd_per_million,
        )
        told = False
        while True:
            try:
                return await self._journal.write(declare)
            except OverBudget as over:
                if not self._others_under_way():
                    raise UserError(
                        f"the budget has no room for this training: ${over.spent:.4f} of max_usd ${over.limit:g} of "
                        f"the {over.scope} are spent or reserved, and it can cost ${over.worst:.4f}: raise max_usd, or "
                        "train on fewer instances or epochs"
                    ) from over
            if not told:
                say("the budget has no room for this training before another one has ended: waiting for that")
                told = True
            await asyncio.sleep(self._remote.poll_seconds)

    def _others_under_way(self) -> bool:
        """Whether another process of this study follows a job, which may cost less than is reserved for it."""
        for tuning in TUNINGS.rows(self._journal):
            if tuning.study == self._journal.study and tuning.state in ("intent", "created"):
                hold = Hold.take(self._journal.path, hold_name(tuning.key))
                if hold is None:
                    return True
                hold.drop()
        return False

    # Its creation

    async def _create(self, tuning: Tuning, task: TuningTask, is_new: bool) -> Tuning:
        """Have the provider create an intent, unless it has done so.

        Raises:
            UserError: it does not take it, or it cannot be reached.
        """
        fields = {
            "model": tuning.model,
            "training_file": tuning.training_file,
            "validation_file": tuning.validation_file,
            "seed": task.wanted.seed,
            "suffix": task.settings.suffix,
        }
        create = partial(self._api.create, tuning.intent, task.wanted.hyperparameters, **fields)
        self.under_way = tuning
        started, tries = time.monotonic(), 0
        while tries < _FEWEST_TRIES or time.monotonic() - started < self._remote.patience:
            if tries or not is_new:
                state = await self._find(tuning, fields)
                if state is not None:
                    return await self._arrived(tuning, state)
                tuning = await self._journal.write(partial(tunings.send_again, tuning=tuning))
            tries += 1
            try:
                state = await self._remote.submit(create, trusting=False)
            except Failure as failure:
                await self._journal.write(partial(tunings.refuse, tuning=tuning, message=failure.message))
                raise _no_tuning(failure) from failure
            if state is not None:
                return await self._arrived(tuning, state)
        raise UserError(
            f"the fine-tuning job could not be created: {tries} times there was no answer, or none that says what "
            "happened, and no job; run again later: the next run looks first whether the job is there"
        )

    async def _find(self, tuning: Tuning, fields: Mapping[str, Any]) -> TuningState | None:
        """The job that an intent has become, None if it never arrived."""
        if wait := self._remote.settling(tuning.submitted):
            say(f"looking in {wait:.0f} s whether the fine-tuning job was created")
        try:
            found = await self._remote.candidates(
                lambda: self._api.find(tuning.intent, tuning.created, **fields),
                partial(TUNINGS.is_known, self._journal),
                tuning.submitted,
            )
        except Failure as failure:
            raise UserError(f"whether the job was created cannot be found out: {failure.message}") from failure
        return found[0] if found else None

    async def _arrived(self, tuning: Tuning, state: TuningState) -> Tuning:
        tuning = await self._journal.write(partial(tunings.arrive, tuning=tuning, remote=state))
        say(
            f"fine-tuning job {tuning.name}: {tuning.model} on {tuning.instances:,} instances, at most "
            f"${tuning.worst_usd:.2f}; to cancel it: `{TOOL} cancel {self._journal.path} {tuning.name}`"
        )
        return tuning

    # Until it ends

    async def _follow(self, tuning: Tuning) -> Tuning:
        """The job once it has a model.

        Raises:
            UserError: it failed, was cancelled, has no model, or cannot be asked for.
        """
        seen = _Seen({event.id for event in tunings.events(self._journal, tuning)})

        async def look() -> TuningState:
            state = await self._remote.ask(lambda: self._api.job(tuning.remote_id or ""))
            events = await self._remote.ask(lambda: self._api.events(tuning.remote_id or "", seen.ids))
            if events:
                await self._journal.write(partial(tunings.add_events, tuning=tuning, events=events))
            seen.tell(tuning.name, state, events)
            return state

        try:
            state = await self._remote.poll(look, lambda state: state.status is TuningStatus.RUNNING)
            checkpoints = await self._remote.ask(lambda: self._api.checkpoints(tuning.remote_id or ""))
        except Failure as failure:
            raise self._lost(tuning, failure) from failure
        ended = await self._journal.write(lambda db: tunings.end(db, tuning, state, checkpoints))
        if ended.tuned_model is None or ended.state != "succeeded":
            raise self._without_model(ended)
        return ended

    def _lost(self, tuning: Tuning, failure: Failure) -> UserError:
        if failure.status == 404:
            return UserError(
                f"the provider does not know fine-tuning job {tuning.name} ({failure.message}): if the key has "
                "changed, use the one that it was created with; otherwise give the job up, and a rerun creates and "
                f"pays a new one: `{TOOL} forget {self._journal.path} {tuning.name}`"
            )
        return UserError(
            f"{failure.message}; fine-tuning job {tuning.name} goes on at the provider: run again to take it up"
        )

    def _without_model(self, tuning: Tuning) -> UserError:
        paid = f"${tuning.usd or 0:.4f} counted as spent"
        if tuning.state == "succeeded":
            return UserError(
                f"fine-tuning job {tuning.name} has succeeded, but the provider names no model ({paid}): run again to "
                "look again, which costs nothing; to give it up, after which a rerun creates and pays a new job: "
                f"`{TOOL} forget {self._journal.path} {tuning.name}`"
            )
        happened = "failed at the provider" if tuning.state == "failed" else "was cancelled at the provider"
        why = f": {tuning.message}" if tuning.message else ""
        return UserError(f"fine-tuning job {tuning.name} {happened}{why} ({paid}); a rerun creates a new job")


class _Seen:
    """What has been reported about a job: each event once; metrics in the log, on the terminal from time to time."""

    def __init__(self, ids: set[str]) -> None:
        self.ids = ids
        self._word = ""
        self._told_at = 0.0

    def tell(self, name: str, state: TuningState, events: Sequence[TuningEvent]) -> None:
        """Say what is new; the ``data`` of an event are metrics."""
        self.ids |= {event.id for event in events}
        messages = [event.message for event in events if not event.data]
        metrics = [event.message for event in events if event.data]
        if metrics and (time.monotonic() - self._told_at > EVERY_SECONDS or state.status is not TuningStatus.RUNNING):
            self._told_at = time.monotonic()
            messages.append(metrics.pop())
        for message in metrics:
            logging.getLogger("workbench").info(f"{name}: {message}")
        if state.word != self._word:
            self._word = state.word
            more = ": resume it there, or cancel it" if state.word == "paused" else ""
            messages.append(f"it is {state.word}{more}")
        for message in messages:
            say(f"{name}: {message}")


def hold_name(key: str) -> str:
    """What the lock of a job is called, see :class:`llm.asking.remote.Hold`."""
    return f"tuning-{key[:40]}"


def _no_tuning(failure: Failure) -> UserError:
    """What to do if the provider does not fine-tune."""
    if failure.status == 403:
        return UserError(f"{failure.message}; fine-tuning is not open to this account or no longer: {_ELSEWHERE}")
    if failure.status in (404, 405, 501):
        return UserError(f"{failure.message}; there seems to be no fine-tuning at this address: {_ELSEWHERE}")
    if failure.status == 400 and "model" in failure.message.lower():
        return UserError(f"{failure.message}; take a model that can be fine-tuned there, or {_ELSEWHERE}")
    return UserError(f"{failure.message}; no fine-tuning job was created")
