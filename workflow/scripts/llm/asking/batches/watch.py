"""The life of a batch: from the intent in the journal to its last answer there, whatever happens in between."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from functools import partial

from llm.asking.batches.results import BatchResults
from llm.asking.pace import backoff
from llm.asking.progress import Progress
from llm.asking.remote import Hold, RemoteWork, sweep
from llm.asking.setup import LLMSetup
from llm.calls import Failure, FailureKind
from llm.journal import batches
from llm.journal.batches import BATCHES, Batch
from llm.providers.protocol import BatchState, BatchStatus
from llm.settings import BatchSettings
from workbench.cli import UserError, say

NAMELESS_SECONDS = 300.0  # how long a batch that has ended may lack the name of its results
ENQUEUED_PATIENCE_SECONDS = 24 * 3600.0  # how long a provider may refuse every batch because too much waits there


class BatchWatch:
    """Submits batches and follows them, and those that earlier runs left, to their end."""

    def __init__(self, setup: LLMSetup, progress: Progress) -> None:
        batch = BatchSettings.read(setup.execution.batch)
        # Of the account at the provider at any time; None for no limit until one is learnt
        self.most_tokens = batch.max_enqueued_tokens
        self.followed: list[int] = []  # numbers of all batches that this run has followed
        self._setup = setup
        self._api = setup.api
        self._journal = setup.journal
        self._progress = progress
        self._account = setup.execution.account
        self._poll_seconds = batch.poll_seconds
        self._remote = RemoteWork(
            setup.execution.patience,
            batch.poll_seconds,
            "batches that are submitted go on at the provider: run again later to fetch their answers",
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._seen: dict[int, tuple[int, int]] = {}  # for each batch its requests and how many are done
        self._refusals = 0  # batches in a row that the provider rejected as a whole
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

    async def finish(self) -> None:
        """Wait until no batch is under way; and for a while longer if the provider rejected the last ones.

        Raises:
            UserError: a batch cannot be seen through.
        """
        while self._tasks:
            await self.pause()
        if self._refusals:
            await asyncio.sleep(backoff(self._refusals, base=self._poll_seconds / 4, most=self._poll_seconds))

    async def leave(self) -> None:
        """Stop following the batches; the provider continues with them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def take_up(self) -> None:
        """Take up the batches that earlier runs left, and those whose process has died since."""
        sweep(self._journal.path)
        for listed in batches.unfinished(self._journal, self._account):
            hold = Hold.take(self._journal.path, listed.intent)
            if hold is None:
                continue
            batch = batches.find(self._journal, listed.id)
            if batch is None or batch.state not in batches.UNFINISHED:
                hold.drop()
            elif batch.state == "gathering":
                await self._journal.write(partial(batches.abandon, batch=batch))
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
            batches.write_requests(self._journal, batch, hold.lines)
            batch = await self._declare(batch)
            try:
                state = await self._remote.submit(
                    lambda: self._api.submit_batch(batch.intent, hold.lines),
                    lambda: self.busy,  # a 429 may then last until another batch ends
                )
            except Failure as failure:
                release = partial(batches.release, batch=batch, state="failed", message=failure.message)
                await self._journal.write(release)
                hint = "; for a server without batches set mode: online" if failure.status in (404, 405, 501) else ""
                raise UserError(
                    f"the batch was not taken: {failure.message}{hint}; all answers are in the journal"
                ) from failure
            hold.lines.unlink(missing_ok=True)
            if state is not None:
                batch = await self._journal.write(partial(batches.submit, batch=batch, remote=state))
                say(f"submitted a batch of {batch.requests:,} requests: {batch.remote_id}")
        except BaseException:
            try:
                await self._journal.write(partial(batches.abandon, batch=batch))
            finally:
                hold.drop()
            raise
        self._start(batch, hold)

    def _look_back(self) -> None:
        """Drop the batches that have ended and raise what went wrong with one."""
        done = {task for task in self._tasks if task.done()}
        self._tasks -= done
        for task in done:
            task.result()

    async def _declare(self, batch: Batch) -> Batch:
        """Write the intent down once there is room for the batch."""
        told = False
        while True:
            declare = partial(batches.declare, batch=batch, most_tokens=self.most_tokens)
            if (declared := await self._journal.write(declare)) is not None:
                return declared
            if not told and not self._tasks:
                say(f"batches of others use up max_enqueued_tokens, {self.most_tokens:,}: waiting for them")
                told = True
            await self.pause()

    def _start(self, batch: Batch, hold: Hold) -> None:
        self.followed.append(batch.id)
        self._seen[batch.id] = (batch.requests, 0)
        self._tasks.add(asyncio.create_task(self._see_through(batch, hold)))

    async def _see_through(self, batch: Batch, hold: Hold) -> None:
        try:
            found = await self._find(batch) if batch.state == "intent" else batch
            if found is None:
                return
            batch = found
            state = await self._remote.poll(partial(self._look, batch), self._waits_for_results())
            if state.status is BatchStatus.FAILED:
                await self._refused(batch, state)
                return
            self._refusals = 0
            batch = await self._journal.write(partial(batches.end, batch=batch))
            await self._fetch(batch, state)
            del self._seen[batch.id]
        except Failure as failure:
            raise _stopped(batch, failure) from failure
        except asyncio.CancelledError:
            await self._journal.write(lambda db: None)  # what is being written is on disk before anybody else goes on
            raise
        finally:
            hold.drop()

    def _waits_for_results(self) -> Callable[[BatchState], bool]:
        """Whether a batch is running, or has ended but its results have no name yet: for a bounded time."""
        ended: list[float] = []

        def waits(state: BatchState) -> bool:
            if state.status is not BatchStatus.ENDED or state.has_results:
                return state.status is BatchStatus.RUNNING
            ended.append(time.monotonic())
            return ended[-1] - ended[0] < min(NAMELESS_SECONDS, self._remote.patience)

        return waits

    async def _find(self, batch: Batch) -> Batch | None:
        """Find out what became of an intent. The calls of a batch that never arrived are freed.

        Raises:
            UserError: too many did not arrive.
        """
        state = await self._find_remote(batch)
        if state is not None:
            return await self._journal.write(partial(batches.submit, batch=batch, remote=state))
        await self._set_free(batch, "released", "the provider does not have it")
        if self._refusals >= self._setup.execution.attempts:
            raise UserError(
                f"{self._refusals} batches in a row did not reach the provider: look at the connection, and if "
                "large uploads fail, lower max_bytes; run again later, all answers are in the journal"
            )
        return None

    async def _refused(self, batch: Batch, state: BatchState) -> None:
        """Free the calls of a batch that the provider rejected because too much waits there already.

        Raises:
            Failure: another reason; asking again would not help.
            UserError: that has gone on for too long.
        """
        failure = state.failure or Failure(FailureKind.FATAL, state.message)
        await self._set_free(batch, "failed", failure.message)
        if failure.kind is not FailureKind.THROTTLED:
            raise failure
        if time.monotonic() - self._refused_since > ENQUEUED_PATIENCE_SECONDS:
            raise UserError(f"no batch was taken for a day: {failure.message}; run again later")
        self.most_tokens = max(batches.waiting_tokens(self._journal, self._account), batch.tokens // 2, 1)
        say(
            f"{failure.message}; from now on at most {self.most_tokens:,} tokens wait at the provider "
            "(max_enqueued_tokens sets the limit from the start)"
        )

    async def _set_free(self, batch: Batch, state: str, message: str) -> None:
        if not self._refusals:
            self._refused_since = time.monotonic()
        self._refusals += 1
        await self._journal.write(lambda db: batches.release(db, batch, state, message))
        del self._seen[batch.id]

    async def _fetch(self, batch: Batch, state: BatchState) -> None:
        """Journal the results.

        Raises:
            Failure: they cannot be fetched, or say that no request will succeed.
        """
        results = BatchResults(self._setup, self._progress, batch)
        if not await self._remote.ask(partial(results.take, state, is_last=False)):
            # Perhaps the download was damaged, not the results: what they cost is lost only if they are.
            await self._remote.ask(partial(results.take, state, is_last=True))
        missing = await self._journal.write(partial(batches.collect, batch=batch, message=state.message))
        self._progress.failed += missing
        if lacking := results.failed + missing:
            paid = f", {results.unsure + missing:,} of them perhaps paid" if results.unsure + missing else ""
            ended = f"a batch of {batch.requests:,} requests ended ({state.message})"
            say(f"{ended}: {lacking:,} are without a readable answer{paid}")
        if results.fatal is not None:
            raise results.fatal

    async def _look(self, batch: Batch) -> BatchState:
        state = await self._remote.ask(lambda: self._api.batch(batch.remote_id or ""))
        self._seen[batch.id] = (batch.requests, state.counts.answered + state.counts.failed)
        return state

    async def _find_remote(self, batch: Batch) -> BatchState | None:
        """The batch that ``batch`` became at the provider; None if the provider never got it, or rejected all of it.

        Its results carry the intent's name. So a batch of the same size that somebody else submitted is waited for,
        too, and then left alone.

        Raises:
            Failure, UserError: the provider cannot be asked.
        """
        others: set[str] = set()
        told = False

        def is_known(remote_id: str) -> bool:
            return remote_id in others or BATCHES.is_known(self._journal, remote_id)

        async def look() -> tuple[bool, BatchState | None]:
            """Whether a candidate is running, and the batch if it has been found."""
            nonlocal told
            running = False
            for state in await self._remote.candidates(
                lambda: self._api.find_batch(batch.intent, batch.created or 0.0, batch.requests),
                is_known,
                batch.submitted or 0.0,
            ):
                if state.status is BatchStatus.RUNNING:
                    running = True
                elif state.status is BatchStatus.ENDED and await self._remote.ask(partial(self._is, batch, state)):
                    return False, state
                else:
                    others.add(state.remote_id)
            if running and not told:
                say(f"whether a batch of {batch.requests:,} requests arrived shows when one of that size ends: waiting")
                told = True
            return running, None

        _, found = await self._remote.poll(look, lambda result: result[0])
        return found

    async def _is(self, batch: Batch, state: BatchState) -> bool:
        """Whether the results of ``state`` are those of ``batch``."""
        async with aclosing(self._api.batch_results(state)) as results:
            async for result in results:
                return batches.attempt_of(result.custom_id, batch) is not None
        return False


def _stopped(batch: Batch, failure: Failure) -> UserError:
    if failure.status == 404 and batch.state in ("submitted", "ended"):
        return UserError(
            f"the provider does not know batch {batch.remote_id} of {batch.requests:,} requests, or no longer "
            f"keeps its answers ({failure.message}): if the key has changed, use the one it was submitted with; "
            f"otherwise give the batch up: {batches.how_to_forget(batch)}"
        )
    return UserError(f"{failure.message}; no more batches are submitted, all answers are in the journal")
