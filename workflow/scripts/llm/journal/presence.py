"""Who writes to a journal, and which of them are dead.

A worker holds an exclusive ``flock`` on its own file next to the journal for as long as it lives: the kernel releases
it however the process ends. What a dead worker had in flight was perhaps answered and paid: it counts as lost at its
worst price.

SQLite's write-ahead log works among the processes of one host. A worker on another host that was seen lately is
therefore refused; one that has been silent for longer than :data:`SILENT_SECONDS` is dead.
"""

import os
import socket
import sqlite3
import time
import uuid
from contextlib import suppress
from pathlib import Path

from llm.journal.calls import lose
from workbench.cli import UserError
from workbench.locks import open_lock_file, try_lock, wait_for_lock

BEAT_SECONDS = 15.0
SILENT_SECONDS = 90.0


class Worker:
    """This process' presence at a journal; ``enter`` it in a transaction, :meth:`close` when done.

    Raises:
        UserError: no lock file can be made next to the journal.
    """

    def __init__(self, journal: Path) -> None:
        self.id = uuid.uuid4().hex[:16]
        self.host = socket.gethostname()
        self._path = lock_folder(journal) / f"{self.id}.lock"
        self._beat = time.time()
        try:
            self._lock = open_lock_file(self._path)
            wait_for_lock(self._lock)
        except OSError as error:
            reason = f"the journal's lock cannot be made: {error.strerror}"
            remedy = "without locks answers could be paid twice; set llm.journal to a path on a disk with locks"
            raise UserError(f"{self._path.parent}: {reason}; {remedy}") from error

    def enter(self, db: sqlite3.Connection) -> None:
        """Write this worker into the journal."""
        db.execute(
            "INSERT INTO workers VALUES (?, ?, ?, ?, ?)", (self.id, self.host, os.getpid(), self._beat, self._beat)
        )

    def beat(self, db: sqlite3.Connection) -> None:
        """Say that this worker is alive, every :data:`BEAT_SECONDS` at most."""
        now = time.time()
        if now - self._beat >= BEAT_SECONDS:
            db.execute("UPDATE workers SET seen = ? WHERE id = ?", (now, self.id))
            self._beat = now

    def close(self) -> None:
        """Let go of the lock."""
        with suppress(OSError):
            self._path.unlink()
        self._lock.close()
        with suppress(OSError):
            self._path.parent.rmdir()


def lock_folder(journal: Path) -> Path:
    """Where the workers of ``journal`` have their lock files, the same by whatever link it is reached."""
    journal = journal.resolve()
    return journal.with_name(journal.name + ".workers")


def dead_workers(db: sqlite3.Connection, journal: Path) -> list[str]:
    """The workers in the journal whose processes have ended."""
    workers = [worker for (worker,) in db.execute("SELECT id FROM workers")]
    live = {worker for worker, _, _, _ in live_workers(db, journal)}
    return [worker for worker in workers if worker not in live]


def live_workers(db: sqlite3.Connection, journal: Path) -> list[tuple[str, str, int, float]]:
    """Id, host, process and start (seconds since 1970) of the workers that are at work."""
    rows = db.execute("SELECT id, host, pid, started, seen FROM workers").fetchall()
    return [(worker, *rest) for worker, *rest, seen in rows if _alive(journal, worker, rest[0], seen)]


def refuse_other_hosts(db: sqlite3.Connection, journal: Path) -> None:
    """Refuse a journal that is in use on another host.

    Raises:
        UserError: a process of another host was seen at the journal lately.
    """
    here = socket.gethostname()
    for _, host, pid, _ in live_workers(db, journal):
        if host != here:
            raise UserError(
                f"{journal}: the journal is in use on host {host} (process {pid}), and one journal serves one host at "
                f"a time: wait until that ends ({SILENT_SECONDS:.0f} s if it was killed), or name another journal"
            )


def bury_dead(db: sqlite3.Connection, journal: Path) -> None:
    """Count as lost what dead workers had in flight outside batches, in the running transaction.

    What they reserved stays spent: the provider may have answered.
    """
    for worker in dead_workers(db, journal):
        lose_in_flight(db, worker)
        with suppress(OSError):
            (lock_folder(journal) / f"{worker}.lock").unlink()


def lose_in_flight(db: sqlite3.Connection, worker: str) -> None:
    """Take ``worker`` out of the journal; what it has in flight outside batches is lost."""
    lose(db, "worker = ? AND batch IS NULL", (worker,), "the process ended before the answer came")
    db.execute("DELETE FROM workers WHERE id = ?", (worker,))


def _alive(journal: Path, worker: str, host: str, seen: float) -> bool:
    if host != socket.gethostname():
        return time.time() - seen < SILENT_SECONDS
    try:
        with (lock_folder(journal) / f"{worker}.lock").open("r+") as lock:
            return not try_lock(lock, shared=True)
    except FileNotFoundError:
        return False
