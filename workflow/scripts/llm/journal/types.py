"""What the journal's functions take and give: claims, tickets, stored answers, limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from llm.calls import Answer, Call, Failure, Reply


class Owner(NamedTuple):
    """In whose name calls are asked."""

    worker: str
    study: str
    generator: str
    sdk: str


class Limits(NamedTuple):
    """Most that may be spent, in USD; None: no limit."""

    study_usd: float | None = None
    generator_usd: float | None = None


class Claim(NamedTuple):
    """A call about to be asked, the most it can cost in USD, and the limits that this must keep to."""

    call: Call
    worst_usd: float
    limits: Limits = Limits()


class Ticket(NamedTuple):
    """The right to ask a call, and the money reserved for it."""

    attempt: int
    key: str
    worst_usd: float
    study: str
    generator: str
    started: float
    sdk: str


class Stored(NamedTuple):
    """An answer in the journal: who asked, what came back, what it cost. Times in seconds since 1970, UTC."""

    key: str
    raw: str
    attempt: int
    usd: float
    model: str
    fingerprint: str | None
    request_id: str | None
    service_tier: str | None
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    started: float
    ended: float
    sdk: str
    headers: Mapping[str, str]
    study: str
    generator: str


class InFlight(NamedTuple):
    """A call that somebody is asking: which worker, in which batch if in one, since when, for which generator."""

    key: str
    worker: str
    batch: int | None
    started: float
    study: str
    generator: str


class OverBudget(Exception):
    """Asking could cost more than the limit leaves.

    Attributes:
        scope: ``study`` or ``generator``.
        spent: USD paid, and the worst case of what is in flight or lost.
        limit: USD allowed.
        worst: USD that the refused call can cost.
    """

    def __init__(self, scope: str, spent: float, limit: float, worst: float) -> None:
        super().__init__(
            f"{scope}: ${spent:.4f} of ${limit:.4f} spent or reserved; the next call can cost ${worst:.4f}"
        )
        self.scope = scope
        self.spent = spent
        self.limit = limit
        self.worst = worst


class Answered(NamedTuple):
    """An answer to be written under its ticket; ``ended`` in seconds since 1970."""

    ticket: Ticket
    reply: Reply
    answer: Answer
    usd: float
    ended: float


class Failed(NamedTuple):
    """A failure to be written under its ticket; ``ended`` in seconds since 1970."""

    ticket: Ticket
    failure: Failure
    usd: float
    ended: float
