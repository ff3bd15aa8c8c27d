"""The journal: one SQLite file that holds every attempt and every answer before it is used.

A call is written before it is sent and its answer before anything reads it. So a process that is killed at any moment
loses at most what was in flight, and nobody pays for an answer twice. Several processes of one host may use a journal
at once. SQLite's write-ahead log does not work across hosts, so a process on another host is refused.

One transaction writes everything that waits, so journalling costs little even at a thousand answers a second.
"""

import asyncio
import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from llm.calls import Answer, Call, Failure, FailureKind, Reply
from llm.journal import calls
from llm.journal.calls import Answered, Claim, Failed, InFlight, Limits, OverBudget, Owner, Stored, Ticket
from llm.journal.presence import Worker, bury_dead, dead_workers, live_workers
from llm.journal.schema import explained, open_reader, open_writer
from llm.journal.writer import Writer
from workbench.cli import UserError

__all__ = ["Answered", "Claim", "Failed", "InFlight", "Journal", "Limits", "OverBudget", "Owner", "Stored", "Ticket"]

T = TypeVar("T")
Parameters = Sequence[Any] | Mapping[str, Any]

_FIRST_WAIT_SECONDS = 0.02
_LONGEST_WAIT_SECONDS = 1.0
_NO_LIMITS = Limits()


class Journal:
    """A journal in use by one generator of one study; leave its context to end.

    Its coroutines belong in one event loop; reading may be done from any thread.

    Args:
        path: the file; created, with its folder, if it does not exist.
        study: whose limit counts everything asked in its name.
        generator: in whose name calls are asked.
        sdk: name and version of the client that asks, kept with each attempt.

    Raises:
        UserError: the file is not a journal, of a newer version, in use on another host, or cannot be written.
    """

    def __init__(self, path: Path, study: str, generator: str, sdk: str = "") -> None:
        self.path = path
        self.study = study
        self.generator = generator
        with ExitStack() as opened:
            db = opened.enter_context(closing(open_writer(path)))
            worker = opened.enter_context(closing(Worker(path)))
            self.owner = Owner(worker.id, study, generator, sdk)
            self._reader = opened.enter_context(closing(open_reader(path)))
            self._writer: Writer | None = opened.enter_context(closing(Writer(path, db, worker, self.owner)))
            self._opened = opened.pop_all()

    @classmethod
    def open_reading(cls, path: Path, study: str = "", generator: str = "") -> Self:
        """A journal to read only; nothing is made or changed.

        Raises:
            UserError: there is no such file, or it is not a journal, of a newer version or cannot be read.
        """
        journal = cls.__new__(cls)
        journal.path, journal.study, journal.generator = path, study, generator
        journal._opened = ExitStack()
        journal._reader = journal._opened.enter_context(closing(open_reader(path)))
        journal._writer = None
        return journal

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what waits and end. What is still in flight counts as lost: perhaps answered and paid."""
        self._writer = None
        self._opened.close()

    def answered(self, key: str) -> Stored | None:
        """The answer to the call with this key, whoever asked it; None if there is none."""
        return self._reading(lambda db: calls.answer(db, key))

    def in_flight(self, key: str) -> bool:
        """Whether the call with this key is being asked, by whomever; its worst price is reserved."""
        return bool(self._in_flight(key))

    def last_failure(self, key: str) -> tuple[FailureKind, str] | None:
        """Kind and message of the last failed attempt at the call with this key; None if there is none."""
        return self._reading(lambda db: calls.last_failure(db, key))

    def spent(self) -> tuple[float, float]:
        """USD that the study, and this generator in it, have paid or reserved; lost attempts at their worst."""
        return self._reading(lambda db: calls.spent(db, self.study, self.generator))

    def workers(self) -> list[tuple[str, str, int, float]]:
        """Id, host, process and start (seconds since 1970) of the processes that use the journal."""
        return self._reading(lambda db: live_workers(db, self.path))

    def read(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, as of now. For many rows see :meth:`stream`."""
        return self._reading(lambda db: db.execute(sql, parameters).fetchall())

    def stream(self, sql: str, parameters: Parameters = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query one by one, all as of the first; on a separate connection."""
        with explained(self.path), closing(open_reader(self.path)) as db:
            yield from db.execute(sql, parameters)

    async def begin(self, call: Call, worst_usd: float, limits: Limits = _NO_LIMITS) -> Ticket | Stored:
        """Claim a call and reserve its worst price, on disk before this returns; or its answer, if there is one.

        Where another task or process has the same call in flight, this waits until that has ended. Cancelled, it
        gives the claim back.

        Raises:
            OverBudget: the call could cost more than the limits leave; they are kept to across processes.
            UserError: the call is part of a batch whose answers have not been fetched, or the journal cannot be
                written.
        """
        entry = Claim(call, worst_usd, limits)
        wait = _FIRST_WAIT_SECONDS
        while True:
            outcome = await self._claim(entry)
            if not isinstance(outcome, InFlight):
                return outcome
            if outcome.batch is not None:
                raise UserError(
                    f"{self.path}: a call of generator {self.generator!r} is part of batch {outcome.batch} of "
                    f"generator {outcome.generator!r} (study {outcome.study!r}), whose answers have not been fetched: "
                    "run that generator with `mode: batch` until its batch has ended"
                )
            while self._in_flight(call.key) == [outcome]:
                await self._bury_dead(outcome.worker)
                await asyncio.sleep(wait * random.uniform(0.5, 1.0))
                wait = min(2 * wait, _LONGEST_WAIT_SECONDS)

    async def finish(self, ticket: Ticket, reply: Reply, answer: Answer, usd: float) -> Stored:
        """Write an answer that cost ``usd``; it is on disk before this returns, and even if this is cancelled.

        Raises:
            UserError: the journal cannot be written.
        """
        stored: Stored = await self._submit("answers", Answered(ticket, reply, answer, usd, time.time()))
        return stored

    async def fail(self, ticket: Ticket, failure: Failure, usd: float) -> None:
        """Write a failure that cost ``usd``: 0, or the worst price where an answer was perhaps paid.

        Raises:
            UserError: the journal cannot be written.
        """
        await self._submit("failures", Failed(ticket, failure, usd, time.time()))

    async def withdraw(self, ticket: Ticket) -> None:
        """Give back the claim of a call that was never sent: no attempt remains, its money is free.

        Raises:
            UserError: the journal cannot be written.
        """
        await self._submit("withdrawals", ticket)

    async def write(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``function`` inside the writer's next transaction; its result once that is on disk.

        It runs in the writer's thread and must be quick and keep no cursor. An exception undoes what it did, nothing
        else, and is raised here.

        Raises:
            UserError: the journal cannot be written.
        """
        result: T = await self._submit("functions", function)
        return result

    def _submit(self, kind: str, load: Any) -> asyncio.Future[Any]:
        if self._writer is None:
            raise RuntimeError(f"{self.path}: the journal is not open for writing")
        return self._writer.submit(kind, load)

    async def _claim(self, entry: Claim) -> Ticket | Stored | InFlight:
        claiming = self._submit("claims", entry)
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            with suppress(UserError, OverBudget):
                outcome = await claiming
                if isinstance(outcome, Ticket):
                    await self.withdraw(outcome)
            raise

    async def _bury_dead(self, worker: str) -> None:
        if worker != self.owner.worker and self._reading(lambda db: dead_workers(db, self.path)):
            await self.write(lambda db: bury_dead(db, self.path))

    def _in_flight(self, key: str) -> list[InFlight]:
        return self._reading(lambda db: calls.in_flight(db, [key]))

    def _reading(self, function: Callable[[sqlite3.Connection], T]) -> T:
        with explained(self.path):
            return function(self._reader)
