"""Run fairseq-train in this process, on from its last checkpoint where there is one, and say how far it is."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import shlex
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from train.data import EncodedData
from train.state import TrainingState
from workbench.checkpoint import load_checkpoint
from workbench.cli import UserError, say

log = logging.getLogger(__name__)

USER_DIR = Path(__file__).parent / "fairseq_fast"
_PROGRESS_SECONDS = 20.0
_LOG_INTERVAL = 100  # updates


def train(data: EncodedData, settings: Mapping[str, Any], threads: int, state: TrainingState) -> dict[str, Any]:
    """Train until fairseq's own limits or early stopping end it, and return the report of ``training.json``.

    The report holds ``updates``, ``epochs`` begun, ``best_valid_loss`` (fairseq's, to base 2), ``best_updates``,
    ``truncated`` texts and the only two figures that differ from one repetition to the next, ``seconds`` and
    ``target_tokens_per_second``.

    Raises:
        UserError: fairseq does not know an option, or the device is not there.
    """
    import torch
    from fairseq import options
    from fairseq.dataclass.utils import convert_namespace_to_omegaconf
    from fairseq.distributed import utils as distributed
    from fairseq_cli import train as fairseq_train

    if settings["device"] == "gpu" and torch.cuda.device_count() < settings["gpus"]:
        raise UserError(
            f"training.device is gpu and training.gpus is {settings['gpus']}, but torch {torch.__version__} sees "
            f"{torch.cuda.device_count()}; check CUDA_VISIBLE_DEVICES, the driver and that torch is a CUDA build, "
            "or set training.device: cpu"
        )
    torch.set_num_threads(threads)
    command = fairseq_arguments(data, settings, state)
    log.info("fairseq-train %s", shlex.join(command))
    parser = options.get_training_parser()
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            namespace = options.parse_args_and_arch(parser, input_args=command)
    except SystemExit as error:
        reason = complaint.getvalue().strip().rpartition("error: ")[2]
        raise UserError(f"options: fairseq-train does not accept them: {reason}") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fairseq uses Hydra in ways that Hydra calls old
        config = convert_namespace_to_omegaconf(namespace)
    _quieten_fairseq()
    done = _updates(state.checkpoint("last"))
    _restore_early_stopping(fairseq_train, state, done)
    watcher = _Watcher(settings["options"], done)
    logging.getLogger("fairseq.logging.progress_bar").addHandler(watcher)
    started = time.monotonic()
    distributed.call_main(config, fairseq_train.main)
    rate = watcher.target_tokens / (time.monotonic() - started)
    return _report(data, state) | {"target_tokens_per_second": round(rate, 1)}


def fairseq_arguments(data: EncodedData, settings: Mapping[str, Any], state: TrainingState) -> list[str]:
    """The command line of ``fairseq-train``: the configuration's options and those that belong to the workflow."""
    languages = settings["languages"]
    arguments = [
        str(data.folder),
        *("--source-lang", languages["source"], "--target-lang", languages["target"]),
        *("--user-dir", os.path.relpath(USER_DIR)),
        *("--save-dir", str(state.folder)),
        *("--seed", str(settings["seed"])),
        *("--save-interval-updates", str(settings["save_every"]), "--keep-interval-updates", "1"),
        "--no-epoch-checkpoints",
        # Batches are composed anew in each epoch, in a resumed training as in one that was never interrupted.
        *("--update-epoch-batch-itr", "True"),
        *("--num-workers", "0"),
        *("--log-format", "json", "--log-interval", str(_LOG_INTERVAL)),
    ]
    if settings["device"] == "cpu":
        arguments.append("--cpu")
    else:
        arguments += ["--distributed-world-size", str(settings["gpus"])]
    for name, value in sorted(settings["options"].items()):
        if value is True:
            arguments.append(f"--{name}")
        elif value is not False:
            arguments += [f"--{name}", str(value)]
    return arguments


def _quieten_fairseq() -> None:
    """Keep from the log what fairseq says at every checkpoint and its own dump of the whole configuration."""
    logging.getLogger("fairseq.trainer").setLevel(logging.WARNING)
    logging.getLogger("fairseq_cli.train").addFilter(lambda record: isinstance(record.msg, str))


class _Watcher(logging.Handler):
    """Turns fairseq's JSON progress into a line for people now and then, and counts target tokens."""

    def __init__(self, options: Mapping[str, Any], updates: int) -> None:
        super().__init__()
        self.target_tokens = 0.0
        self._updates = updates
        limit = options.get("max-update")
        self._limit = f" of at most {int(limit):,}" if limit else ""
        self._last = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        """Say the state of training; a record that is no progress is left alone."""
        try:
            stats = json.loads(record.getMessage())
        except json.JSONDecodeError:
            return
        if "train_wpb" in stats:  # the end of an epoch: words per batch and updates so far
            updates = int(stats["train_num_updates"])
            self.target_tokens += float(stats["train_wpb"]) * (updates - self._updates)
            self._updates = updates
        now = time.monotonic()
        if "num_updates" in stats and now - self._last >= _PROGRESS_SECONDS:
            self._last = now
            say(
                f"update {int(stats['num_updates']):,}{self._limit}, epoch {stats['epoch']}, loss {stats['loss']}, "
                f"{float(stats['wps']):,.0f} target tokens/s"
            )


def _updates(checkpoint: Path) -> int:
    """Updates that a checkpoint has seen; 0 where there is none."""
    if not checkpoint.is_file():
        return 0
    return load_checkpoint(checkpoint)["optimizer_history"][-1]["num_updates"]


def _restore_early_stopping(fairseq_train: Any, state: TrainingState, done: int) -> None:
    """Give fairseq back what early stopping had counted before a kill.

    fairseq keeps the count on its function ``should_stop_early`` and does not save it. The validation losses of the
    ``done`` updates up to the checkpoint are in the log that :class:`_ValidationLog` keeps beside the checkpoints.
    """
    validations = state.folder / "validations.jsonl"
    kept: list[dict[str, float]] = []
    if validations.is_file():
        for line in validations.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(json.JSONDecodeError):  # a line that a kill left half-written
                entry = json.loads(line)
                if entry["updates"] <= done:
                    kept.append(entry)
    validations.write_text("".join(json.dumps(entry) + "\n" for entry in kept), encoding="utf-8")
    stop = fairseq_train.should_stop_early
    for name in ("best", "num_runs"):
        if hasattr(stop, name):
            delattr(stop, name)
    if kept:
        losses = [entry["loss"] for entry in kept]
        stop.best = min(losses)
        stop.num_runs = len(losses) - 1 - losses.index(stop.best)
    logging.getLogger("fairseq.logging.progress_bar").addHandler(_ValidationLog(validations))


class _ValidationLog(logging.Handler):
    """Appends every validation loss that fairseq reports to a file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        """Append ``{"updates": …, "loss": …}`` when the record is a validation's."""
        try:
            stats = json.loads(record.getMessage())
        except json.JSONDecodeError:
            return
        if "valid_loss" in stats:
            entry = {"updates": int(stats["valid_num_updates"]), "loss": float(stats["valid_loss"])}
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")


def _report(data: EncodedData, state: TrainingState) -> dict[str, Any]:
    last = load_checkpoint(state.checkpoint("last"))
    iterator = last["extra_state"]["train_iterator"]
    return {
        "updates": last["optimizer_history"][-1]["num_updates"],
        "epochs": iterator["epoch"] - (iterator["iterations_in_epoch"] == 0),
        "best_valid_loss": float(last["extra_state"]["best"]),
        "best_updates": _updates(state.checkpoint("best")),
        "truncated": data.truncated,
        "seconds": round(last["extra_state"]["previous_training_time"], 1),
    }
