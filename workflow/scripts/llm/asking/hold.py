"""Who works on a batch: one process at most, which holds a lock on a file of the batch.

The kernel lets go of the lock when the process ends, however it ends; the next run then takes the batch up.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import IO

from workbench.locks import take_lock


class Hold:
    """The lock on a batch, for as long as this process works on it."""

    def __init__(self, path: Path, lock: IO[str]) -> None:
        self._path = path
        self._lock = lock

    @staticmethod
    def take(journal: Path, intent: str) -> Hold | None:
        """Lock the batch ``intent``; None if another process (or another part of this one) has it."""
        path = batch_folder(journal) / f"{intent}.lock"
        lock = take_lock(path)
        return Hold(path, lock) if lock else None

    @property
    def lines(self) -> Path:
        """Where the batch's requests are written before they are sent."""
        return self._path.with_suffix(".jsonl")

    def drop(self) -> None:
        """Let go, and remove the batch's files."""
        for path in sorted(self._path.parent.glob(f"{self._path.stem}.*"), key=lambda path: path == self._path):
            path.unlink(missing_ok=True)  # the lock last
        self._lock.close()
        with suppress(OSError):  # somebody else's files are still there
            self._path.parent.rmdir()


def batch_folder(journal: Path) -> Path:
    """Where the batches of ``journal`` have their locks and, while they are sent, their requests."""
    return journal.with_name(journal.name + ".batches")


def sweep(journal: Path) -> None:
    """Remove the files of batches that no process works on; whoever takes such a batch up makes them anew."""
    folder = batch_folder(journal)
    for intent in {path.name.partition(".")[0] for path in folder.glob("*.*")}:
        hold = Hold.take(journal, intent)
        if hold is not None:
            hold.drop()
