"""Asking one call at a time, many at once: the online executor.

Every call is journalled as sent before it is sent and as answered before its answer is used. A slot is held until the
answer is handed to the journal, which writes in the order in which it gets things: the next call is sent only when the
answer that made room for it is on disk. So a process killed at any moment has lost at most ``concurrency`` answers. A
call that waits for its next attempt holds no slot.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from llm.asking.interrupts import on_interrupt
from llm.asking.pace import Account, Breaker, Concurrency, backoff
from llm.asking.progress import EVERY_SECONDS, Progress
from llm.asking.turns import Job, Turns
from llm.calls import Answer, Failure, FailureKind, Reply, Work
from llm.journal import Journal, Limits, OverBudget, Stored, Ticket
from workbench.cli import UserError, say

if TYPE_CHECKING:
    from llm.asking.dialogue import Dialogue
    from llm.prices import Price
    from llm.providers.api import Api

GRACE_SECONDS = 10.0  # what is in flight when the run stops has so long to be answered
_DOUBLE_SIGNAL_SECONDS = 1.0  # two signals closer than this are one: a terminal and a workflow manager both send one


class OnlineExecutor:
    """Carries calls out until every item is done, or something stops all of them.

    Args:
        api: the provider.
        journal: where every attempt and answer is written.
        account: pace of the account.
        settings: of the generator; read are ``concurrency`` (requests in flight), ``attempts`` (of one call) and
            ``patience`` (seconds without any answer after which the run ends).
        limits: what may be spent.
        price: of an answer.
        dialogue: knows what to ask next.
        progress: counts; its ``total`` is the number of items.
        grace: seconds that what is in flight has when the run stops.
    """

    def __init__(
        self,
        api: Api,
        journal: Journal,
        account: Account,
        settings: Mapping[str, Any],
        limits: Limits,
        price: Price,
        dialogue: Dialogue,
        progress: Progress,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self._api = api
        self._journal = journal
        self._account = account
        self._attempts: int = settings["attempts"]
        self._patience: float = settings["patience"]
        self._limits = limits
        self._price = price
        self._dialogue = dialogue
        self._progress = progress
        self._grace = grace
        self._concurrency = Concurrency(settings["concurrency"])
        self._breaker = Breaker(max(10, settings["concurrency"] // 2))
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots: set[asyncio.Task[None]] = set()  # tasks that hold one
        self._in_flight = 0
        self._unsent: set[asyncio.Task[None]] = set()  # those that have not sent anything yet
        self._tight = False  # the budget is nearly spent: calls are begun one by one
        self._last_round = False  # only calls that keep failing are left: each is tried once more, all together
        self._held = False  # the budget wants something in flight to end first
        self._reason: BaseException | None = None
        self._timer: asyncio.TimerHandle | None = None  # of the next look whether something may run
        self._pumping = False  # whether there will be a look in this round of the loop
        self._interrupted_at: float | None = None
        self._models: set[str] = set()  # as served

    async def run(self, works: Iterator[Work | None]) -> None:
        """Carry out ``works`` and all that follows from them.

        Args:
            works: the first call of every item, None for an item that needs none; read as slots become free.

        Raises:
            UserError: nothing can be asked (bad key, no credit, no such model, …), no answer came for ``patience``
                seconds, or the budget is spent.
            KeyboardInterrupt: a signal asked to stop.

        In each case what was in flight had ``grace`` seconds to be answered, and every answer is in the journal.
        """
        loop = asyncio.get_running_loop()
        self._turns = Turns(works, self._progress, self._pump_soon)
        self._finished: asyncio.Future[None] = loop.create_future()
        self._progress.start()
        ticker = loop.create_task(self._tick())
        try:
            with on_interrupt(self._interrupted):
                self._pump()
                await self._finished
        finally:
            ticker.cancel()
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)
            await self._account.close()
            self._progress.end()
        if self._reason is not None:
            raise self._reason

    # What goes next

    def _pump(self) -> None:
        """Start as many jobs as may run now; end the run when nothing is left."""
        self._pumping = False
        loop = asyncio.get_running_loop()
        while self._reason is None and len(self._slots) < self._room():
            try:
                job = self._turns.take(self._breaker.is_open)
            except Exception as error:
                self._stop(error)
                break
            if job is None:
                break
            task = loop.create_task(self._carry_out(job))
            self._unsent.add(task)
            self._slots.add(task)
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        if not self._tasks and (self._turns.is_done or self._reason is not None) and not self._finished.done():
            self._finished.set_result(None)

    def _room(self) -> int:
        """How many jobs may run now."""
        if self._breaker.is_open and not self._last_round:
            wait = self._breaker.wait
            if wait > 0 and self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(wait, self._probe)
            return 0 if wait > 0 else 1
        if self._held:
            return 0
        if self._tight:
            return min(self._concurrency.limit, len(self._slots) - len(self._unsent) + 1)
        return self._concurrency.limit

    def _pump_soon(self) -> None:
        """Look what may run as soon as what is under way in this round of the loop is done."""
        if not self._pumping:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _leave_slot(self) -> None:
        self._slots.discard(_this_task())
        self._pump_soon()

    def _probe(self) -> None:
        self._timer = None
        self._pump()

    # One attempt

    async def _carry_out(self, job: Job) -> None:
        """One attempt at a job, from its turn to its answer or failure in the journal."""
        ticket = await self._begin(job)
        if ticket is None:
            return
        work = job.work
        sent = time.monotonic()
        self._in_flight += 1
        try:
            reply = await self._api.send(work.call)
            answer = self._api.read(reply.raw)
        except Failure as failure:
            await self._journal.fail(ticket, failure, work.worst_usd if failure.maybe_paid else 0.0)
            self._failed(job, failure, sent)
        except asyncio.CancelledError:
            cut = Failure(FailureKind.TRANSIENT, "cut off in flight because the run ended", maybe_paid=True)
            await self._journal.fail(ticket, cut, work.worst_usd)
            raise
        else:
            self._leave_slot()
            self._served(work, reply, answer)
            await self._journal.finish(ticket, reply, answer, self._price.charge(answer.usage, work.worst_usd))
            self._follow(work)
        finally:
            self._in_flight -= 1
            self._held = False

    async def _begin(self, job: Job) -> Ticket | None:
        """Wait for the job's turn and journal it as sent; None if there is nothing to send now."""
        try:
            await self._account.turn(job.work.tokens)
            begun = await self._journal.begin(job.work.call, job.work.worst_usd, self._limits)
        except OverBudget as over:
            self._over_budget(job, over)
            return None
        finally:
            self._unsent.discard(_this_task())
        if isinstance(begun, Stored):
            self._follow(job.work)
            return None
        if self._reason is not None:
            await self._journal.withdraw(begun)
            return None
        if self._tight:
            self._pump_soon()
        return begun

    def _served(self, work: Work, reply: Reply, answer: Answer) -> None:
        self._account.served(work.tokens, answer.usage.input + answer.usage.output, reply.headers)
        self._concurrency.served()
        self._breaker.served()
        if answer.model not in self._models:
            if self._models:
                before = ", ".join(sorted(self._models))
                say(f"WARNING: THE MODEL CHANGED: the provider now serves {answer.model}, before it was {before}")
            self._models.add(answer.model)

    def _follow(self, work: Work) -> None:
        """Go on with the item of a call that is answered or finally failed."""
        following = self._dialogue.follow(work)
        if following is None:
            self._progress.asked += 1
        else:
            self._turns.add(Job(following))

    def _failed(self, job: Job, failure: Failure, sent: float) -> None:
        """Decide how a failed job goes on, and whether the run does."""
        match failure.kind:
            case FailureKind.FATAL:
                self._progress.failed += 1
                self._stop(UserError(f"{failure.message}; nothing more is sent, all answers are in the journal"))
            case FailureKind.REJECTED | FailureKind.FILTERED:
                self._progress.failed += 1
                self._breaker.served()
                self._follow(job.work)
            case FailureKind.THROTTLED:
                self._progress.throttled += 1
                self._account.throttled(failure.retry_after)
                self._concurrency.overloaded(sent)
                self._breaker.refused()
                self._refused(job, failure)
            case _:
                self._progress.failed += 1
                self._breaker.failed(failure.retry_after)
                if failure.kind is FailureKind.OVERLOADED:
                    self._concurrency.overloaded(sent)
                self._retry(job, failure)

    def _refused(self, job: Job, failure: Failure) -> None:
        """A 429 is no fault of the request: it is asked again, unless nothing else happens for too long."""
        now = time.monotonic()
        if not job.refusals:
            job.refused_since = now
        job.refusals += 1
        wait = backoff(job.refusals) if failure.retry_after is None else failure.retry_after
        if self._breaker.failing_for + (failure.retry_after or 0.0) > self._patience:
            self._out_of_patience(job, failure)
        elif now - job.refused_since > self._patience:
            self._follow(job.work)
        else:
            self._turns.add_later(job, wait)

    def _retry(self, job: Job, failure: Failure) -> None:
        """Try again after a back-off; while the provider seems to be down, this is no fault of the request."""
        wait = max(failure.retry_after or 0.0, backoff(job.failures))
        if self._breaker.failing_for + (failure.retry_after or 0.0) > self._patience:
            self._out_of_patience(job, failure)
            return
        if not self._breaker.is_open:
            job.failures += 1
        if job.failures >= self._attempts:
            self._follow(job.work)
        else:
            self._turns.add_later(job, wait)

    def _out_of_patience(self, job: Job, failure: Failure) -> None:
        """Give all up; or only the requests that are left, if the others were answered."""
        if not self._turns.has_new and self._progress.asked:
            self._last_round = True
            self._follow(job.work)
            return
        silent, asked = self._breaker.failing_for, failure.retry_after or 0.0
        what = f"no answer for {silent:,.0f} s" if silent >= asked else f"the provider asks to wait {asked:,.0f} s"
        self._stop(
            UserError(
                f"{what}, longer than patience ({self._patience:,g} s): {failure.message}; all answers are in the "
                "journal: run again when the provider answers, or raise patience"
            )
        )

    def _over_budget(self, job: Job, over: OverBudget) -> None:
        """Wait for what is in flight, which counts at its worst case; with nothing in flight the budget is spent."""
        self._turns.put_back(job)
        self._tight = True
        if self._in_flight or len(self._unsent) > 1:
            self._held = True
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

    def _ended(self, task: asyncio.Task[None]) -> None:
        for tasks in (self._tasks, self._slots, self._unsent):
            tasks.discard(task)
        if not self._in_flight and not self._unsent:
            self._held = False
        if not task.cancelled() and (error := task.exception()) is not None:
            self._stop(error)
        self._pump()

    def _stop(self, reason: BaseException) -> None:
        """Send nothing more; what is in flight has the time of grace."""
        if self._reason is not None:
            return
        self._reason = reason
        for task in self._unsent:
            task.cancel()
        asyncio.get_running_loop().call_later(self._grace, self._end_now)
        self._pump_soon()

    def _end_now(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            self._progress.tick()

    def _interrupted(self) -> None:
        """A signal stops the run, and at once when it comes again."""
        now = time.monotonic()
        if self._interrupted_at is None:
            self._interrupted_at = now
            if self._in_flight:
                say(
                    f"stopping: waiting for {self._in_flight:,} requests in flight, at most {self._grace:.0f} s; "
                    "interrupt again to end at once and perhaps pay for them again"
                )
            self._stop(KeyboardInterrupt())
        elif now - self._interrupted_at > _DOUBLE_SIGNAL_SECONDS:
            self._end_now()


def _this_task() -> asyncio.Task[None]:
    return cast("asyncio.Task[None]", asyncio.current_task())
