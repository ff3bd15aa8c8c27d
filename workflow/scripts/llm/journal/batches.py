"""Batches in the journal: their rows and the moves from one state to the next.

A batch is ``gathering`` while calls are claimed for it, ``intent`` from before the first byte of it is sent,
``submitted`` once the provider has named it, ``ended`` when the provider is done with it and ``collected`` when every
answer is in the journal. One that the provider refused as a whole is ``failed``, one that never reached it
``released``, one that a person gave up ``forgotten``; the calls of these may be asked again.

Every move is one transaction, so a process may die between any two.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from llm.calls import Failure, FailureKind, Work
from llm.journal import Failed, InFlight, Intent, Journal, Limits, OverBudget, Owner, Stored, Ticket
from llm.journal.calls import batch_tickets, claim, settle_failures, withdraw
from llm.providers.protocol import BatchState

UNFINISHED = ("gathering", "intent", "submitted", "ended")
LIFETIME_SECONDS = 25 * 3600.0  # a batch takes a day at most, so one submitted earlier waits no more
_PAGE = 500  # rows read at once


class Batch(NamedTuple):
    """A row of ``batches``. Times are seconds since 1970; ``created`` and ``submitted`` are None before the intent.

    Attributes:
        id: number in the journal, in ``attempts.batch`` too.
        intent: the batch's own name, told to the provider.
        account: whose limits it counts against.
        state: see the module.
        remote_id: the provider's name for it, None before it is submitted.
        requests: how many.
        bytes: of the file, roughly.
        tokens: of prompts and expected answers.
        created: when it was first about to be sent.
        submitted: when it was last sent.
    """

    id: int
    intent: str
    study: str
    generator: str
    provider: str
    account: str
    state: str
    remote_id: str | None
    requests: int
    bytes: int
    tokens: int
    created: float | None
    submitted: float | None


class Sized(NamedTuple):
    """A call to be asked and the bytes that it takes in a batch's file."""

    work: Work
    bytes: int


_COLUMNS = ", ".join(Batch._fields)


def custom_id(batch: Batch, attempt: int) -> str:
    """What the provider calls a request of the batch."""
    return f"{batch.intent}-{attempt}"


def attempt_of(name: str, batch: Batch) -> int | None:
    """The attempt behind a custom id, None if it belongs to another batch."""
    intent, _, attempt = name.rpartition("-")
    return int(attempt) if intent == batch.intent and attempt.isdecimal() else None


def unfinished(journal: Journal, account: str) -> list[Batch]:
    """The generator's batches at ``account`` that are not done with, oldest first."""
    owner = journal.owner
    condition = f"study = ? AND generator = ? AND account = ? AND state IN {UNFINISHED}"
    return _batches(journal, condition, (owner.study, owner.generator, account))


def find(journal: Journal, number: int) -> Batch | None:
    """The batch with this number in the journal, None if there is none any more."""
    return next(iter(_batches(journal, "id = ?", (number,))), None)


def waiting_tokens(journal: Journal, account: str) -> int:
    """Tokens of the account's batches at the provider."""
    condition = "account = ? AND state IN ('intent', 'submitted')"
    return sum(batch.tokens for batch in _batches(journal, condition, (account,)))


def is_known(journal: Journal, remote_id: str) -> bool:
    """Whether a batch in the journal goes by the provider's name ``remote_id``."""
    return bool(_batches(journal, "remote_id = ?", (remote_id,)))


def requests(journal: Journal, batch: Batch) -> Iterator[tuple[int, str]]:
    """Attempt's number and JSON body of every request of a batch, in order, read a page at a time."""
    last = -1
    while True:
        rows = journal.read(
            "SELECT attempts.id, calls.body FROM attempts JOIN calls USING (key) "
            "WHERE attempts.batch = ? AND attempts.id > ? ORDER BY attempts.id LIMIT ?",
            (batch.id, last, _PAGE),
        )
        if not rows:
            return
        yield from rows
        last = rows[-1][0]


def write_requests(journal: Journal, batch: Batch, path: Path) -> None:
    """Write the batch's requests to ``path``: JSON objects with ``custom_id`` and ``body``, one a line."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for attempt, body in requests(journal, batch):
            file.write(f'{{"custom_id":"{custom_id(batch, attempt)}","body":{body}}}\n')


def new_batch(journal: Journal, provider: str, account: str) -> Batch:
    """A batch that is not in the journal yet."""
    owner = journal.owner
    intent = f"wb-{uuid.uuid4().hex}"  # custom ids begin with it and have 64 characters at most
    return Batch(0, intent, owner.study, owner.generator, provider, account, "gathering", None, 0, 0, 0, None, None)


def fill(
    db: sqlite3.Connection, owner: Owner, batch: Batch, works: Sequence[Sized], limits: Limits
) -> tuple[Batch, list[Ticket | Stored | InFlight | OverBudget]]:
    """Claim calls for a gathering batch; it comes into the journal with its first call.

    Returns:
        The batch as it is then, and what became of each call.
    """
    number = batch.id or _insert(db, batch)
    intents = [Intent(sized.work.call, sized.work.worst_usd, limits) for sized in works]
    outcomes = claim(db, owner, intents, number)
    granted = [sized for sized, outcome in zip(works, outcomes, strict=True) if isinstance(outcome, Ticket)]
    if not granted:
        if not batch.id:
            db.execute("DELETE FROM batches WHERE id = ?", (number,))
        return batch, outcomes
    batch = batch._replace(
        id=number,
        requests=batch.requests + len(granted),
        bytes=batch.bytes + sum(sized.bytes for sized in granted),
        tokens=batch.tokens + sum(sized.work.tokens for sized in granted),
    )
    _move(db, batch, ("gathering",), requests=batch.requests, bytes=batch.bytes, tokens=batch.tokens)
    return batch, outcomes


def declare(db: sqlite3.Connection, batch: Batch, most_tokens: int | None) -> Batch | None:
    """Write down that the batch is about to be sent (again).

    Returns:
        The batch; None where with it the account would have more than ``most_tokens`` waiting at the provider.
    """
    now = time.time()
    (waiting,) = db.execute(
        "SELECT coalesce(sum(tokens), 0) FROM batches "
        "WHERE account = ? AND state IN ('intent', 'submitted') AND id != ? AND submitted > ?",
        (batch.account, batch.id, now - LIFETIME_SECONDS),
    ).fetchone()
    if most_tokens is not None and waiting and waiting + batch.tokens > most_tokens:
        return None
    sent = batch._replace(state="intent", created=batch.created or now, submitted=now)
    _move(db, batch, ("gathering", "intent"), state="intent", created=sent.created, submitted=now)
    return sent


def submit(db: sqlite3.Connection, batch: Batch, remote: BatchState) -> Batch:
    """Write down that the provider has the batch."""
    _move(db, batch, ("intent",), state="submitted", remote_id=remote.remote_id)
    return batch._replace(state="submitted", remote_id=remote.remote_id)


def end(db: sqlite3.Connection, batch: Batch) -> Batch:
    """Write down that the provider is done with the batch; its answers are to be fetched."""
    _move(db, batch, ("submitted", "ended"), state="ended", ended=time.time())
    return batch._replace(state="ended")


def collect(db: sqlite3.Connection, batch: Batch, message: str) -> int:
    """Close a batch whose answers are all in the journal; requests without one failed and cost nothing.

    Returns:
        The number of requests without an answer or a reason.
    """
    now = time.time()
    failure = Failure(FailureKind.TRANSIENT, f"no answer in the batch: {message}")
    missing = [Failed(ticket, failure, 0.0, now) for ticket in batch_tickets(db, batch.id)]
    settle_failures(db, missing)
    _move(db, batch, ("ended",), state="collected", message=message)
    return len(missing)


def abandon(db: sqlite3.Connection, batch: Batch) -> None:
    """Take a batch that is still gathering out of the journal: nothing of it was sent."""
    row = db.execute("SELECT state FROM batches WHERE id = ?", (batch.id,)).fetchone()
    if row == ("gathering",):
        withdraw(db, list(batch_tickets(db, batch.id)))
        db.execute("DELETE FROM batches WHERE id = ?", (batch.id,))


def release(db: sqlite3.Connection, batch: Batch, state: str, message: str) -> None:
    """Set the calls of a batch free of which the provider ran none: no attempt was made and nothing is owed.

    Args:
        db: connection in a transaction.
        batch: the batch.
        state: ``released`` if the provider does not have it, ``failed`` if it refused it.
        message: why.
    """
    withdraw(db, list(batch_tickets(db, batch.id)))
    _move(db, batch, ("intent", "submitted"), state=state, ended=time.time(), message=message)


def how_to_forget(batch: Batch) -> str:
    """The command that gives a batch up, and what that costs."""
    return f"`tools/journal forget JOURNAL {batch.id}`; its requests will be asked and paid again"


def forget(db: sqlite3.Connection, batch: Batch) -> int:
    """Give a submitted batch up for good: its requests count as lost at their worst price and may be asked again.

    Returns:
        The number of requests.
    """
    lost = db.execute(
        "UPDATE attempts SET state = 'lost', ended = ?, usd = worst_usd, message = 'the batch was given up by hand' "
        "WHERE batch = ? AND state = 'sent'",
        (time.time(), batch.id),
    ).rowcount
    _move(db, batch, UNFINISHED, state="forgotten", ended=time.time(), message="given up by hand")
    return lost


def _insert(db: sqlite3.Connection, batch: Batch) -> int:
    columns = [name for name in Batch._fields if name != "id"]
    places = ", ".join(f":{name}" for name in columns)
    cursor = db.execute(f"INSERT INTO batches({', '.join(columns)}) VALUES ({places})", batch._asdict())
    return cursor.lastrowid or 0


def _move(db: sqlite3.Connection, batch: Batch, before: tuple[str, ...], **columns: object) -> None:
    """Change a batch's row that is in one of the states ``before``; anything else is a defect."""
    setting = ", ".join(f"{name} = ?" for name in columns)
    places = ", ".join("?" for _ in before)
    query = f"UPDATE batches SET {setting} WHERE id = ? AND state IN ({places})"
    if not db.execute(query, (*columns.values(), batch.id, *before)).rowcount:
        raise RuntimeError(f"batch {batch.intent} is not {' or '.join(before)}")


def _batches(journal: Journal, condition: str, parameters: tuple[object, ...]) -> list[Batch]:
    return [
        Batch(*row) for row in journal.read(f"SELECT {_COLUMNS} FROM batches WHERE {condition} ORDER BY id", parameters)
    ]
