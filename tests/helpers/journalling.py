"""Calls, answers and failures to journal, and what tests ask of a journal."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from llm.calls import Answer, Call, Failure, FailureKind, Finish, Reply, Usage
from llm.journal import Journal, Limits, Stored, Ticket

T = TypeVar("T")

WORST, COST = 0.25, 0.0625  # USD of an answer at most and as a rule
NO_LIMITS = Limits()


def call(number: int) -> Call:
    """A call like no other number's."""
    return Call("openai", "http://server/v1", "v1", {"model": "m", "messages": [number]})


def reply(text: str = '{"text": "Haus"}') -> Reply:
    """What comes back over the wire."""
    return Reply(text, {"x-request-id": "req-1"})


def answer(model: str = "m-1") -> Answer:
    """What it says."""
    return Answer("Haus", Finish.STOP, None, model, "fp", "chatcmpl-1", "default", Usage(10, 5, 2))


def cut_off() -> Failure:
    """A failure that was perhaps paid."""
    return Failure(FailureKind.TRANSIENT, "the answer broke off", status=200, maybe_paid=True, raw='{"te')


def busy() -> Failure:
    """A failure that costs nothing."""
    return Failure(FailureKind.THROTTLED, "too fast", status=429, headers={"retry-after": "1"})


def wait_for(function: Callable[[], Awaitable[T]]) -> T:
    """The result of a coroutine, within a minute."""
    return asyncio.run(asyncio.wait_for(function(), 60))  # type: ignore[arg-type]


async def ask(journal: Journal, number: int, usd: float = COST, limits: Limits = NO_LIMITS) -> Stored:
    """Ask a call that nobody has asked."""
    ticket = await journal.begin(call(number), WORST, limits)
    assert isinstance(ticket, Ticket)
    return await journal.finish(ticket, reply(), answer(), usd)


def states(journal: Journal) -> Counter[str]:
    """How many attempts are in each state."""
    return Counter(dict(journal.read("SELECT state, count(*) FROM attempts GROUP BY state")))


def accounts_agree(journal: Journal) -> None:
    """Check that what is spent is the sum of all attempts."""
    (attempts,) = journal.read("SELECT coalesce(sum(coalesce(usd, worst_usd)), 0.0) FROM attempts")[0]
    (spend,) = journal.read("SELECT coalesce(sum(usd), 0.0) FROM spend")[0]
    assert spend == pytest.approx(attempts, abs=1e-9)
