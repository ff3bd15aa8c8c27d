"""fairseq's training in this process or in one a GPU, ended by a signal at the end of an update, checkpoint written."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.devices import is_out_of_memory
from train.progress import Entry, ProgressLog, losses, read_entries, runs_without_gain
from workbench.cli import say

log = logging.getLogger(__name__)

_SIGNALS = (signal.SIGTERM,)  # what Slurm sends before it kills: time limit, preemption, scancel


class OutOfMemory(Exception):
    """A part of a batch did not fit the memory of a GPU."""


class Interruption:
    """The wish to end a training early, shared by its processes.

    All have to end after the same update, for each waits for the others in the next. As an update ends in a sum over
    all processes, none is ever more than one ahead: the first one names the next update, and all see it in time.
    """

    def __init__(self, devices: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._ahead = 0 if devices == 1 else 1
        self._wanted = context.Value("b", 0, lock=False)
        self._last = context.Value("q", 0, lock=False)
        self._ended = context.Value("b", 0, lock=False)

    def want(self, *_: Any) -> None:
        """Ask for the end; a signal handler."""
        self._wanted.value = 1

    def reached(self, updates: int, first: bool) -> bool:
        """Whether the training ends now, after so many updates; ``first`` in the process that decides."""
        if first and self._wanted.value and not self._last.value:
            self._last.value = updates + self._ahead
        return 0 < self._last.value <= updates

    def end(self) -> None:
        """Note that the training ends for it."""
        self._ended.value = 1

    @property
    def wanted(self) -> bool:
        """Whether somebody asked for the end."""
        return bool(self._wanted.value)

    @property
    def ended(self) -> bool:
        """Whether it ended the training, rather than one of fairseq's own limits before it."""
        return bool(self._ended.value)


def run_fairseq(config: Any, progress: Path, options: Mapping[str, Any]) -> bool:
    """Train until fairseq's own limits or early stopping end it, or a signal does; whether a signal did.

    Args:
        config: fairseq's, parsed; its ``distributed_world_size`` says how many processes train together.
        progress: file of what fairseq reports, see :mod:`train.progress`.
        options: fairseq-train's options.

    Raises:
        OutOfMemory: a part of a batch does not fit a GPU's memory.
    """
    import torch
    from fairseq.distributed import utils as distributed

    devices = config.distributed_training.distributed_world_size
    interruption = Interruption(devices)
    shared = {"progress": progress, "options": dict(options), "interruption": interruption}
    try:
        with _handled(interruption.want):
            if devices == 1:
                _train(config, tell=say, **shared)
            else:
                config.distributed_training.distributed_init_method = f"tcp://127.0.0.1:{_free_port()}"
                config.distributed_training.distributed_rank = None  # by the number of the process
                with _said() as tell:
                    torch.multiprocessing.spawn(
                        distributed.distributed_main, (_train, config, {**shared, "tell": tell}), nprocs=devices
                    )
    except Exception as error:
        if interruption.wanted:  # it met a process before its first update or after its last
            log.exception("ended by a signal")
            return True
        if is_out_of_memory(error):
            said = str(error).strip().splitlines()[-1]
            raise OutOfMemory(". ".join(said.split(". ")[:2])) from error
        raise
    return interruption.ended


def _train(
    config: Any, progress: Path, options: Mapping[str, Any], interruption: Interruption, tell: Callable[[str], None]
) -> None:
    """Train as one of the processes; the first writes ``progress`` and tells people."""
    from fairseq import checkpoint_utils
    from fairseq.trainer import Trainer
    from fairseq_cli import train as fairseq_train

    logging.getLogger("fairseq.trainer").setLevel(logging.WARNING)  # it tells of every checkpoint three times
    # fairseq dumps its whole configuration into the log; the command line is there already.
    logging.getLogger("fairseq_cli.train").addFilter(lambda record: isinstance(record.msg, str))
    first = config.distributed_training.distributed_rank == 0
    handler = ProgressLog(progress, options, tell)
    reporter = logging.getLogger("fairseq.logging.progress_bar")
    _forget(checkpoint_utils.save_checkpoint, "best")
    _restore_early_stopping(fairseq_train.should_stop_early, read_entries(progress))

    validate_and_save = fairseq_train.validate_and_save

    def end_or_go_on(
        config: Any, trainer: Any, task: Any, epoch: Any, subsets: Any, end_of_epoch: bool
    ) -> tuple[list[float | None], bool]:
        updates = trainer.get_num_updates()
        if interruption.reached(updates, first) and not (end_of_epoch or _is_validated(config, updates)):
            # The way in which fairseq itself ends before its limits: a checkpoint, here without a validation.
            config.optimization.stop_time_hours = 1e-9
            config.dataset.disable_validation = True
            interruption.end()
        return validate_and_save(config, trainer, task, epoch, subsets, end_of_epoch)

    step = Trainer.train_step

    def train_step(trainer: Any, samples: Any, raise_oom: bool = True) -> Any:
        # Else fairseq leaves out a batch that does not fit the memory, and goes on.
        return step(trainer, samples, raise_oom=True)

    with (
        _replaced(fairseq_train, "validate_and_save", end_or_go_on),
        _replaced(Trainer, "train_step", train_step),
        _handled(interruption.want),
    ):
        if first:
            reporter.addHandler(handler)
        try:
            fairseq_train.main(config)
        finally:
            reporter.removeHandler(handler)


def _is_validated(config: Any, updates: int) -> bool:
    """Whether a validation follows an update in the midst of an epoch, or the end of the training.

    Both are to come after it as in a training that nothing interrupts, so that one ends an update later.
    """
    intervals = (config.checkpoint.save_interval_updates, config.dataset.validate_interval_updates)
    return any(every > 0 and updates % every == 0 for every in intervals) or (
        0 < config.optimization.max_update <= updates
    )


def _restore_early_stopping(stop: Any, entries: Sequence[Entry]) -> None:
    """Give fairseq's ``should_stop_early`` back what it had counted before a kill; fairseq does not save it."""
    _forget(stop, "best", "num_runs")
    values = losses(entries)
    if values:
        stop.best = min(values)
        stop.num_runs = runs_without_gain(values)


def _forget(function: Any, *names: str) -> None:
    """Remove what fairseq keeps from one training to the next as attributes of a function."""
    for name in names:
        if hasattr(function, name):
            delattr(function, name)


@contextlib.contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Another value for an attribute, for a while."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextlib.contextmanager
def _handled(handler: Callable[..., None]) -> Iterator[None]:
    """A handler for the signals that announce a kill, for a while; in the main thread, where signals arrive."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


@contextlib.contextmanager
def _said() -> Iterator[Callable[[str], None]]:
    """A function by which other processes tell people something, while this one runs."""
    lines = multiprocessing.get_context("spawn").SimpleQueue()

    def pass_on() -> None:
        for line in iter(lines.get, None):
            say(line)

    thread = threading.Thread(target=pass_on, daemon=True)
    thread.start()
    try:
        yield lines.put
    finally:
        lines.put(None)
        thread.join()


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]
