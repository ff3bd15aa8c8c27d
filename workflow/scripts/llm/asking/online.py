"""Asking one call at a time, many at once: the online executor.

Every call is journalled as sent before it is sent and as answered before its answer is used. A slot is held until the
answer is handed to the journal, which writes in the order in which it gets things: the next call is sent only when the
answer that made room for it is on disk. So a process killed at any moment has lost at most ``concurrency`` answers. A
call that waits for its next attempt holds no slot.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from llm.asking.gate import REFUSALS_THAT_END, Gate, Slot
from llm.asking.interrupts import on_interrupt
from llm.asking.pace import Account, backoff
from llm.asking.progress import EVERY_SECONDS, Progress
from llm.asking.setup import LLMSetup, limits_of
from llm.calls import Answer, Failure, FailureKind, Work
from llm.journal import OverBudget, Stored, Ticket
from workbench.cli import UserError, say

GRACE_SECONDS = 10.0  # time to answer what is in flight when the run stops
_DOUBLE_SIGNAL_SECONDS = 1.0  # two signals closer than this are one: a terminal and a workflow manager both send one
_OFTEN = 3  # 429s to one call
_ANSWERED_AT_ONCE = 200  # items with answers in the journal that are skipped before anything else gets its turn
_MOST_WAITING = 1_000  # calls that may wait for their next attempt before no new ones are taken


class OnlineExecutor:
    """Carries calls out until every item is done, or something stops all of them.

    ``total`` of ``progress`` is the number of items; what is in flight when the run stops has ``grace`` seconds.
    """

    def __init__(self, setup: LLMSetup, progress: Progress, grace: float = GRACE_SECONDS) -> None:
        self._setup = setup
        self._journal = setup.journal
        self._progress = progress
        self._grace = grace
        how = setup.execution
        account = Account(setup.journal, how.account, how.requests_per_minute, how.tokens_per_minute)
        self._gate = Gate(account, how.concurrency)
        self._reason: BaseException | None = None  # to end the run
        self._interrupted_at: float | None = None
        self._models: set[str] = set()  # as served

    async def run(self, works: Iterator[Work | None]) -> None:
        """Carry out ``works``, the first call of every item that needs one, and all that follows from them.

        They are read as slots become free; None stands for an item that needs no call.

        Raises:
            UserError: nothing can be asked (bad key, no credit, no such model, …), no answer came for ``patience``
                seconds, or the budget is spent.
            KeyboardInterrupt: a signal asked to stop.

        In each case what was in flight had ``grace`` seconds to be answered, and every answer is in the journal.
        """
        self._turns = _Turns(works, self._progress, self._gate.changed.set)
        self._deadline = asyncio.timeout(None)  # set when the run stops
        self._progress.start()
        ticker = asyncio.create_task(self._tick())
        try:
            with on_interrupt(self._interrupted):
                async with self._deadline, asyncio.TaskGroup() as tasks:
                    await self._start_jobs(tasks)
        except TimeoutError:
            if self._reason is None:
                raise
        finally:
            ticker.cancel()
            await self._gate.account.close()
            self._progress.end()
        if self._reason is not None:
            raise self._reason

    async def _start_jobs(self, tasks: asyncio.TaskGroup) -> None:
        """Start a task for each job as the gate opens, until nothing is left or something stops the run."""
        while True:
            while self._reason is None and self._gate.is_open and (job := self._next_job()):
                slot = Slot(self._gate)
                slot.task = tasks.create_task(self._carry_out(job, slot))
            if self._reason is not None or (self._turns.is_done and self._gate.is_empty):
                return
            await self._gate.wait_for_change()

    def _next_job(self) -> _Job | None:
        try:
            return self._turns.take(self._gate.breaker.is_open)
        except Exception as error:
            self._stop(error)
            return None

    # One attempt

    async def _carry_out(self, job: _Job, slot: Slot) -> None:
        """One attempt at a job, from its turn to its answer or failure in the journal."""
        with slot:
            try:
                ticket = await self._begin(job, slot)
                if ticket is not None:
                    await self._send(job, slot, ticket)
            except Exception as error:
                self._stop(error)

    async def _begin(self, job: _Job, slot: Slot) -> Ticket | None:
        """Wait for the job's turn and journal it as sent; None if there is nothing to send now."""
        ticket = None
        try:
            await self._gate.account.turn(job.work.tokens)
            begun = await self._journal.begin(job.work.call, job.work.worst_usd, limits_of(self._setup.execution))
            if isinstance(begun, Stored):
                self._follow(job.work)
            elif self._reason is not None:
                await self._journal.withdraw(begun)
            else:
                ticket = begun
        except OverBudget as over:
            self._over_budget(job, over)
        finally:
            slot.begun(is_sent=ticket is not None)
        return ticket

    async def _send(self, job: _Job, slot: Slot, ticket: Ticket) -> None:
        """Ask, and journal the answer or the failure."""
        work, sent = job.work, time.monotonic()
        try:
            reply = await self._setup.api.send(work.call)
            answer = self._setup.plausible(self._setup.api.read(reply.raw), work.call.body)
        except Failure as failure:
            await self._journal.fail(ticket, failure, work.worst_usd if failure.maybe_paid else 0.0)
            self._gate.note_failure(failure, sent)
            self._failed(job, failure)
        except asyncio.CancelledError:
            cut = Failure(FailureKind.TRANSIENT, "cut off in flight because the run ended", maybe_paid=True)
            await self._journal.fail(ticket, cut, work.worst_usd)
            raise
        else:
            slot.free()
            self._gate.note_answer(work, reply, answer)
            self._note_model(answer)
            await self._journal.finish(ticket, reply, answer, self._setup.price.charge(answer.usage, work.worst_usd))
            self._follow(work)

    def _note_model(self, answer: Answer) -> None:
        """Warn when the provider serves another model than before."""
        if answer.model not in self._models:
            if self._models:
                before = ", ".join(sorted(self._models))
                say(f"WARNING: THE MODEL CHANGED: the provider now serves {answer.model}, before it was {before}")
            self._models.add(answer.model)

    # What follows

    def _follow(self, work: Work) -> None:
        """Go on with the item of a call that is answered or finally failed."""
        following = self._setup.dialogue.follow(work)
        if following is None:
            self._progress.asked += 1
        else:
            self._turns.ready.append(_Job(following))

    def _failed(self, job: _Job, failure: Failure) -> None:
        """Decide how a failed job continues, and whether the run does."""
        if failure.kind is FailureKind.THROTTLED:
            self._progress.throttled += 1
        else:
            self._progress.failed += 1
        if failure.kind is FailureKind.FATAL:
            self._stop(UserError(f"{failure.message}; nothing more is sent, all answers are in the journal"))
        elif self._gate.refuses_everything(failure):
            self._stop(
                UserError(
                    f"the first {REFUSALS_THAT_END} requests were all refused in the same way: {failure.message}; "
                    f"nothing more is sent: change the settings of {self._setup.execution.key}"
                )
            )
        elif failure.kind in (FailureKind.REJECTED, FailureKind.FILTERED):
            self._follow(job.work)
        elif self._gate.breaker.failing_for + (failure.retry_after or 0.0) > self._setup.execution.patience:
            self._out_of_patience(job, failure)
        else:
            self._retry(job, failure)

    def _retry(self, job: _Job, failure: Failure) -> None:
        """Try again after a back-off, unless the request failed too often, or got nothing but 429s for too long.

        A 429 is not the request's fault, nor is what happens while the provider seems to be down.
        """
        how, now = self._setup.execution, time.monotonic()
        if failure.kind is FailureKind.THROTTLED:
            job.refused_since = job.refused_since or now
            job.refusals += 1
            wait = backoff(job.refusals) if failure.retry_after is None else failure.retry_after
            is_over = now - job.refused_since > how.patience
        else:
            wait = max(failure.retry_after or 0.0, backoff(job.failures))
            job.failures += not self._gate.breaker.is_open
            is_over = job.failures >= how.attempts
        if is_over:
            self._follow(job.work)
        else:
            self._turns.add_later(job, wait)

    def _out_of_patience(self, job: _Job, failure: Failure) -> None:
        """Stop; or give up only the requests that are left, if the others were answered."""
        if not self._turns.has_new and self._progress.asked:
            self._gate.ignores_breaker = True  # what keeps failing is tried once more, all together
            self._follow(job.work)
            return
        silent, asked = self._gate.breaker.failing_for, failure.retry_after or 0.0
        what = f"no answer for {silent:,.0f} s" if silent >= asked else f"the provider asks to wait {asked:,.0f} s"
        self._stop(
            UserError(
                f"{what}, longer than patience ({self._setup.execution.patience:,g} s): {failure.message}; all answers "
                "are in the journal: run again when the provider answers, or raise patience"
            )
        )

    def _over_budget(self, job: _Job, over: OverBudget) -> None:
        """Wait for what is in flight, which counts at its worst case; with nothing in flight the budget is spent."""
        self._turns.ready.appendleft(job)
        if self._gate.note_over_budget():
            return
        left = self._progress.total - self._progress.done
        self._stop(
            UserError(
                f"the budget is spent: ${over.spent:.4f} of max_usd ${over.limit:g} of the {over.scope}, and the next "
                f"request can cost ${over.worst:.4f}; {left:,} of {self._progress.total:,} items are left: raise "
                f"max_usd and run again, all answers are in the journal"
            )
        )

    # The end

    def _stop(self, reason: BaseException) -> None:
        """Send nothing more; what is in flight has the time of grace."""
        if self._reason is None:
            self._reason = reason
            self._gate.cancel_unsent()
            self._end_in(self._grace)
            self._gate.changed.set()

    def _end_in(self, seconds: float) -> None:
        if not self._deadline.expired():
            self._deadline.reschedule(asyncio.get_running_loop().time() + seconds)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            say(self._progress.line())

    def _interrupted(self) -> None:
        """A signal stops the run, and at once when it comes again."""
        now = time.monotonic()
        if self._interrupted_at is None:
            self._interrupted_at = now
            if self._gate.in_flight:
                say(
                    f"stopping: waiting for {self._gate.in_flight:,} requests in flight, at most {self._grace:.0f} s; "
                    "interrupt again to end at once and perhaps pay for them again"
                )
            self._stop(KeyboardInterrupt())
        elif now - self._interrupted_at > _DOUBLE_SIGNAL_SECONDS:
            self._end_in(0.0)


@dataclass(slots=True)
class _Job:
    """A call on its way."""

    work: Work
    # failures, refusals: failed attempts, and those refused with a 429
    failures: int = 0
    refusals: int = 0
    refused_since: float | None = None  # when the first 429 came, by the monotonic clock


class _Turns:
    """Which call goes next: new ones as they are read, those that follow from answers, those that are tried again.

    ``look`` is called when there may be something to take that was not there before.
    """

    def __init__(self, works: Iterator[Work | None], progress: Progress, look: Callable[[], None]) -> None:
        self._works: Iterator[Work | None] | None = works
        self._progress = progress
        self._look = look
        self.ready: deque[_Job] = deque()
        self._later = 0  # jobs that wait for their next attempt
        self._new_goes_first = False

    @property
    def has_new(self) -> bool:
        """Whether there may be items that have not been looked at."""
        return self._works is not None

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to take, now or later."""
        return self._works is None and not self.ready and not self._later

    def take(self, is_down: bool) -> _Job | None:
        """The next job: retries and follow-ups first, but every other time a new one where these get nowhere.

        Raises:
            Exception: whatever reading the items raises.
        """
        may_be_new = self._works is not None and self._later < _MOST_WAITING
        if self.ready:
            stuck = is_down or self.ready[0].refusals >= _OFTEN
            self._new_goes_first = may_be_new and stuck and not self._new_goes_first
            if not self._new_goes_first:
                return self.ready.popleft()
        if self._works is None or not may_be_new:
            return None
        try:
            for _ in range(_ANSWERED_AT_ONCE):
                work = next(self._works)
                if work is not None:
                    return _Job(work)
                self._progress.found += 1
        except StopIteration:
            self._works = None
        self._look()
        return None

    def add_later(self, job: _Job, seconds: float) -> None:
        """A job that can go after ``seconds``; it holds no slot until then."""

        def due() -> None:
            self._later -= 1
            self.ready.append(job)
            self._look()

        self._later += 1
        asyncio.get_running_loop().call_later(seconds, due)
