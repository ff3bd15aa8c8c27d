"""The thread that writes a journal: everything that waits goes into one transaction.

A commit costs a write-through to the disk however little it holds, so waiting tasks share it.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from llm.journal.calls import Owner, claim, settle_answers, settle_failures, withdraw
from llm.journal.presence import BEAT_SECONDS, Worker, bury_dead, lose_in_flight, refuse_other_hosts
from llm.journal.schema import explained, transaction, unusable

GATHER_SECONDS = 0.001, 0.005  # a transaction waits so long for company, when few come and when many do
MANY = 8  # entries of the transaction before
MOST_ROWS = 2000  # in one transaction, so that other processes get their turn

_Bulk = Callable[[sqlite3.Connection, Sequence[Any]], Sequence[Any] | None]


@dataclass
class _Entry:
    kind: str
    load: Any
    future: asyncio.Future[Any]
    outcome: Any = None  # an exception is raised by the future


class Writer:
    """Writes to the journal, claims in the ``owner``'s name; brings the worker to life and buries dead ones beside it.

    Raises:
        UserError: the journal is in use on another host or cannot be written.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, worker: Worker, owner: Owner) -> None:
        self._path = path
        self._db = db
        self._worker = worker
        # What frees money comes before what needs it.
        self._kinds: dict[str, _Bulk] = {
            "answers": settle_answers,
            "failures": settle_failures,
            "withdrawals": withdraw,
            "claims": lambda db, claims: claim(db, owner, claims),
            "functions": _run_functions,
        }
        self._queue: SimpleQueue[_Entry | None] = SimpleQueue()
        self._last = 0
        self._broken: Exception | None = None
        with explained(path), transaction(db):
            refuse_other_hosts(db, path)
            bury_dead(db, path)
            worker.enter(db)
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def submit(self, kind: str, load: Any) -> asyncio.Future[Any]:
        """A future of the running loop that gets the result of ``load`` once it is on disk."""
        future = asyncio.get_running_loop().create_future()
        self._queue.put(_Entry(kind, load, future))
        return future

    def close(self) -> None:
        """Write what waits; what this worker still has in flight is lost from now on."""
        self._queue.put(None)
        self._thread.join()
        with suppress(sqlite3.Error), transaction(self._db):  # a full disk: the next worker buries this one
            lose_in_flight(self._db, self._worker.id)

    def _write(self) -> None:
        while True:
            entries, ended = self._gather()
            self._last = len(entries)
            if entries:
                self._carry_out(entries)
                for loop, group in groupby(entries, key=lambda entry: entry.future.get_loop()):
                    with suppress(RuntimeError):  # the loop is closed: nobody waits
                        loop.call_soon_threadsafe(_resolve, list(group))
            elif not ended:
                with suppress(sqlite3.Error), transaction(self._db):  # the next real transaction will tell
                    self._worker.beat(self._db)
            if ended:
                return

    def _gather(self) -> tuple[list[_Entry], bool]:
        """What waits, and whether it is the last; nothing when it is time for a sign of life."""
        try:
            entry = self._queue.get(timeout=BEAT_SECONDS)
        except Empty:
            return [], False
        entries: list[_Entry] = []
        if entry is not None and self._queue.empty():
            time.sleep(GATHER_SECONDS[self._last >= MANY])
        while entry is not None:
            entries.append(entry)
            if len(entries) == MOST_ROWS:
                return entries, False
            try:
                entry = self._queue.get_nowait()
            except Empty:
                return entries, False
        return entries, True

    def _carry_out(self, entries: list[_Entry]) -> None:
        """Set the outcome of each entry, in one transaction: its result or the exception that it ends with."""
        try:
            if self._broken is None:
                with transaction(self._db):
                    for kind, bulk in self._kinds.items():
                        alike = [entry for entry in entries if entry.kind == kind]
                        results = bulk(self._db, [entry.load for entry in alike]) if alike else None
                        for entry, result in zip(alike, results or (), strict=results is not None):
                            entry.outcome = result
                    self._worker.beat(self._db)
        except Exception as error:
            self._broken = error
        if isinstance(self._broken, sqlite3.Error):
            for entry in entries:
                entry.outcome = unusable(self._path, self._broken)
        elif self._broken is not None:
            for entry in entries:
                entry.outcome = RuntimeError(f"{self._path}: the journal's writer has failed: {self._broken!r}")


def _run_functions(db: sqlite3.Connection, functions: Sequence[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
    """Run each in a savepoint: the exception of one undoes that one only."""
    results: list[Any] = []
    for function in functions:
        db.execute("SAVEPOINT function")
        try:
            results.append(function(db))
        except Exception as error:
            if not db.in_transaction:  # SQLite itself has given the transaction up
                raise
            db.execute("ROLLBACK TO function")
            results.append(error)
        db.execute("RELEASE function")
    return results


def _resolve(entries: Sequence[_Entry]) -> None:
    for entry in entries:
        if entry.future.done():
            continue
        if isinstance(entry.outcome, Exception):
            entry.future.set_exception(entry.outcome)
        else:
            entry.future.set_result(entry.outcome)
