"""The folder that a killed training goes on from, kept under a fingerprint of everything that shapes its result."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import logging
import os
import pickle
import shutil
import socket
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from workbench.cli import UserError, say
from workbench.files import write_text
from workbench.locks import is_still_there, open_lock_file, try_lock, wait_for_lock

log = logging.getLogger(__name__)


FAIRSEQ = ("torch", "fairseq-fixed", "sentencepiece")  # what trains with fairseq


def fingerprint(
    settings: Mapping[str, Any], *datasets: Sequence[tuple[str, str]], packages: Sequence[str] = FAIRSEQ
) -> str:
    """Digest of settings, text and the versions of the ``packages`` that train, 16 hexadecimal digits."""
    versions = {name: importlib.metadata.version(name) for name in packages}
    digest = hashlib.sha256(json.dumps([settings, versions], sort_keys=True).encode())
    for dataset in datasets:
        digest.update(str(len(dataset)).encode())
        for pair in dataset:
            digest.update("\t".join(pair).encode() + b"\n")
    return digest.hexdigest()[:16]


def is_done(identity: str, report: Path, *results: Path) -> bool:
    """Whether this very training has left its report and results since Snakemake removed the old ones to have it run.

    A job can outlive the Snakemake that started it, on a cluster or after ``kill -9``.
    """
    if not all(path.exists() for path in (report, *results)):
        return False
    return json.loads(report.read_text(encoding="utf-8")).get("fingerprint") == identity


class StateFolder(ABC):
    """State folder of one training; a context in which no other process can train there.

    Where another process does, one that outlived the Snakemake that had started it, it is waited for.

    Args:
        root: folder beside the model that holds the states of its trainings.
        identity: fingerprint of this training; states of other trainings of the same model are removed.

    Raises:
        UserError: the file system knows no locks.
    """

    def __init__(self, root: Path, identity: str) -> None:
        self.root = root
        self.folder = root / identity
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        self._lock = self._acquire()
        self.folder.mkdir(exist_ok=True)
        self._lock.truncate(0)
        self._lock.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        self._lock.flush()
        for other in self.root.iterdir():
            if other.is_dir() and other != self.folder:
                log.info("removing the state of another training: %s", other)
                shutil.rmtree(other)
        self._mend()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock:
            self._lock.close()

    def _acquire(self) -> IO[str]:
        """Open and lock the lock file, after its holder where there is one."""
        while True:
            lock = open_lock_file(self.root / "lock")
            try:
                if not try_lock(lock):
                    lock.seek(0)
                    holder = lock.read().strip() or "another process"
                    say(f"{holder} is still training here, in {self.root}; waiting for it")
                    with contextlib.suppress(OSError):
                        wait_for_lock(lock)
            except OSError as error:
                raise UserError(
                    f"{lock.name}: the file system knows no locks: {error.strerror}; mount it with them (Lustre: "
                    "-o flock) or name another one in training.state"
                ) from error
            if is_still_there(self.root / "lock", lock):
                return lock
            lock.close()  # its holder was done and has removed it

    @property
    def halvings(self) -> int:
        """How often the part of a batch that a device computes at a time has been halved."""
        file = self._halvings_file
        return int(file.read_text(encoding="utf-8")) if file.is_file() else 0

    def start_again_halved(self) -> None:
        """Count one halving more, and forget what was trained before it: its batches were others."""
        self._forget()
        write_text(self._halvings_file, f"{self.halvings + 1}\n")

    @property
    def _halvings_file(self) -> Path:
        return self.folder / "halvings"

    def discard(self) -> None:
        """Remove everything: the training is done. The lock goes last, for a network share keeps what is open."""
        for path in self.root.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
        (self.root / "lock").unlink()
        if self._lock:
            self._lock.close()
        with contextlib.suppress(OSError):  # somebody waits for the lock, and has it anew
            self.root.rmdir()

    @abstractmethod
    def _mend(self) -> None:
        """Remove what a kill left half-written, and say where the training goes on from."""

    @abstractmethod
    def _forget(self) -> None:
        """Remove what was trained."""


class TrainingState(StateFolder):
    """What a training with fairseq keeps in its folder."""

    @property
    def progress(self) -> Path:
        """File of what fairseq reports while it trains."""
        return self.folder / "progress.jsonl"

    def checkpoint(self, which: str) -> Path:
        """The ``best`` checkpoint, with the lowest validation loss, or the ``last``, which training goes on from."""
        return self.folder / f"checkpoint_{which}.pt"

    def _mend(self) -> None:
        """Drop checkpoints that a kill left half-written (fairseq copies them) and fall back to a whole one."""
        whole = []
        for path in self.folder.glob("checkpoint*.pt"):
            if _is_whole(path):
                whole.append(path)
            else:
                log.warning("%s is damaged, as a kill while writing leaves it; it is not used", path)
                path.unlink()
        last = self.checkpoint("last")
        numbered = sorted((p for p in whole if p.name.startswith("checkpoint_") and p.stem[-1].isdigit()), key=_updates)
        if numbered and (last not in whole):
            shutil.copyfile(numbered[-1], last)
        if last.is_file():
            say(f"going on from {self.checkpoint('last')}")

    def _forget(self) -> None:
        for path in [*self.folder.glob("checkpoint*.pt"), self.progress]:
            path.unlink(missing_ok=True)


def _updates(path: Path) -> int:
    return int(path.stem.rpartition("_")[2])


def _is_whole(path: Path) -> bool:
    """Whether a checkpoint's archive is complete (its directory is written last, its members carry checksums)."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, OSError, pickle.UnpicklingError):
        return False
