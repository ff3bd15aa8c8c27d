"""Run fairseq's training in this process, or in one per GPU, and end it with a checkpoint when a signal arrives."""

import contextlib
import functools
import logging
import multiprocessing
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from train.progress import Entry, ProgressLog, losses, read_entries, runs_without_gain
from train.settings import FairseqOptions
from train.state import handle_termination
from workbench.cli import say

log = logging.getLogger(__name__)


class Interruption:
    """A request to end a training early, shared by its processes.

    All processes must end after the same update, because each waits for the others in the next one. An update ends in a
    sum over all processes, so none is ever more than one update ahead: the first process names the next update, and all
    see it in time.

    ``wanted`` becomes 1 with the request, and ``ended`` once the request, rather than one of fairseq's own limits, ends
    the training.
    """

    def __init__(self, devices: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._ahead = 0 if devices == 1 else 1
        self._last = context.Value("q", 0, lock=False)
        self.wanted = context.Value("b", 0, lock=False)
        self.ended = context.Value("b", 0, lock=False)

    def want(self, *_: Any) -> None:
        """Request the end; a signal handler."""
        self.wanted.value = 1

    def reached(self, updates: int, first: bool) -> bool:
        """Whether the training ends after ``updates``; ``first`` is true in the process that decides."""
        if first and self.wanted.value and not self._last.value:
            self._last.value = updates + self._ahead
        return bool(0 < self._last.value <= updates)


def run_fairseq(config: Any, progress: Path, options: FairseqOptions) -> bool:
    """Train until fairseq's own limits, early stopping or a signal end it; return whether a signal did.

    ``config`` is fairseq's parsed configuration, whose ``distributed_world_size`` is the number of processes. fairseq's
    reports are kept in the file ``progress``, see :mod:`train.progress`.
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
        if not interruption.wanted.value:
            raise
        log.exception("ended by a signal")  # which met a process before its first update or after its last
        return True
    return bool(interruption.ended.value)


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
            interruption.ended.value = 1
        return validate_and_save(config, trainer, task, epoch, subsets, end_of_epoch)

    with (
        _replaced(fairseq_train, "validate_and_save", end_or_continue),
        # Without raise_oom, fairseq skips a batch that does not fit the memory.
        _replaced(Trainer, "train_step", functools.partialmethod(Trainer.train_step, raise_oom=True)),
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
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
