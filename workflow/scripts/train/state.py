"""Survive kills and full GPUs: the folder from which a training resumes, and the signal that announces a kill.

The folder is named by a fingerprint of everything that shapes the training's result.
"""

import contextlib
import gc
import hashlib
import importlib.metadata
import json
import logging
import os
import shutil
import signal
import socket
import threading
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self, TypeVar

from models.devices import is_out_of_memory, out_of_memory_reason
from models.fairseq_checkpoints import load_checkpoint
from workbench.cli import UserError, say
from workbench.files import read_json, write_text
from workbench.locks import has_no_locks, is_still_there, open_lock_file, try_lock, wait_for_lock

log = logging.getLogger(__name__)

Batch = TypeVar("Batch")
Result = TypeVar("Result")

FAIRSEQ_PACKAGES = ("torch", "fairseq-fixed", "sentencepiece")
_HALVINGS = "halvings"  # file in a state folder


def fingerprint(
    settings: Mapping[str, Any], *datasets: Sequence[tuple[str, str]], packages: Sequence[str] = FAIRSEQ_PACKAGES
) -> str:
    """Digest of settings, texts and the versions of the ``packages`` that train, in 16 hexadecimal digits."""
    versions = {name: importlib.metadata.version(name) for name in packages}
    digest = hashlib.sha256(json.dumps([settings, versions], sort_keys=True).encode())
    for dataset in datasets:
        digest.update(str(len(dataset)).encode())
        for pair in dataset:
            digest.update("\t".join(pair).encode() + b"\n")
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def handle_termination(handler: Callable[..., Any]) -> Iterator[None]:
    """Call ``handler`` on SIGTERM while the block runs; signals arrive in the main thread only.

    Slurm sends it before it kills a job: at the time limit, at a preemption, and after scancel.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class StateFolder(ABC):
    """State folder of one training; a context in which no other process can train there.

    If another process trains there, because it outlived the Snakemake that started it, the context waits for it.

    Args:
        root: folder next to the model, with the states of its trainings.
        identity: fingerprint of this training; states of other trainings of the same model are removed.

    Raises:
        UserError: the lock file cannot be locked, for another reason than a file system without locks.
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

    def __exit__(self, *error: object) -> None:
        if self._lock:
            self._lock.close()

    def _acquire(self) -> IO[str]:
        """Open and lock the lock file; wait if another process holds it."""
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
                if not has_no_locks(error):
                    raise UserError(f"{lock.name}: cannot be locked: {error.strerror}") from error
                say(
                    f"WARNING: {lock.name}: the file system has no locks ({error.strerror}). Nothing keeps a second "
                    "process off this training: mount it with locks (Lustre: -o flock) or set training.state"
                )
            if is_still_there(self.root / "lock", lock):
                return lock
            lock.close()  # its holder has finished and removed it

    def is_finished(self, report: Path, *results: Path) -> bool:
        """Whether another process has just finished this training; the state is then removed.

        A job can outlive the Snakemake that started it, on a cluster or after ``kill -9``. Snakemake removes report and
        results before it starts a job, so they exist only if such a process wrote them.

        Args:
            report: JSON file with the fingerprint of the training that wrote it.
            results: what else the training writes.
        """
        if not all(path.exists() for path in (report, *results)):
            return False
        if read_json(report).get("fingerprint") != self.folder.name:
            return False
        self.discard()
        say("already trained by the process that this one waited for")
        return True

    @property
    def halvings(self) -> int:
        """How often the part of a batch that a device computes at a time has been halved."""
        file = self.folder / _HALVINGS
        return int(file.read_text(encoding="utf-8")) if file.is_file() else 0

    def train_halving_batches(self, split: Callable[[int], Batch], attempt: Callable[[Batch], Result]) -> Result:
        """Train; while the GPU's memory does not hold the parts of a batch, start again with parts of half the size.

        Args:
            split: says how a batch is computed after a number of halvings; raises an error if nothing smaller is left.
            attempt: trains with that and returns the result.
        """
        import torch

        batch = split(self.halvings)
        while True:
            try:
                return attempt(batch)
            except UserError:  # it may quote torch's words, but smaller parts do not help
                raise
            except Exception as error:  # RuntimeError, or torch's own error from another process
                if not is_out_of_memory(error):
                    raise
                log.exception("a part of a batch did not fit")
                reason = out_of_memory_reason(error)
            # Outside the handler, the error no longer holds the trainer and thereby the memory.
            gc.collect()
            torch.cuda.empty_cache()
            self._forget()
            write_text(self.folder / _HALVINGS, f"{self.halvings + 1}\n")
            batch = split(self.halvings)
            say(f"{reason}; starting again, computing half as much at a time")

    def discard(self) -> None:
        """Remove everything after the training. The lock is removed last: a network share keeps files that are open."""
        for path in self.root.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
        (self.root / "lock").unlink()
        if self._lock:
            self._lock.close()
        with contextlib.suppress(OSError):  # another process waited for the lock and has made it again
            self.root.rmdir()

    @abstractmethod
    def _mend(self) -> None:
        """Remove what a kill left half-written, and say where the training resumes."""

    @abstractmethod
    def _forget(self) -> None:
        """Remove what was trained so far."""


class TrainingState(StateFolder):
    """The state of a training with fairseq: its checkpoints, progress and encoded text."""

    @property
    def data(self) -> Path:
        """Folder of the encoded text."""
        return self.folder / "data"

    @property
    def progress(self) -> Path:
        """File of fairseq's reports during training, see :mod:`train.progress`."""
        return self.folder / "progress.jsonl"

    def checkpoint(self, which: str) -> Path:
        """The ``best`` checkpoint, with the lowest validation loss, or the ``last``, from which training resumes."""
        return self.folder / f"checkpoint_{which}.pt"

    def _mend(self) -> None:
        """Remove checkpoints that a kill left half-written (fairseq copies them) and fall back to a complete one."""
        whole = []
        for path in self.folder.glob("checkpoint_*.pt"):
            if _is_whole(path):
                whole.append(path)
            else:
                log.warning("%s is damaged, probably by a kill while it was written; it is not used", path)
                path.unlink()
        last = self.checkpoint("last")
        numbered = {int(path.stem.rpartition("_")[2]): path for path in whole if path.stem[-1].isdigit()}
        if numbered and last not in whole:
            shutil.copyfile(numbered[max(numbered)], last)
        if last.is_file():
            say(f"resuming from {last}")

    def _forget(self) -> None:
        for path in [*self.folder.glob("checkpoint_*.pt"), self.progress]:
            path.unlink(missing_ok=True)


def _is_whole(path: Path) -> bool:
    """Whether a training can resume from a checkpoint: its archive is complete, and fairseq wrote it in a training."""
    try:
        with zipfile.ZipFile(path) as archive:  # its directory is written last, its members carry checksums
            is_complete = archive.testzip() is None
        return (
            is_complete and {"train_iterator", "previous_training_time"} <= load_checkpoint(path)["extra_state"].keys()
        )
    except (zipfile.BadZipFile, OSError, UserError):
        return False
