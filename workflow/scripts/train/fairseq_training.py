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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from train.data import EncodedData
from train.state import TrainingState
from workbench.checkpoint import load_checkpoint
from workbench.cli import UserError, say
from workbench.files import write_text

log = logging.getLogger(__name__)

USER_DIR = Path(__file__).parent / "fairseq_fast"
_PROGRESS_SECONDS = 20.0
_LOG_INTERVAL = 100  # updates


def train(
    data: EncodedData, settings: Mapping[str, Any], threads: int, state: TrainingState, start: Path | None = None
) -> dict[str, Any]:
    """Train until fairseq's own limits or early stopping end it, and return the report of ``training.json``.

    The report holds ``updates``, ``epochs`` begun, ``best_valid_loss`` (fairseq's, to base 2), ``best_updates``,
    ``truncated`` texts and the only two figures that differ from one repetition to the next, ``seconds`` and
    ``target_tokens_per_second``.

    Args:
        data: what is trained on.
        settings: see :meth:`planning.study.Study.training_settings`.
        threads: CPU threads.
        state: where the training is kept and goes on from.
        start: a checkpoint whose weights the training begins with, its optimizer and schedule anew.

    Raises:
        UserError: fairseq does not know an option, or the device is not there.
    """
    import torch
    from fairseq import options
    from fairseq.dataclass.utils import convert_namespace_to_omegaconf
    from fairseq.distributed import utils as distributed

    if settings["device"] == "gpu" and torch.cuda.device_count() < settings["gpus"]:
        raise UserError(
            f"training.device is gpu and training.gpus is {settings['gpus']}, but torch {torch.__version__} sees "
            f"{torch.cuda.device_count()}; check CUDA_VISIBLE_DEVICES, the driver and that torch is a CUDA build, "
            "or set training.device: cpu"
        )
    torch.set_num_threads(threads)
    command = fairseq_arguments(data, settings, state)
    if start:
        command += ["--finetune-from-model", str(start)]
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
    progress = state.folder / "progress.jsonl"
    done = _updates(state.checkpoint("last"))
    history = _rewind(progress, done)
    if not _is_over(settings["options"], done, history):
        try:
            distributed.call_main(config, _train_process, progress=str(progress), options=dict(settings["options"]))
        except (AssertionError, ValueError) as error:  # how fairseq and torch refuse options that do not fit together
            log.exception("fairseq-train stopped")
            raise UserError(f"options: fairseq-train stopped: {error}; see the log") from error
    return _report(data, state, _read(progress))


def _train_process(config: Any, progress: str, options: Mapping[str, Any]) -> None:
    """Train in this process, or in each of several that fairseq starts, one a GPU; the first writes ``progress``."""
    from fairseq_cli import train as fairseq_train

    path = Path(progress)
    logging.getLogger("fairseq.trainer").setLevel(logging.WARNING)  # it tells of every checkpoint three times
    # fairseq dumps its whole configuration into the log; the command line is there already.
    logging.getLogger("fairseq_cli.train").addFilter(lambda record: isinstance(record.msg, str))
    _restore_early_stopping(fairseq_train.should_stop_early, _read(path))
    if config.distributed_training.distributed_rank == 0:
        logging.getLogger("fairseq.logging.progress_bar").addHandler(_ProgressLog(path, options))
    fairseq_train.main(config)


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


Entry = dict[str, Any]


class _ProgressLog(logging.Handler):
    """Keeps what fairseq reports: validations and epochs in a file, and now and then a line for people.

    The file has a JSON object a line: ``{"updates", "loss"}`` of a validation and ``{"updates", "tokens_per_update"}``
    of an epoch.
    """

    def __init__(self, path: Path, options: Mapping[str, Any]) -> None:
        super().__init__()
        limit = options.get("max-update")
        self._limit = f" of at most {int(limit):,}" if limit else ""
        self._path = path
        self._last = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record of progress; leave any other alone."""
        try:
            stats = json.loads(record.getMessage())
        except json.JSONDecodeError:
            return
        if "valid_loss" in stats:
            self._keep({"updates": int(stats["valid_num_updates"]), "loss": float(stats["valid_loss"])})
        elif "train_wpb" in stats:  # the end of an epoch: words per batch
            updates = int(stats["train_num_updates"])
            self._keep({"updates": updates, "tokens_per_update": float(stats["train_wpb"])})
        now = time.monotonic()
        if "num_updates" in stats and now - self._last >= _PROGRESS_SECONDS:
            self._last = now
            say(
                f"update {int(stats['num_updates']):,}{self._limit}, epoch {stats['epoch']}, loss {stats['loss']}, "
                f"{float(stats['wps']):,.0f} target tokens/s"
            )

    def _keep(self, entry: Entry) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def _read(progress: Path) -> list[Entry]:
    """The entries of a progress file; a line that a kill left half-written is passed over."""
    entries = []
    if progress.is_file():
        for line in progress.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                entries.append(json.loads(line))
    return entries


def _rewind(progress: Path, updates: int) -> list[Entry]:
    """Drop from a progress file what came after the checkpoint that training goes on from; return the rest."""
    entries = [entry for entry in _read(progress) if entry["updates"] <= updates]
    write_text(progress, "".join(json.dumps(entry) + "\n" for entry in entries))
    return entries


def _losses(entries: Sequence[Entry]) -> list[float]:
    return [entry["loss"] for entry in entries if "loss" in entry]


def _runs_without_gain(losses: Sequence[float]) -> int:
    """Validations since the lowest loss, as early stopping counts them."""
    return len(losses) - 1 - losses.index(min(losses)) if losses else 0


def _restore_early_stopping(stop: Any, entries: Sequence[Entry]) -> None:
    """Give fairseq's ``should_stop_early`` back what it had counted before a kill; fairseq does not save it."""
    for name in ("best", "num_runs"):
        if hasattr(stop, name):
            delattr(stop, name)
    losses = _losses(entries)
    if losses:
        stop.best = min(losses)
        stop.num_runs = _runs_without_gain(losses)


def _is_over(options: Mapping[str, Any], updates: int, entries: Sequence[Entry]) -> bool:
    """Whether training had reached its end when it was killed: fairseq would go on for one more update."""
    limit = int(options.get("max-update", 0))
    patience = int(options.get("patience", 0))
    return 0 < limit <= updates or 0 < patience <= _runs_without_gain(_losses(entries))


def _updates(checkpoint: Path) -> int:
    """Updates that a checkpoint has seen; 0 where there is none."""
    if not checkpoint.is_file():
        return 0
    return load_checkpoint(checkpoint)["optimizer_history"][-1]["num_updates"]


def _target_tokens(entries: Sequence[Entry]) -> float:
    """Target tokens trained on, ends of sentences included: tokens an update times updates, epoch by epoch."""
    tokens, before = 0.0, 0
    for entry in entries:
        if "tokens_per_update" in entry:
            tokens += entry["tokens_per_update"] * (entry["updates"] - before)
            before = entry["updates"]
    return tokens


def _report(data: EncodedData, state: TrainingState, entries: Sequence[Entry]) -> dict[str, Any]:
    last = load_checkpoint(state.checkpoint("last"))
    iterator = last["extra_state"]["train_iterator"]
    seconds = last["extra_state"]["previous_training_time"]
    return {
        "updates": last["optimizer_history"][-1]["num_updates"],
        "epochs": iterator["epoch"] - (iterator["iterations_in_epoch"] == 0),
        "best_valid_loss": float(last["extra_state"]["best"]),
        "best_updates": _updates(state.checkpoint("best")),
        "truncated": data.truncated,
        "seconds": round(seconds, 1),
        "target_tokens_per_second": round(_target_tokens(entries) / max(seconds, 1e-9), 1),
    }
