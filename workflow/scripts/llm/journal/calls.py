"""What happens to the journal's rows in a transaction: calls are claimed, attempts settled, money counted.

Every function takes a connection inside a transaction and many rows at once.

The money of a (study, generator) is what its settled attempts cost and the worst price of those in flight or lost; it
changes in the same transaction as the attempts.
"""

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from llm.calls import MOST_TOKENS, Answer, Call, Failure, FailureKind, Reply, canonical_json

ASKED_MODEL = "iif(json_valid(body), json_extract(body, '$.model'), '')"  # a row may be damaged
_ROUNDING_USD = 1e-9
CREDIBLE = f"usd BETWEEN 0 AND worst_usd + {_ROUNDING_USD}"
MOST_FACTOR = 20  # times its worst price, which the provider's choice of epochs may exceed, a fine-tuning job may cost
_MOST_INTEGER = 2**63 - 1


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


@dataclass(eq=False, repr=False)
class OverBudget(Exception):
    """Asking could cost more than the limit leaves."""

    scope: str  # ``study`` or ``generator``
    spent: float  # USD paid, and the worst case of what is in flight or lost
    limit: float  # USD allowed
    worst: float  # USD that the refused call can cost

    def __str__(self) -> str:
        usd = f"${self.spent:.4f} of ${self.limit:.4f} spent or reserved"
        return f"{self.scope}: {usd}; the next call can cost ${self.worst:.4f}"


class Answered(NamedTuple):
    """An answer to be written under its ticket; ``ended`` in seconds since 1970.

    It is charged with ``usd``, or with the worst price if no honest count of tokens can have led to that.
    """

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


# Columns of `attempts`, whose `id` is the attempt.
_STORED = ", ".join(Stored._fields).replace("attempt", "id")
_TICKET = ", ".join(Ticket._fields).replace("attempt", "id")
_IN_FLIGHT = ", ".join(InFlight._fields)


def claim(
    db: sqlite3.Connection, owner: Owner, claims: Sequence[Claim], batch: int | None = None
) -> list[Ticket | Stored | InFlight | OverBudget]:
    """Reserve each call and its worst price for ``owner``, unless it is answered, in flight or too expensive.

    The result for each claim, in order. A refused one leaves no trace.
    """
    keys = [entry.call.key for entry in claims]
    taken: dict[str, Stored | InFlight] = {
        **{flying.key: flying for flying in in_flight(db, keys)},
        **{stored.key: stored for stored in answers(db, keys)},
    }
    study_usd, generator_usd = spent(db, owner.study, owner.generator)
    reserved = 0.0
    now = time.time()
    (attempt,) = db.execute("SELECT coalesce(max(id), 0) FROM attempts").fetchone()
    outcomes: list[Ticket | Stored | InFlight | OverBudget] = []
    calls: list[Call] = []
    tickets: list[Ticket] = []
    for key, (call, worst_usd, limits) in zip(keys, claims, strict=True):
        refused = taken.get(key) or over_limits(study_usd + reserved, generator_usd + reserved, worst_usd, limits)
        if refused is not None:
            outcomes.append(refused)
            continue
        attempt += 1
        reserved += worst_usd
        ticket = Ticket(attempt, key, worst_usd)
        outcomes.append(ticket)
        calls.append(call)
        tickets.append(ticket)
        taken[key] = InFlight(key, owner.worker, batch, now, owner.study, owner.generator)
    db.executemany("INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, ?, ?)", map(_call_row, calls))
    db.executemany(
        f"INSERT INTO attempts({_TICKET}, study, generator, worker, batch, started, sdk, state) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'sent')",
        ((*ticket, owner.study, owner.generator, owner.worker, batch, now, owner.sdk) for ticket in tickets),
    )
    if tickets:
        spend(db, owner.study, owner.generator, reserved)
    return outcomes


def settle_answers(db: sqlite3.Connection, answered: Sequence[Answered]) -> list[Stored]:
    """Write answers; what is returned holds for each call, in order.

    Where somebody else's answer to the same call came first, that one holds and this attempt is kept as
    ``failed``, with its text and its cost. An attempt that was settled before stays as it is.
    """
    is_answered = "SELECT 1 FROM attempts WHERE state = 'answered' AND key = ?"
    for ticket, reply, answer, usd, ended in answered:
        is_late = db.execute(is_answered, (ticket.key,)).fetchone() is not None
        columns = {
            "state": "failed" if is_late else "answered",
            "ended": ended,
            "status": 200,
            "message": "answered by another attempt in the meantime" if is_late else None,
            "request_id": _request_id(reply.headers, answer.request_id),
            "model": answer.model,
            "fingerprint": answer.fingerprint,
            "service_tier": answer.service_tier,
            "input_tokens": _bounded_tokens(answer.usage.input),
            "output_tokens": _bounded_tokens(answer.usage.output),
            "cached_tokens": _bounded_tokens(answer.usage.cached),
            "headers": json.dumps(dict(reply.headers)),
            "raw": reply.raw,
        }
        _settle(db, ticket, usd, columns)
    holding = {stored.key: stored for stored in answers(db, [entry.ticket.key for entry in answered])}
    return [holding[entry.ticket.key] for entry in answered]


def settle_failures(db: sqlite3.Connection, failed: Sequence[Failed]) -> None:
    """Write failures: the calls may be asked again. An attempt that was settled before stays as it is."""
    for ticket, failure, usd, ended in failed:
        columns = {
            "state": "failed",
            "ended": ended,
            "status": failure.status,
            "failure": failure.kind.value,
            "message": failure.message,
            "request_id": _request_id(failure.headers, None),
            "headers": json.dumps(failure.headers),
            "raw": failure.raw,
        }
        _settle(db, ticket, usd, columns)


def withdraw(db: sqlite3.Connection, tickets: Sequence[Ticket]) -> None:
    """Give back tickets whose calls were never sent: the attempts are gone and their money is free."""
    for ticket in tickets:
        _charge(db, -ticket.worst_usd, "DELETE FROM attempts WHERE id = ? AND state = 'sent'", (ticket.attempt,))


def lose(db: sqlite3.Connection, which: str, values: Sequence[Any], message: str) -> int:
    """Count as lost, at their worst price, the attempts in flight that an SQL condition says; returns how many."""
    update = "UPDATE attempts SET state = 'lost', ended = ?, usd = worst_usd, message = ? WHERE state = 'sent'"
    return db.execute(f"{update} AND {which}", (time.time(), message, *values)).rowcount


def batch_tickets(db: sqlite3.Connection, batch: int) -> list[Ticket]:
    """The calls of a batch that are still in flight."""
    rows = db.execute(f"SELECT {_TICKET} FROM attempts WHERE batch = ? AND state = 'sent'", (batch,))
    return list(map(Ticket._make, rows))


def answers(db: sqlite3.Connection, keys: Sequence[str]) -> list[Stored]:
    """The answers there are to the calls with these keys, in no order."""
    return [_read_stored(row) for row in _among(db, f"SELECT {_STORED} FROM attempts WHERE state = 'answered'", keys)]


def answer(db: sqlite3.Connection, key: str) -> Stored | None:
    """The answer to the call with this key, None if there is none."""
    row = db.execute(f"SELECT {_STORED} FROM attempts WHERE state = 'answered' AND key = ?", (key,)).fetchone()
    return None if row is None else _read_stored(row)


def in_flight(db: sqlite3.Connection, keys: Sequence[str]) -> list[InFlight]:
    """Those of the calls with these keys that are being asked, in no order."""
    return list(map(InFlight._make, _among(db, f"SELECT {_IN_FLIGHT} FROM attempts WHERE state = 'sent'", keys)))


def last_failure(db: sqlite3.Connection, key: str) -> tuple[FailureKind, str] | None:
    """Kind and message of the last failed attempt at the call with this key."""
    row = db.execute(
        "SELECT failure, message FROM attempts "
        "WHERE state NOT IN ('sent', 'answered') AND key = ? AND failure IS NOT NULL ORDER BY id DESC LIMIT 1",
        (key,),
    ).fetchone()
    return None if row is None else (FailureKind(row[0]), row[1])


def spent(db: sqlite3.Connection, study: str, generator: str) -> tuple[float, float]:
    """USD that the study and its generator have paid or reserved."""
    study_usd, generator_usd = db.execute(
        "SELECT total(max(usd, 0.0)), total(max(usd, 0.0)) FILTER (WHERE generator = ?) FROM spend WHERE study = ?",
        (generator, study),
    ).fetchone()
    return study_usd, generator_usd


def spend(db: sqlite3.Connection, study: str, generator: str, usd: float) -> None:
    """Count ``usd`` more (or less) as spent."""
    db.execute(
        "INSERT INTO spend VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET usd = usd + excluded.usd",
        (study, generator, usd),
    )


def over_limits(study_usd: float, generator_usd: float, worst_usd: float, limits: Limits) -> OverBudget | None:
    """Which limit ``worst_usd`` more than what is spent would break, None where there is room."""
    for scope, usd, limit in zip(("study", "generator"), (study_usd, generator_usd), limits, strict=True):
        if limit is not None and usd + worst_usd > limit + _ROUNDING_USD:
            return OverBudget(scope, usd, limit, worst_usd)
    return None


def _call_row(call: Call) -> tuple[Any, ...]:
    row = call.key, call.provider, call.base_url, call.api_version, canonical_json(call.body), call.sample
    return tuple(map(storable, row))


def _read_stored(row: tuple[Any, ...]) -> Stored:
    stored = Stored._make(row)
    try:
        headers = json.loads(str(stored.headers or "{}"))
    except ValueError:  # damaged; they are only for people to read
        headers = {}
    return stored._replace(headers=headers, raw=str(stored.raw or ""))


def _request_id(headers: Mapping[str, str], fallback: str | None) -> str | None:
    return headers.get("x-request-id") or headers.get("request-id") or fallback


def _among(db: sqlite3.Connection, select: str, keys: Sequence[str]) -> sqlite3.Cursor:
    return db.execute(f"{select} AND key IN (SELECT value FROM json_each(?))", (json.dumps(keys),))


def _settle(db: sqlite3.Connection, ticket: Ticket, usd: float, columns: Mapping[str, object]) -> None:
    """Write ``columns`` of an attempt that is not settled yet, and what it cost."""
    charged = _believable_usd(usd, ticket.worst_usd)
    values = {name: storable(value) for name, value in columns.items()}
    setting = ", ".join(f"{name} = :{name}" for name in values)
    update = f"UPDATE attempts SET usd = :usd, {setting} WHERE id = :attempt AND state IN ('sent', 'lost')"
    _charge(db, charged - ticket.worst_usd, update, {**values, "usd": charged, "attempt": ticket.attempt})


def _charge(db: sqlite3.Connection, usd: float, change: str, values: Any) -> None:
    """Carry out the ``change`` of an attempt and count ``usd`` more as spent, unless there is nothing to change."""
    for study, generator in db.execute(f"{change} RETURNING study, generator", values).fetchall():
        spend(db, study, generator, usd)


def _bounded_tokens(tokens: int) -> int:
    """The nearest count of tokens that can be believed."""
    return min(max(tokens, 0), MOST_TOKENS)


def _believable_usd(usd: float, worst_usd: float) -> float:
    """What an attempt is charged with: ``usd`` if it can have cost so much, its worst price otherwise."""
    return usd if 0 <= usd <= worst_usd + _ROUNDING_USD else worst_usd


def storable(value: Any) -> Any:
    """``value``, of which a broken server may have sent anything, as SQLite takes it.

    A text with half a surrogate pair has no UTF-8, a number may have more than 64 bits, and an object no column.
    """
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, int):
        return min(max(value, -_MOST_INTEGER), _MOST_INTEGER)
    return value if value is None or isinstance(value, float) else storable(str(value))
