"""The gate that every request passes: it alone decides whether one more may be sent now.

It combines four limits: the account's pace, the requests in flight, the circuit breaker and the budget.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from contextlib import suppress
from typing import Self

from llm.asking.pace import Account, Breaker, Concurrency
from llm.calls import Answer, Failure, FailureKind, Reply, Work

# Seconds. A probe may be due while every request waits for its own time: the gate must not be looked at all the time.
_PAUSE = 0.05
REFUSALS_THAT_END = 10  # of the first requests, in the same words, after which the run ends


class Gate:
    """Counts the requests under way and opens for the next one."""

    def __init__(self, account: Account, concurrency: int) -> None:
        self.changed = asyncio.Event()
        self.in_flight = 0
        self.ignores_breaker = False
        self.account = account
        self._concurrency = Concurrency(concurrency)
        self.breaker = Breaker(max(10, concurrency // 2))
        self._entered = 0
        self._slots: set[Slot] = set()
        self._unsent: set[Slot] = set()
        self._budget_is_tight = False  # requests are begun one by one
        self._waits_for_money = False  # something in flight has to end first
        self._refusals: Counter[str] | None = Counter()  # by their words without numbers, until there is an answer

    @property
    def is_open(self) -> bool:
        """Whether one more request may begin now."""
        if self.breaker.is_open and not self.ignores_breaker:
            return not self.breaker.wait and not self._slots
        if self._waits_for_money or (self._budget_is_tight and self._unsent):
            return False
        most = self._concurrency.limit if self._refusals is None else REFUSALS_THAT_END
        return len(self._slots) < min(most, self._concurrency.limit)

    @property
    def is_empty(self) -> bool:
        """Whether no request is under way, not even one whose answer is being written."""
        return not self._entered

    async def wait_for_change(self) -> None:
        """Wait until something may have opened the gate."""
        await asyncio.sleep(0)  # others get their turn even if something has changed already
        awaits_probe = self.breaker.is_open and not self.ignores_breaker and not self._slots
        with suppress(TimeoutError):
            async with asyncio.timeout(max(self.breaker.wait, _PAUSE) if awaits_probe else None):
                await self.changed.wait()
        self.changed.clear()

    def cancel_unsent(self) -> None:
        """Cancel the tasks that have not sent anything yet."""
        for slot in self._unsent:
            if slot.task is not None:
                slot.task.cancel()

    # What happens to requests

    def note_answer(self, work: Work, reply: Reply, answer: Answer) -> None:
        """Note an answer: the provider is up, and its headers may announce limits."""
        self._refusals = None
        self.account.served(work.tokens, answer.usage.input + answer.usage.output, reply.headers)
        self._concurrency.served()
        self.breaker.served()

    def note_failure(self, failure: Failure, sent: float) -> None:
        """Note a failure; ``sent`` is when the request was sent, by the monotonic clock."""
        match failure.kind:
            case FailureKind.FATAL:
                pass
            case FailureKind.REJECTED | FailureKind.FILTERED:
                self.breaker.served()
            case FailureKind.THROTTLED:
                self.account.throttled(failure.retry_after)
                self.breaker.refused()
            case _:
                self.breaker.failed(failure.retry_after)
        if failure.kind in (FailureKind.THROTTLED, FailureKind.OVERLOADED):
            self._concurrency.overloaded(sent)

    def refuses_everything(self, failure: Failure) -> bool:
        """Count a refusal; whether nothing was answered so far, and enough was refused in the same words.

        Numbers and ids in the words do not count: they may be those of the request.
        """
        if self._refusals is None or failure.kind is not FailureKind.REJECTED:
            return False
        words = re.sub(r"[0-9a-f-]*[0-9][0-9a-f-]*", "#", failure.message)
        self._refusals[words] += 1
        return self._refusals[words] >= REFUSALS_THAT_END

    def note_over_budget(self) -> bool:
        """Note that the budget has no room for a request; whether others are under way, which may cost less.

        Requests in flight count at their worst price.
        """
        self._budget_is_tight = True
        self._waits_for_money = self.in_flight > 0 or len(self._unsent) > 1
        return self._waits_for_money


class Slot:
    """The place of one request from before its turn until its answer is on disk; leave its context to give it up.

    ``task`` is the one that sends the request.
    """

    def __init__(self, gate: Gate) -> None:
        self.task: asyncio.Task[None] | None = None
        self._gate = gate
        self._is_sent = False
        gate._entered += 1
        gate._slots.add(self)
        gate._unsent.add(self)

    def begun(self, is_sent: bool) -> None:
        """The request is sent now, or it is not sent at all."""
        gate = self._gate
        gate._unsent.discard(self)
        self._is_sent = is_sent
        gate.in_flight += is_sent
        if gate._budget_is_tight:
            gate.changed.set()

    def free(self) -> None:
        """Make room for the next request: the answer is handed to the journal in this round of the event loop."""
        self._gate._slots.discard(self)
        self._gate.changed.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        gate = self._gate
        gate._entered -= 1
        gate._unsent.discard(self)
        gate.in_flight -= self._is_sent
        if self._is_sent or not (gate.in_flight or gate._unsent):
            gate._waits_for_money = False
        self.free()
