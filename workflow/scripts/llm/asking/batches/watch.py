"""The life of a batch: from the intent in the journal to its last answer there, whatever happens in between."""

from __future__ import annotations

import asyncio
import time
from functools import partial

from llm.asking.batches.answers import BatchAnswers, Tally
from llm.asking.batches.provider import BatchProvider
from llm.asking.hold import Hold, sweep
from llm.asking.pace import backoff
from llm.asking.progress import Progress
from llm.calls import Failure, FailureKind
from llm.journal import Journal
from llm.journal import batches as records
from llm.journal.batches import Batch
from llm.providers.protocol import BatchState, BatchStatus
from workbench.cli import UserError, say

ENQUEUED_PATIENCE_SECONDS = 24 * 3600.0  # so long may a provider refuse every batch because too much waits there


class BatchWatch:
    """Submits batches and sees them, and those that earlier runs left, through to their end.

    Args:
        journal: where everything is written before it is done.
        provider: the way to the provider.
        answers: brings results into the journal.
        progress: counts.
        account: whose limits count.
        attempts: so many batches in a row may fail to arrive.
        most_tokens: of the account at the provider at any time; None for no limit until one is learnt.
        poll_seconds: longest time between two looks at a batch.
    """

    def __init__(
        self,
        journal: Journal,
        provider: BatchProvider,
        answers: BatchAnswers,
        progress: Progress,
        account: str,
        attempts: int,
        most_tokens: int | None,
        poll_seconds: float,
    ) -> None:
        self.most_tokens = most_tokens
        self._journal = journal
        self._provider = provider
        self._answers = answers
        self._progress = progress
        self._account = account
        self._attempts = attempts
        self._poll_seconds = poll_seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self._seen: dict[int, tuple[int, int]] = {}  # of each batch its requests and those that are done
        self._refusals = 0  # batches in a row of which the provider took nothing
        self._refused_since = 0.0

    @property
    def busy(self) -> bool:
        """Whether there are batches that have not been seen through."""
        return bool(self._tasks)

    @property
    def at_provider(self) -> tuple[int, int, int]:
        """Batches that the provider works on, their requests, and those of them that are done."""
        counts = self._seen.values()
        return len(counts), sum(requests for requests, _ in counts), sum(done for _, done in counts)

    async def pause(self) -> None:
        """Wait for the end of a batch, or for the time between two looks.

        Raises:
            UserError: a batch cannot be seen through.
        """
        if not self._tasks:
            await asyncio.sleep(self._poll_seconds)
            return
        await asyncio.wait(self._tasks, timeout=self._poll_seconds, return_when=asyncio.FIRST_COMPLETED)
        self._look_back()

    async def calm_down(self) -> None:
        """Wait for a while if the provider took nothing of the last batches."""
        if self._refusals:
            await asyncio.sleep(backoff(self._refusals, base=self._poll_seconds / 4, most=self._poll_seconds))

    async def leave(self) -> None:
        """Look after the batches no longer; the provider goes on with them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def take_up(self) -> None:
        """Go on with the batches that earlier runs left, and with those whose process has died since."""
        sweep(self._journal.path)
        for listed in records.unfinished(self._journal, self._account):
            hold = Hold.take(self._journal.path, listed.intent)
            if hold is None:
                continue
            batch = records.find(self._journal, listed.id)
            if batch is None or batch.state not in records.UNFINISHED:
                hold.drop()
            elif batch.state == "gathering":
                await self._journal.write(partial(records.abandon, batch=batch))
                hold.drop()
            else:
                say(f"taking up a batch of {batch.requests:,} requests that an earlier run left ({batch.state})")
                self._start(batch, hold)

    async def submit(self, batch: Batch, hold: Hold) -> None:
        """Submit a gathered batch as soon as there is room for it at the provider, and see it through from then on.

        Raises:
            UserError: the provider does not take it, or an earlier batch cannot be seen through.
        """
        try:
            self._look_back()
            records.write_requests(self._journal, batch, hold.lines)
            batch = await self._declare(batch)
            try:
                state = await self._provider.submit(batch, hold.lines, lambda: self.busy)
            except Failure as failure:
                await self._journal.write(
                    partial(records.release, batch=batch, state="failed", message=failure.message)
                )
                raise _not_taken(failure) from failure
            hold.lines.unlink(missing_ok=True)
            if state is not None:
                batch = await self._journal.write(partial(records.submit, batch=batch, remote=state))
                say(f"submitted a batch of {batch.requests:,} requests: {batch.remote_id}")
        except BaseException:
            try:
                await self._journal.write(partial(records.abandon, batch=batch))
            finally:
                hold.drop()
            raise
        self._start(batch, hold)

    def _look_back(self) -> None:
        """Be done with the batches that have ended; what went wrong with one is raised here."""
        done = {task for task in self._tasks if task.done()}
        self._tasks -= done
        for task in done:
            task.result()

    async def _declare(self, batch: Batch) -> Batch:
        """Write the intent down once there is room for the batch."""
        told = False
        while True:
            declare = partial(records.declare, batch=batch, most_tokens=self.most_tokens)
            declared = await self._journal.write(declare)
            if declared is not None:
                return declared
            if not told and not self._tasks:
                say(f"batches of others use up max_enqueued_tokens, {self.most_tokens:,}: waiting for them")
                told = True
            await self.pause()

    def _start(self, batch: Batch, hold: Hold) -> None:
        self._seen[batch.id] = (batch.requests, 0)
        self._tasks.add(asyncio.create_task(self._see_through(batch, hold)))

    async def _see_through(self, batch: Batch, hold: Hold) -> None:
        try:
            found = await self._find(batch) if batch.state == "intent" else batch
            if found is None:
                return
            batch = found
            state = await self._provider.wait(batch, partial(self._see, batch))
            if state.status is BatchStatus.FAILED:
                await self._refused(batch, state)
                return
            self._refusals = 0
            batch = await self._journal.write(partial(records.end, batch=batch))
            await self._fetch(batch, state)
            del self._seen[batch.id]
        except Failure as failure:
            raise _stopped(batch, failure) from failure
        except asyncio.CancelledError:
            await self._journal.write(lambda db: None)  # what is being written is on disk before anybody else goes on
            raise
        finally:
            hold.drop()

    async def _find(self, batch: Batch) -> Batch | None:
        """Learn what became of an intent. The calls of a batch that never arrived are set free.

        Raises:
            UserError: too many did not arrive.
        """
        state = await self._provider.find(batch)
        if state is not None:
            return await self._journal.write(partial(records.submit, batch=batch, remote=state))
        await self._set_free(batch, "released", "the provider does not have it")
        if self._refusals >= self._attempts:
            raise UserError(
                f"{self._refusals} batches in a row did not reach the provider: look at the connection, and if "
                "large uploads fail, lower max_bytes; run again later, all answers are in the journal"
            )
        return None

    async def _refused(self, batch: Batch, state: BatchState) -> None:
        """Set the calls free of a batch that the provider did not take because too much waits there already.

        Raises:
            Failure: another reason, about which asking again does nothing.
            UserError: that has gone on for too long.
        """
        failure = state.failure or Failure(FailureKind.FATAL, state.message)
        await self._set_free(batch, "failed", failure.message)
        if failure.kind is not FailureKind.THROTTLED:
            raise failure
        if time.monotonic() - self._refused_since > ENQUEUED_PATIENCE_SECONDS:
            raise UserError(f"no batch was taken for a day: {failure.message}; run again later")
        self.most_tokens = max(records.waiting_tokens(self._journal, self._account), batch.tokens // 2, 1)
        say(
            f"{failure.message}; from now on at most {self.most_tokens:,} tokens wait at the provider "
            "(max_enqueued_tokens sets the limit from the start)"
        )

    async def _set_free(self, batch: Batch, state: str, message: str) -> None:
        if not self._refusals:
            self._refused_since = time.monotonic()
        self._refusals += 1
        await self._journal.write(partial(records.release, batch=batch, state=state, message=message))
        del self._seen[batch.id]

    async def _fetch(self, batch: Batch, state: BatchState) -> None:
        """Journal the results.

        Raises:
            Failure: they cannot be fetched, or say that no request will succeed.
        """
        tally = Tally()

        def note(part: Tally) -> None:
            nonlocal tally
            tally = tally.plus(part)
            self._progress.asked += part.answered
            self._progress.throttled += part.throttled
            self._progress.failed += part.failed

        await self._provider.ask(lambda: self._answers.take(batch, state, note))
        missing = await self._journal.write(partial(records.collect, batch=batch, message=state.message))
        self._progress.failed += missing
        if tally.failed + tally.throttled + missing:
            lacking = tally.failed + tally.throttled + missing
            say(f"a batch of {batch.requests:,} requests ended ({state.message}): {lacking:,} are without an answer")
        if tally.fatal is not None:
            raise tally.fatal

    def _see(self, batch: Batch, state: BatchState) -> None:
        self._seen[batch.id] = (batch.requests, state.counts.answered + state.counts.failed)


def _not_taken(failure: Failure) -> UserError:
    hint = "; for a server without batches set mode: online" if failure.status in (404, 405, 501) else ""
    return UserError(f"the batch was not taken: {failure.message}{hint}; all answers are in the journal")


def _stopped(batch: Batch, failure: Failure) -> UserError:
    if failure.status == 404 and batch.state in ("submitted", "ended"):
        return UserError(
            f"the provider does not know batch {batch.remote_id} of {batch.requests:,} requests, or keeps its answers "
            f"no more ({failure.message}): if the key has changed, use the one it was submitted with; else give the "
            f"batch up: {records.how_to_forget(batch)}"
        )
    return UserError(f"{failure.message}; no more batches are submitted, all answers are in the journal")
