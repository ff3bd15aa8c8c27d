"""Asking in batches, for half the price and within a day: the batch executor.

What is missing is gathered into batches. Each is recorded in the journal as an intent before anything of it is sent. So
a run may end at any moment: the next one finds every unfinished batch in the journal, asks the provider whether an
intent arrived, and continues from there. No batch is submitted twice and none is forgotten.

It works in rounds. Each reads the works again, as they follow from the answers that are in the journal by then, so
that no list of them is kept in memory.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from llm.asking.batches.watch import BatchWatch
from llm.asking.interrupts import until_interrupted
from llm.asking.progress import EVERY_SECONDS, Progress
from llm.asking.remote import Hold
from llm.asking.setup import LLMSetup, limits_of
from llm.calls import FailureKind, Work, canonical_json
from llm.journal import InFlight, OverBudget, Stored, Ticket, batches
from llm.journal.batches import Batch, Sized
from llm.journal.presence import bury_dead
from llm.settings import BatchSettings
from workbench.cli import UserError, say

_AT_ONCE = 200  # works claimed in one transaction
_LEAST_SHARE = 0.1  # of a limit: a batch that the budget cuts short is sent if it can cost as much
_SILENT_SECONDS = 600.0  # most time between two lines; a change is reported earlier


@dataclass
class _Gathering:
    """The batch that is being filled, and the most that it can cost in USD."""

    batch: Batch
    hold: Hold
    worst_usd: float = 0.0


class BatchExecutor:
    """Carries calls out in batches until every item is done, or something stops all of them.

    ``total`` of ``progress``, the number of items, is set when they have been read for the first time.
    """

    def __init__(self, setup: LLMSetup, progress: Progress) -> None:
        batch, most = BatchSettings.read(setup.execution.batch), setup.api.batch_limits
        self._setup = setup
        self._journal = setup.journal
        self._most_requests = min(batch.max_requests, most.requests)
        self._most_bytes = min(batch.max_bytes, most.bytes)
        self._progress = progress
        self._watch = BatchWatch(setup, progress)
        self._gathering: _Gathering | None = None
        self._found: int | None = None
        # What a round met besides calls to ask: one that somebody else asks, and whether any has been answered
        self._elsewhere: InFlight | None = None
        self._met_answer = False

    async def run(self, works: Callable[[], Iterable[Work | None]]) -> None:
        """Carry out what is missing and all that follows from it, and what earlier runs left at the provider.

        Whenever it is called, ``works`` gives the call that each item lacks by then, or None for one that lacks none.

        Raises:
            UserError: nothing can be asked (bad key, no credit, no such model, …), no answer came for as long as the
                patience lasts, or the budget is spent.
            KeyboardInterrupt: a signal asked to stop.

        In each case batches that are submitted go on at the provider, and the next run takes them up.
        """
        self._progress.start()
        ticker = asyncio.create_task(self._tick())
        try:
            await until_interrupted(self._rounds(works))
        finally:
            ticker.cancel()
            await asyncio.gather(ticker, return_exceptions=True)
            await self._leave()

    async def _leave(self) -> None:
        """End what runs here and say what continues at the provider."""
        await self._watch.leave()
        if self._gathering is not None:
            gathering, self._gathering = self._gathering, None
            try:
                await self._journal.write(partial(batches.abandon, batch=gathering.batch))
            finally:
                gathering.hold.drop()
        left, requests, _ = self._watch.at_provider
        if left:
            say(f"{_batches(left)} of {requests:,} requests go on at the provider: run again to fetch the answers")
        self._progress.end()

    async def _rounds(self, works: Callable[[], Iterable[Work | None]]) -> None:
        while True:
            await self._watch.take_up()
            await self._gather(works())
            if self._watch.busy:
                await self._watch.finish()
            elif self._elsewhere is not None:
                await self._wait_for(self._elsewhere)
            elif not self._met_answer:
                return

    async def _gather(self, works: Iterable[Work | None]) -> None:
        """Put all that is missing into batches and submit them."""
        self._elsewhere, self._met_answer = None, False
        due = self._due(works)
        while chunk := list(islice(due, _AT_ONCE)):
            while chunk:
                chunk = await self._put(chunk)
        await self._send()

    def _due(self, works: Iterable[Work | None]) -> Iterator[Sized]:
        """The calls that may be asked now, with their sizes. Counts the items, and those that need none."""
        items = done = 0
        for given in works:
            items += 1
            work = given
            while work is not None and self._is_through(work):
                work = self._setup.dialogue.follow(work)
            if work is None:
                done += 1
            else:
                size = len(canonical_json(work.call.body).encode()) + self._setup.api.batch_limits.bytes_per_request
                yield Sized(work, size)
        if self._found is None:
            self._found = self._progress.found = done
        self._progress.total = items
        self._progress.asked = done - self._found

    def _is_through(self, work: Work) -> bool:
        """Whether a call has failed for good in this run."""
        if not (self._progress.failed or self._progress.throttled):
            return False
        rows = self._journal.read(
            "SELECT failure FROM attempts "
            "WHERE key = ? AND state NOT IN ('sent', 'answered') AND failure IS NOT NULL "
            "AND batch IN (SELECT value FROM json_each(?))",
            (work.call.key, json.dumps(self._watch.followed)),
        )
        failures = {kind for (kind,) in rows}
        return len(rows) >= self._setup.execution.attempts or bool(
            failures & {FailureKind.REJECTED, FailureKind.FILTERED}
        )

    async def _put(self, chunk: list[Sized]) -> list[Sized]:
        """Claim the calls that fit into the batch that is being filled; return the rest."""
        gathering = self._gathering or await self._open()
        fitting = self._fitting(gathering.batch, chunk)
        if not fitting:
            await self._send()
            return chunk
        owner, limits = self._journal.owner, limits_of(self._setup.execution)
        gathering.batch, outcomes = await self._journal.write(
            lambda db: batches.fill(db, owner, gathering.batch, chunk[:fitting], limits)
        )
        over: OverBudget | None = None
        unpaid = []
        for sized, outcome in zip(chunk, outcomes, strict=False):
            if isinstance(outcome, Ticket):
                gathering.worst_usd += sized.work.worst_usd
            elif isinstance(outcome, OverBudget):
                over = over or outcome
                unpaid.append(sized)
            elif isinstance(outcome, Stored):
                self._met_answer = True
            elif outcome.batch is None or outcome.worker != self._journal.owner.worker:
                self._elsewhere = outcome
        if over is not None:
            await self._make_room(gathering, over)
        return unpaid + chunk[fitting:]

    async def _open(self) -> _Gathering:
        batch = batches.new_batch(self._journal, self._setup.settings.provider, self._setup.execution.account)
        while (hold := Hold.take(self._journal.path, batch.intent)) is None:
            await asyncio.sleep(0.01)  # another process looks whether anybody holds it
        self._gathering = _Gathering(batch, hold)
        return self._gathering

    def _fitting(self, batch: Batch, chunk: list[Sized]) -> int:
        """How many of ``chunk`` the batch has room for; an empty one takes at least one."""
        # Half of the tokens that may wait at the provider: one batch waits there while another is worked on.
        most_tokens = self._watch.most_tokens and self._watch.most_tokens // 2
        requests, size, tokens = batch.requests, batch.bytes, batch.tokens
        for number, sized in enumerate(chunk):
            requests, size, tokens = requests + 1, size + sized.bytes, tokens + sized.work.tokens
            full = requests > self._most_requests or size > self._most_bytes
            if requests > 1 and (full or (most_tokens is not None and tokens > most_tokens)):
                return number
        return len(chunk)

    async def _make_room(self, gathering: _Gathering, over: OverBudget) -> None:
        """Send what the budget allows, or wait for batches, whose answers may cost less than their worst price.

        Raises:
            UserError: there is nothing to wait for.
        """
        worst_usd = gathering.worst_usd
        if gathering.batch.requests and (self._watch.busy or worst_usd >= _LEAST_SHARE * over.limit):
            await self._send()
        if not self._watch.busy:
            raise UserError(
                f"the budget has no room for another batch: ${over.spent - worst_usd:.4f} of max_usd "
                f"${over.limit:g} of the {over.scope} are spent, and the rest can cost more than "
                f"${worst_usd + over.worst:.4f}: raise max_usd and run again, all answers are in the journal"
            )
        await self._watch.pause()

    async def _send(self) -> None:
        """Submit the batch that was filled."""
        if self._gathering is None:
            return
        gathering, self._gathering = self._gathering, None
        if gathering.batch.requests:
            await self._watch.submit(gathering.batch, gathering.hold)
        else:
            gathering.hold.drop()

    async def _wait_for(self, call: InFlight) -> None:
        """Wait a while for a call that somebody else asks.

        Raises:
            UserError: it is part of a batch that nobody looks after.
        """
        await self._journal.write(lambda db: bury_dead(db, self._journal.path))
        batch = None if call.batch is None else batches.find(self._journal, call.batch)
        if batch is not None and self._is_forsaken(batch):
            raise UserError(
                f"{self._journal.path}: calls of this generator are part of unfinished batch {batch.id} of generator "
                f"{batch.generator!r} (study {batch.study!r}, account {batch.account!r}), which no process looks "
                "after: run that one, with that account, to its end, or give the batch up: "
                f"{batches.how_to_forget(batch)}"
            )
        await self._watch.pause()

    def _is_forsaken(self, batch: Batch) -> bool:
        """Whether a batch is unfinished and nobody's, not even this generator's, which would take it up."""
        hold = Hold.take(self._journal.path, batch.intent)
        if hold is None:
            return False
        try:
            now = batches.find(self._journal, batch.id)
        finally:
            hold.drop()
        mine = (self._journal.owner.study, self._journal.owner.generator, self._setup.execution.account)
        return now is not None and now.state in batches.UNFINISHED and mine != (now.study, now.generator, now.account)

    async def _tick(self) -> None:
        """Report progress when it has changed, and from time to time."""
        last, said = (0, 0, 0), time.monotonic()
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            now = self._watch.at_provider
            if now != last or time.monotonic() - said > _SILENT_SECONDS:
                number, requests, done = last = now
                said = time.monotonic()
                held = f"{_batches(number)} at the provider, {done:,} of {requests:,} requests done"
                say(f"{held}; {self._progress.line()}")


def _batches(number: int) -> str:
    return "1 batch" if number == 1 else f"{number:,} batches"
