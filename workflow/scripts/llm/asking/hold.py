"""The lock on remote work: at most one process works on a batch or fine-tuning job.

The kernel releases the lock when the process ends, however it ends; the next run then takes up the work.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import IO

from workbench.locks import take_lock


class Hold:
    """The lock on a batch or job, held while this process works on it."""

    def __init__(self, path: Path, lock: IO[str]) -> None:
        self._path = path
        self._lock = lock

    @staticmethod
    def take(journal: Path, intent: str) -> Hold | None:
        """Lock the work called ``intent``; None if another process (or another part of this one) has it."""
        path = batch_folder(journal) / f"{intent}.lock"
        lock = take_lock(path)
        return Hold(path, lock) if lock else None

    @property
    def lines(self) -> Path:
        """Where the batch's requests are written before they are sent."""
        return self._path.with_suffix(".jsonl")

    def drop(self) -> None:
        """Release the lock and remove the files."""
        for path in sorted(self._path.parent.glob(f"{self._path.stem}.*"), key=lambda path: path == self._path):
            path.unlink(missing_ok=True)  # the lock last
        self._lock.close()
        with suppress(OSError):  # somebody else's files are still there
            self._path.parent.rmdir()


def batch_folder(journal: Path) -> Path:
    """Where the batches of ``journal`` have their locks and, while they are sent, their requests."""
    return journal.with_name(journal.name + ".batches")


def sweep(journal: Path) -> None:
    """Remove the files of batches that no process works on; whoever takes up such a batch writes them again."""
    folder = batch_folder(journal)
    for intent in {path.name.partition(".")[0] for path in folder.glob("*.*")}:
        hold = Hold.take(journal, intent)
        if hold is not None:
            hold.drop()
