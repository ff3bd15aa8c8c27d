"""Who works on a batch: one process at most, which holds a lock on a file of the batch.

The kernel lets go of the lock when the process ends, however it ends; the next run then takes the batch up.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path


class Hold:
    """The lock on a batch, for as long as this process works on it."""

    def __init__(self, path: Path, handle: int) -> None:
        self._path = path
        self._handle = handle

    @staticmethod
    def take(journal: Path, intent: str) -> Hold | None:
        """Lock the batch ``intent``; None if another process (or another part of this one) has it."""
        folder = batch_folder(journal)
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{intent}.lock"
            try:
                handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            except FileNotFoundError:  # the last holder has just removed the folder
                continue
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                return None
            if _still_there(path, handle):
                return Hold(path, handle)
            os.close(handle)

    @property
    def lines(self) -> Path:
        """Where the batch's requests are written before they are sent."""
        return self._path.with_suffix(".jsonl")

    def drop(self) -> None:
        """Let go, and remove the batch's files."""
        for path in sorted(self._path.parent.glob(f"{self._path.stem}.*"), key=lambda path: path == self._path):
            path.unlink(missing_ok=True)  # the lock last
        os.close(self._handle)
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


def _still_there(path: Path, handle: int) -> bool:
    """Whether ``path`` is still the file behind ``handle``: its last holder may have removed it meanwhile."""
    try:
        return path.stat().st_ino == os.fstat(handle).st_ino
    except FileNotFoundError:
        return False
