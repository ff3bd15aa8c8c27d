"""Batches in the journal: their rows and the moves from one state to the next.

A batch is ``gathering`` while calls are claimed for it, ``intent`` from before the first byte of it is sent,
``submitted`` once the provider has named it, ``ended`` when the provider is done with it and ``collected`` when every
answer is in the journal. One that the provider refused as a whole is ``failed``, one that never reached it
``released``, one that a person gave up ``forgotten``; the calls of these may be asked again.

Every move is one transaction, so a process may die between any two.
"""

import sqlite3
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from llm.calls import Failure, FailureKind, Work
from llm.journal import Claim, Failed, InFlight, Journal, Limits, OverBudget, Owner, Stored, Ticket
from llm.journal.calls import batch_tickets, claim, lose, settle_failures, withdraw
from llm.journal.remote import RemoteTable
from llm.providers.protocol import BatchState

UNFINISHED = ("gathering", "intent", "submitted", "ended")
LIFETIME_SECONDS = 25 * 3600.0  # a batch takes a day at most, so one submitted earlier waits no more
_PAGE = 500  # rows read at once
_LONGEST_NAME = 64  # characters of a custom id


class Batch(NamedTuple):
    """A row of ``batches``. Times are seconds since 1970; ``created`` and ``submitted`` are None before the intent."""

    id: int  # number in the journal, in ``attempts.batch`` too
    intent: str  # the batch's own name, told to the provider
    study: str
    generator: str
    provider: str
    account: str  # whose limits it counts against
    state: str  # see the module
    remote_id: str | None  # the provider's name for it, None before it is submitted
    requests: int  # how many
    bytes: int  # of the file, roughly
    tokens: int  # of prompts and expected answers
    created: float | None  # when it was first about to be sent
    submitted: float | None  # when it was last sent


class Sized(NamedTuple):
    """A call to be asked and the bytes that it takes in a batch's file."""

    work: Work
    bytes: int


BATCHES = RemoteTable("batches", "batch", Batch, Batch._fields)


def attempt_of(name: str, batch: Batch) -> int | None:
    """The attempt behind a custom id, None if it belongs to another batch."""
    intent, _, attempt = name.rpartition("-")
    return int(attempt) if intent == batch.intent and attempt.isdecimal() and len(name) <= _LONGEST_NAME else None


def unfinished(journal: Journal, account: str) -> list[Batch]:
    """The generator's batches at ``account`` that are not done with, oldest first."""
    owner = journal.owner
    condition = f"study = ? AND generator = ? AND account = ? AND state IN {UNFINISHED}"
    return BATCHES.rows(journal, condition, (owner.study, owner.generator, account))


def find(journal: Journal, number: int) -> Batch | None:
    """The batch with this number in the journal, None if there is none."""
    return BATCHES.first(journal, "id = ?", (number,))


def waiting_tokens(journal: Journal, account: str) -> int:
    """Tokens of the account's batches at the provider."""
    condition = "account = ? AND state IN ('intent', 'submitted')"
    return sum(batch.tokens for batch in BATCHES.rows(journal, condition, (account,)))


def write_requests(journal: Journal, batch: Batch, path: Path) -> None:
    """Write the batch's requests to ``path``: JSON objects with ``custom_id`` and ``body``, one a line."""
    page = (
        "SELECT attempts.id, calls.body FROM attempts JOIN calls USING (key) "
        "WHERE attempts.batch = ? AND attempts.id > ? ORDER BY attempts.id LIMIT ?"
    )
    attempt = -1
    with path.open("w", encoding="utf-8", newline="\n") as file:
        while rows := journal.read(page, (batch.id, attempt, _PAGE)):
            for attempt, body in rows:
                file.write(f'{{"custom_id":"{batch.intent}-{attempt}","body":{body}}}\n')


def new_batch(journal: Journal, provider: str, account: str) -> Batch:
    """A batch that is not in the journal yet."""
    owner = journal.owner
    intent = f"wb-{uuid.uuid4().hex}"  # custom ids begin with it and have 64 characters at most
    return Batch(0, intent, owner.study, owner.generator, provider, account, "gathering", None, 0, 0, 0, None, None)


def fill(
    db: sqlite3.Connection, owner: Owner, batch: Batch, works: Sequence[Sized], limits: Limits
) -> tuple[Batch, list[Ticket | Stored | InFlight | OverBudget]]:
    """Claim calls for a gathering batch, which enters the journal with its first call; also each call's outcome."""
    stored = batch if batch.id else BATCHES.insert(db, {**batch._asdict(), "id": None})
    outcomes = claim(db, owner, [Claim(sized.work.call, sized.work.worst_usd, limits) for sized in works], stored.id)
    granted = [sized for sized, outcome in zip(works, outcomes, strict=True) if isinstance(outcome, Ticket)]
    if not granted:
        if not batch.id:
            db.execute("DELETE FROM batches WHERE id = ?", (stored.id,))
        return batch, outcomes
    filled = BATCHES.move(
        db,
        stored,
        ("gathering",),
        requests=batch.requests + len(granted),
        bytes=batch.bytes + sum(sized.bytes for sized in granted),
        tokens=batch.tokens + sum(sized.work.tokens for sized in granted),
    )
    return filled, outcomes


def declare(db: sqlite3.Connection, batch: Batch, most_tokens: int | None) -> Batch | None:
    """Record that the batch is about to be sent, perhaps again.

    Returns:
        The batch; None if the account would then have more than ``most_tokens`` waiting at the provider.
    """
    now = time.time()
    (waiting,) = db.execute(
        "SELECT coalesce(sum(tokens), 0) FROM batches "
        "WHERE account = ? AND state IN ('intent', 'submitted') AND id != ? AND submitted > ?",
        (batch.account, batch.id, now - LIFETIME_SECONDS),
    ).fetchone()
    if most_tokens is not None and waiting and waiting + batch.tokens > most_tokens:
        return None
    created = batch.created or now
    return BATCHES.move(db, batch, ("gathering", "intent"), state="intent", created=created, submitted=now)


def submit(db: sqlite3.Connection, batch: Batch, remote: BatchState) -> Batch:
    """Record that the provider has the batch."""
    return BATCHES.move(db, batch, ("intent",), state="submitted", remote_id=remote.remote_id)


def end(db: sqlite3.Connection, batch: Batch) -> Batch:
    """Record that the provider has finished the batch and its answers are to be fetched."""
    return BATCHES.move(db, batch, ("submitted", "ended"), state="ended", ended=time.time())


def collect(db: sqlite3.Connection, batch: Batch, message: str) -> int:
    """Close a batch whose answers are all in the journal; requests without one failed and were perhaps paid.

    Returns how many have neither an answer nor a reason.
    """
    now = time.time()
    failure = Failure(FailureKind.TRANSIENT, f"no answer in the batch: {message}", maybe_paid=True)
    missing = [Failed(ticket, failure, ticket.worst_usd, now) for ticket in batch_tickets(db, batch.id)]
    settle_failures(db, missing)
    BATCHES.move(db, batch, ("ended",), state="collected", message=message)
    return len(missing)


def abandon(db: sqlite3.Connection, batch: Batch) -> None:
    """Take a batch that is still gathering out of the journal: nothing of it was sent."""
    if db.execute("DELETE FROM batches WHERE id = ? AND state = 'gathering'", (batch.id,)).rowcount:
        withdraw(db, batch_tickets(db, batch.id))


def release(db: sqlite3.Connection, batch: Batch, state: str, message: str) -> None:
    """Free the calls of a batch that the provider did not run: no attempt was made and nothing is owed.

    ``state`` is ``released`` if the provider does not have it, ``failed`` if it refused it.
    """
    withdraw(db, batch_tickets(db, batch.id))
    BATCHES.move(db, batch, ("intent", "submitted"), state=state, ended=time.time(), message=message)


def how_to_forget(batch: Batch) -> str:
    """The command that gives a batch up, and what that costs."""
    return f"`tools/journal forget JOURNAL {batch.id}`; its requests will be asked and paid again"


def forget(db: sqlite3.Connection, batch: Batch) -> int:
    """Give a batch up for good: its requests, whose number is returned, count as lost at their worst price."""
    lost = lose(db, "batch = ?", (batch.id,), "the batch was given up by hand")
    BATCHES.move(db, batch, UNFINISHED, state="forgotten", ended=time.time(), message="given up by hand")
    return lost
