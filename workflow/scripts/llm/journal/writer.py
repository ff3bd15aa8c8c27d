"""The thread that writes a journal: everything that waits goes into one transaction.

A commit costs a write-through to the disk however little it holds, so waiting tasks share it.
"""

import asyncio
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

from llm.journal.calls import Owner, claim, settle_answers, settle_failures, withdraw
from llm.journal.presence import BEAT_SECONDS, Worker, bury_dead, lose_in_flight, refuse_other_hosts
from llm.journal.schema import transaction, unusable

GATHER_SECONDS = 0.001, 0.005  # a transaction waits so long for company, when few come and when many do
MANY = 8  # entries of the transaction before
MOST_ROWS = 2000  # in one transaction, so that other processes get their turn

T = TypeVar("T")
_Bulk = Callable[[sqlite3.Connection, Sequence[Any]], Sequence[Any] | None]


class _Entry(NamedTuple):
    kind: str
    load: Any
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class Writer:
    """Writes to the journal; brings its worker to life and buries the dead ones beside it.

    Args:
        path: the journal, for messages.
        db: the writing connection; the writer closes it.
        worker: this process at the journal; the writer lets it leave.
        owner: tells in whose name calls are claimed.

    Raises:
        UserError: the journal is in use on another host or cannot be written.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, worker: Worker, owner: Callable[[], Owner]) -> None:
        self._path = path
        self._db = db
        self._worker = worker
        # What frees money comes before what needs it.
        self._kinds: dict[str, _Bulk] = {
            "answers": settle_answers,
            "failures": settle_failures,
            "withdrawals": withdraw,
            "claims": lambda db, claims: claim(db, owner(), claims),
            "functions": _run_functions,
        }
        self._queue: SimpleQueue[_Entry | None] = SimpleQueue()
        self._last = 0
        self._broken: sqlite3.Error | Exception | None = None
        try:
            self._transaction(self._arrive)
        except sqlite3.Error as error:
            raise unusable(path, error) from error
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def submit(self, kind: str, load: Any) -> asyncio.Future[Any]:
        """A future of the running loop that gets the result of ``load`` once it is on disk."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._queue.put(_Entry(kind, load, future, loop))
        return future

    def close(self) -> None:
        """Write what waits; what this worker still has in flight is lost from now on."""
        self._queue.put(None)
        self._thread.join()
        try:
            with suppress(sqlite3.Error):  # a full disk: the next worker buries this one
                self._transaction(lambda db: lose_in_flight(db, self._worker.id))
            with suppress(sqlite3.Error):
                self._db.close()
        finally:
            self._worker.leave()

    def _arrive(self, db: sqlite3.Connection) -> None:
        refuse_other_hosts(db, self._path)
        bury_dead(db, self._path)
        self._worker.enter(db)

    def _write(self) -> None:
        while True:
            entries, ended = self._gather()
            self._last = len(entries)
            if entries:
                self._resolve(entries, self._outcomes(entries))
            elif not ended:
                with suppress(sqlite3.Error):  # the next real transaction will tell
                    self._transaction(self._worker.beat)
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

    def _outcomes(self, entries: list[_Entry]) -> list[Any]:
        """For each task its result or the exception it ends with."""
        if self._broken is None:
            try:
                return self._transaction(lambda db: self._carry_out(db, entries))
            except Exception as error:
                self._broken = error
        return [self._failure() for _ in entries]

    def _carry_out(self, db: sqlite3.Connection, entries: list[_Entry]) -> list[Any]:
        places: dict[str, list[int]] = defaultdict(list)
        for place, entry in enumerate(entries):
            places[entry.kind].append(place)
        outcomes: list[Any] = [None] * len(entries)
        for kind, bulk in self._kinds.items():
            results = bulk(db, [entries[place].load for place in places[kind]]) if places[kind] else None
            for place, result in zip(places[kind], results or (), strict=results is not None):
                outcomes[place] = result
        self._worker.beat(db)
        return outcomes

    def _transaction(self, function: Callable[[sqlite3.Connection], T]) -> T:
        with transaction(self._db):
            return function(self._db)

    def _failure(self) -> Exception:
        if isinstance(self._broken, sqlite3.Error):
            return unusable(self._path, self._broken)
        return RuntimeError(f"{self._path}: the journal's writer has failed: {self._broken!r}")

    @staticmethod
    def _resolve(entries: list[_Entry], outcomes: list[Any]) -> None:
        loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = defaultdict(list)
        for entry, outcome in zip(entries, outcomes, strict=True):
            loops[entry.loop].append((entry.future, outcome))
        for loop, resolved in loops.items():
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(_set_results, resolved)


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


def _set_results(resolved: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, outcome in resolved:
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
