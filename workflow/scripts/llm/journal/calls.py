"""What happens to the journal's rows in a transaction: calls are claimed, attempts settled, money counted.

Every function takes a connection inside a transaction and many rows at once. Rows are looked up with one statement and
written with ``executemany``.

The money of a (study, generator) is what its settled attempts cost and the worst price of those in flight or lost; it
changes in the same transaction as the attempts.
"""

import json
import sqlite3
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from llm.calls import Answer, Call, Failure, FailureKind, Reply, canonical_json

_ROUNDING_USD = 1e-9
CREDIBLE = f"usd BETWEEN 0 AND worst_usd + {_ROUNDING_USD}"
_MOST_INTEGER = 2**63 - 1
MOST_TOKENS = 10**12  # of one answer; a server that counts more, or less than none, is not to be believed
MOST_FACTOR = 20  # times its worst price, which the provider's choice of epochs may exceed, a fine-tuning job may cost
_CALL = "key, provider, base_url, api_version, body, sample"
_SETTLED = (
    "state, usd, ended, status, failure, message, request_id, model, fingerprint, service_tier, input_tokens, "
    "output_tokens, cached_tokens, headers, raw"
)


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
_CLAIMED = f"{_TICKET}, worker, batch, state"


def claim(
    db: sqlite3.Connection, owner: Owner, claims: Sequence[Claim], batch: int | None = None
) -> list[Ticket | Stored | InFlight | OverBudget]:
    """Reserve each call and its worst price for ``owner``, unless it is answered, in flight or too expensive.

    The result for each claim, in order. A refused one leaves no trace.
    """
    keys = [entry.call.key for entry in claims]
    taken: dict[str, Stored | InFlight] = {
        **{flying.key: flying for flying in _in_flight(db, keys)},
        **{stored.key: stored for stored in answers(db, keys)},
    }
    study_usd, generator_usd = spent(db, owner.study, owner.generator)
    reserved = 0.0
    now = time.time()
    attempt = db.execute("SELECT coalesce(max(id), 0) FROM attempts").fetchone()[0]
    outcomes: list[Ticket | Stored | InFlight | OverBudget] = []
    granted: list[Claim] = []
    for key, entry in zip(keys, claims, strict=True):
        known = taken.get(key)
        if known is not None:
            outcomes.append(known)
            continue
        over = _over(study_usd + reserved, generator_usd + reserved, entry.worst_usd, entry.limits)
        if over is not None:
            outcomes.append(over)
            continue
        attempt += 1
        reserved += entry.worst_usd
        outcomes.append(Ticket(attempt, key, entry.worst_usd, owner.study, owner.generator, now, owner.sdk))
        granted.append(entry)
        taken[key] = InFlight(key, owner.worker, batch, now, owner.study, owner.generator)
    tickets = [outcome for outcome in outcomes if isinstance(outcome, Ticket)]
    _insert(db, "OR IGNORE INTO calls", _CALL, map(_call_row, granted))
    _insert(db, "INTO attempts", _CLAIMED, ((*ticket, owner.worker, batch, "sent") for ticket in tickets))
    _spend(db, ((ticket, ticket.worst_usd) for ticket in tickets))
    return outcomes


def settle_answers(db: sqlite3.Connection, answered: Sequence[Answered]) -> list[Stored]:
    """Write answers; what is returned holds for each call, in order.

    Where somebody else's answer to the same call came first, that one holds and this attempt is kept as
    ``failed``, with its text and its cost. An attempt that was settled before stays as it is.
    """
    unsettled = _unsettled(db, answered)
    first = {stored.key: stored for stored in answers(db, [entry.ticket.key for entry in answered])}
    results = []
    rows = []
    for entry in answered:
        mine = _stored(entry)
        holding = first.setdefault(mine.key, mine)
        results.append(holding)
        if mine.attempt not in unsettled:
            continue
        is_late = holding is not mine
        rows.append(
            {
                **mine._asdict(),
                "state": "failed" if is_late else "answered",
                "status": 200,
                "failure": None,
                "message": "answered by another attempt in the meantime" if is_late else None,
                "headers": json.dumps(mine.headers),
            }
        )
    _settle(db, rows)
    _spend(db, _differences(answered, unsettled))
    return results


def settle_failures(db: sqlite3.Connection, failed: Sequence[Failed]) -> None:
    """Write failures: the calls may be asked again. An attempt that was settled before stays as it is."""
    unsettled = _unsettled(db, failed)
    failed = [entry for entry in failed if entry.ticket.attempt in unsettled]
    rows = [
        {
            **dict.fromkeys(_SETTLED.split(", ")),
            "attempt": entry.ticket.attempt,
            "state": "failed",
            "usd": believable_usd(entry.usd, entry.ticket.worst_usd),
            "ended": entry.ended,
            "status": entry.failure.status,
            "failure": entry.failure.kind.value,
            "message": entry.failure.message,
            "request_id": _request_id(entry.failure.headers, None),
            "headers": json.dumps(entry.failure.headers),
            "raw": entry.failure.raw,
        }
        for entry in failed
    ]
    _settle(db, rows)
    _spend(db, _differences(failed, unsettled))


def withdraw(db: sqlite3.Connection, tickets: Sequence[Ticket]) -> None:
    """Give back tickets whose calls were never sent: the attempts are gone and their money is free."""
    delete = "DELETE FROM attempts WHERE id = ? AND state = 'sent'"
    kept = [ticket for ticket in tickets if db.execute(delete, (ticket.attempt,)).rowcount]
    _spend(db, ((ticket, -ticket.worst_usd) for ticket in kept))


def batch_tickets(db: sqlite3.Connection, batch: int) -> Iterator[Ticket]:
    """The calls of a batch that are still in flight."""
    rows = db.execute(f"SELECT {_TICKET} FROM attempts WHERE batch = ? AND state = 'sent'", (batch,))
    return map(Ticket._make, rows)


def answers(db: sqlite3.Connection, keys: Sequence[str]) -> list[Stored]:
    """The answers there are to the calls with these keys, in no order."""
    return [_read_stored(row) for row in _among(db, f"SELECT {_STORED} FROM attempts WHERE state = 'answered'", keys)]


def answer(db: sqlite3.Connection, key: str) -> Stored | None:
    """The answer to the call with this key, None if there is none."""
    row = db.execute(f"SELECT {_STORED} FROM attempts WHERE state = 'answered' AND key = ?", (key,)).fetchone()
    return None if row is None else _read_stored(row)


def in_flight(db: sqlite3.Connection, key: str) -> InFlight | None:
    """Who asks the call with this key, None if nobody does."""
    return next(iter(_in_flight(db, [key])), None)


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
        "SELECT coalesce(sum(max(usd, 0.0)), 0.0), coalesce(sum(CASE generator WHEN ? THEN max(usd, 0.0) END), 0.0) "
        "FROM spend "
        "WHERE study = ?",
        (generator, study),
    ).fetchone()
    return study_usd, generator_usd


def bounded_tokens(tokens: int) -> int:
    """The nearest count of tokens that can be believed."""
    return min(max(tokens, 0), MOST_TOKENS)


def believable_usd(usd: float, worst_usd: float) -> float:
    """What an attempt is charged with: ``usd`` if it can have cost so much, its worst price otherwise."""
    return usd if 0 <= usd <= worst_usd + _ROUNDING_USD else worst_usd


def mend_accounts(db: sqlite3.Connection) -> None:
    """Correct, once, what a server's absurd counts of tokens did to the accounts of an older journal."""
    if db.execute("INSERT OR IGNORE INTO meta VALUES ('mended', 1)").rowcount == 0:
        return
    for column in ("input_tokens", "output_tokens", "cached_tokens"):
        bounded = f"min(max({column}, 0), {MOST_TOKENS})"
        db.execute(f"UPDATE attempts SET {column} = {bounded} WHERE {column} != {bounded}")
    wrong = {"attempts": f"NOT {CREDIBLE}", "tunings": f"NOT usd BETWEEN 0 AND {MOST_FACTOR} * worst_usd"}
    if sum(db.execute(f"UPDATE {table} SET usd = worst_usd WHERE {rows}").rowcount for table, rows in wrong.items()):
        charged = "SELECT study, generator, coalesce(usd, worst_usd) AS charged"
        db.execute(
            f"REPLACE INTO spend SELECT study, generator, sum(charged) FROM "
            f"({charged} FROM attempts UNION ALL {charged} FROM tunings) GROUP BY study, generator"
        )


def over_limits(db: sqlite3.Connection, owner: Owner, worst_usd: float, limits: Limits) -> OverBudget | None:
    """Which limit ``worst_usd`` more would break, None where there is room."""
    return _over(*spent(db, owner.study, owner.generator), worst_usd, limits)


def spend(db: sqlite3.Connection, study: str, generator: str, usd: float) -> None:
    """Count ``usd`` more (or less) as spent."""
    db.execute(
        "INSERT INTO spend VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET usd = usd + excluded.usd",
        (study, generator, usd),
    )


def _over(study_usd: float, generator_usd: float, worst_usd: float, limits: Limits) -> OverBudget | None:
    for scope, usd, limit in zip(("study", "generator"), (study_usd, generator_usd), limits, strict=True):
        if limit is not None and usd + worst_usd > limit + _ROUNDING_USD:
            return OverBudget(scope, usd, limit, worst_usd)
    return None


def _call_row(entry: Claim) -> tuple[Any, ...]:
    call = entry.call
    return call.key, call.provider, call.base_url, call.api_version, canonical_json(call.body), call.sample


def _stored(entry: Answered) -> Stored:
    ticket, answer, usage = entry.ticket, entry.answer, entry.answer.usage
    return Stored(
        key=ticket.key,
        raw=entry.reply.raw,
        attempt=ticket.attempt,
        usd=believable_usd(entry.usd, ticket.worst_usd),
        model=answer.model,
        fingerprint=answer.fingerprint,
        request_id=_request_id(entry.reply.headers, answer.request_id),
        service_tier=answer.service_tier,
        input_tokens=bounded_tokens(usage.input),
        output_tokens=bounded_tokens(usage.output),
        cached_tokens=bounded_tokens(usage.cached),
        started=ticket.started,
        ended=entry.ended,
        sdk=ticket.sdk,
        headers=dict(entry.reply.headers),
        study=ticket.study,
        generator=ticket.generator,
    )


def _read_stored(row: tuple[Any, ...]) -> Stored:
    stored = Stored._make(row)
    return stored._replace(headers=json.loads(row[Stored._fields.index("headers")] or "{}"))


def _request_id(headers: Mapping[str, str], fallback: str | None) -> str | None:
    return headers.get("x-request-id") or headers.get("request-id") or fallback


def _in_flight(db: sqlite3.Connection, keys: Sequence[str]) -> list[InFlight]:
    columns = ", ".join(InFlight._fields)
    return [InFlight._make(row) for row in _among(db, f"SELECT {columns} FROM attempts WHERE state = 'sent'", keys)]


def _among(db: sqlite3.Connection, select: str, keys: Sequence[str]) -> sqlite3.Cursor:
    return db.execute(f"{select} AND key IN (SELECT value FROM json_each(?))", (json.dumps(keys),))


def _insert(db: sqlite3.Connection, into: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    places = ", ".join("?" * (columns.count(",") + 1))
    db.executemany(f"INSERT {into}({columns}) VALUES ({places})", ([storable(value) for value in row] for row in rows))


def _settle(db: sqlite3.Connection, rows: Iterable[Mapping[str, object]]) -> None:
    """Write the columns :data:`_SETTLED` of each row's ``attempt``."""
    settings = ", ".join(f"{name} = :{name}" for name in _SETTLED.split(", "))
    values = ({name: storable(value) for name, value in row.items()} for row in rows)
    db.executemany(f"UPDATE attempts SET {settings} WHERE id = :attempt", values)


def _unsettled(db: sqlite3.Connection, entries: Sequence[Answered | Failed]) -> set[int]:
    """The attempts of ``entries`` that are not settled yet."""
    rows = db.execute(
        "SELECT id FROM attempts WHERE state IN ('sent', 'lost') AND id IN (SELECT value FROM json_each(?))",
        (json.dumps([entry.ticket.attempt for entry in entries]),),
    )
    return {attempt for (attempt,) in rows}


def _differences(settled: Iterable[Answered | Failed], unsettled: Collection[int]) -> Iterator[tuple[Ticket, float]]:
    for entry in settled:
        if entry.ticket.attempt in unsettled:
            yield entry.ticket, believable_usd(entry.usd, entry.ticket.worst_usd) - entry.ticket.worst_usd


def _spend(db: sqlite3.Connection, changes: Iterable[tuple[Ticket, float]]) -> None:
    sums: dict[tuple[str, str], float] = defaultdict(float)
    for ticket, usd in changes:
        sums[ticket.study, ticket.generator] += usd
    for (study, generator), usd in sums.items():
        spend(db, study, generator, usd)


def storable(value: Any) -> Any:
    """``value``, of which a broken server may have sent anything, as SQLite takes it.

    A text with half a surrogate pair has no UTF-8, a number may have more than 64 bits, and an object no column.
    """
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, int):
        return min(max(value, -_MOST_INTEGER), _MOST_INTEGER)
    return value if value is None or isinstance(value, float) else storable(str(value))
