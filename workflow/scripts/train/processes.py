"""Run fairseq's training in this process, or in one per GPU, and end it with a checkpoint when a signal arrives."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from train.progress import Entry, ProgressLog, losses, read_entries, runs_without_gain
from train.settings import FairseqOptions
from train.signals import handle_termination
from workbench.cli import say

log = logging.getLogger(__name__)


class Interruption:
    """A request to end a training early, shared by its processes.

    All processes must end after the same update, because each waits for the others in the next one. An update ends in a
    sum over all processes, so none is ever more than one update ahead: the first process names the next update, and all
    see it in time.
    """

    def __init__(self, devices: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._ahead = 0 if devices == 1 else 1
        self._wanted = context.Value("b", 0, lock=False)
        self._last = context.Value("q", 0, lock=False)
        self._ended = context.Value("b", 0, lock=False)

    def want(self, *_: Any) -> None:
        """Request the end; a signal handler."""
        self._wanted.value = 1

    def reached(self, updates: int, first: bool) -> bool:
        """Whether the training ends after ``updates``; ``first`` is true in the process that decides."""
        if first and self._wanted.value and not self._last.value:
            self._last.value = updates + self._ahead
        return bool(0 < self._last.value <= updates)

    def end(self) -> None:
        """Record that the request ends the training."""
        self._ended.value = 1

    @property
    def wanted(self) -> bool:
        """Whether the end was requested."""
        return bool(self._wanted.value)

    @property
    def ended(self) -> bool:
        """Whether the request ended the training, rather than one of fairseq's own limits before it."""
        return bool(self._ended.value)


def run_fairseq(config: Any, progress: Path, options: FairseqOptions) -> bool:
    """Train until fairseq's own limits, early stopping or a signal end it; return whether a signal did.

    Args:
        config: fairseq's parsed configuration; its ``distributed_world_size`` is the number of processes.
        progress: file of fairseq's reports, see :mod:`train.progress`.
        options: fairseq-train's options.
    """
    import torch
    from fairseq.distributed import utils as distributed

    devices = config.distributed_training.distributed_world_size
    interruption = Interruption(devices)
    shared: dict[str, Any] = {"progress": progress, "options": dict(options), "interruption": interruption}
    try:
        with handle_termination(interruption.want):
            if devices == 1:
                _train(config, tell=say, **shared)
            else:
                config.distributed_training.distributed_init_method = f"tcp://127.0.0.1:{_free_port()}"
                config.distributed_training.distributed_rank = None  # each process gets its number
                with _terminal_line() as tell:
                    torch.multiprocessing.spawn(
                        distributed.distributed_main, (_train, config, {**shared, "tell": tell}), nprocs=devices
                    )
    except Exception:
        if not interruption.wanted:
            raise
        log.exception("ended by a signal")  # which met a process before its first update or after its last
        return True
    return interruption.ended


def _train(
    config: Any, progress: Path, options: FairseqOptions, interruption: Interruption, tell: Callable[[str], None]
) -> None:
    """Train as one of the processes; the first writes ``progress`` and passes progress lines to ``tell``."""
    from fairseq import checkpoint_utils
    from fairseq.trainer import Trainer
    from fairseq_cli import train as fairseq_train

    logging.getLogger("fairseq.trainer").setLevel(logging.WARNING)  # it reports every checkpoint three times
    # fairseq logs its whole configuration; the log has the command line already.
    logging.getLogger("fairseq_cli.train").addFilter(lambda record: isinstance(record.msg, str))
    first = config.distributed_training.distributed_rank == 0
    handler = ProgressLog(progress, options, tell)
    reporter = logging.getLogger("fairseq.logging.progress_bar")
    _forget(checkpoint_utils.save_checkpoint, "best")
    _restore_early_stopping(fairseq_train.should_stop_early, read_entries(progress))

    validate_and_save = fairseq_train.validate_and_save

    def end_or_continue(config: Any, trainer: Any, task: Any, epoch: Any, subsets: Any, end_of_epoch: bool) -> Any:
        updates = trainer.get_num_updates()
        if interruption.reached(updates, first) and not (end_of_epoch or _is_validated(config, updates)):
            # How fairseq itself ends early: with a checkpoint, here without a validation.
            config.optimization.stop_time_hours = 1e-9
            config.dataset.disable_validation = True
            interruption.end()
        return validate_and_save(config, trainer, task, epoch, subsets, end_of_epoch)

    step = Trainer.train_step

    def train_step(trainer: Any, samples: Any, raise_oom: bool = True) -> Any:
        # Without this, fairseq skips a batch that does not fit the memory.
        return step(trainer, samples, raise_oom=True)

    with (
        _replaced(fairseq_train, "validate_and_save", end_or_continue),
        _replaced(Trainer, "train_step", train_step),
        handle_termination(interruption.want),
    ):
        if first:
            reporter.addHandler(handler)
        try:
            fairseq_train.main(config)
        finally:
            reporter.removeHandler(handler)


def _is_validated(config: Any, updates: int) -> bool:
    """Whether a validation, or the end of the training, follows an update in the middle of an epoch.

    An interrupted training ends one update later then, so that both happen as in an uninterrupted training.
    """
    intervals = (config.checkpoint.save_interval_updates, config.dataset.validate_interval_updates)
    return any(every > 0 and updates % every == 0 for every in intervals) or (
        0 < config.optimization.max_update <= updates
    )


def _restore_early_stopping(stop: Any, entries: Sequence[Entry]) -> None:
    """Restore the count of fairseq's ``should_stop_early`` from before a kill; fairseq does not save it."""
    _forget(stop, "best", "num_runs")
    values = losses(entries)
    if values:
        stop.best = min(values)
        stop.num_runs = runs_without_gain(values)


def _forget(function: Any, *names: str) -> None:
    """Remove attributes of a function in which fairseq keeps values from one training to the next."""
    for name in names:
        if hasattr(function, name):
            delattr(function, name)


@contextlib.contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Replace an attribute while the block runs."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextlib.contextmanager
def _terminal_line() -> Iterator[Callable[[str], None]]:
    """Yield a function with which other processes show a line to people, while this one runs."""
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
        port: int = server.getsockname()[1]
        return port
