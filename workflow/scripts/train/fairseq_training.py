"""Train with fairseq, on from the last checkpoint where there is one, in a batch that fits the device."""

from __future__ import annotations

import contextlib
import gc
import io
import logging
import os
import shlex
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.fairseq_checkpoints import load_checkpoint
from models.devices import take_gpus
from train.batching import batch_options, too_small
from train.data import EncodedData
from train.processes import OutOfMemory, run_fairseq
from train.progress import Entry, is_over, read_entries, rewind, target_tokens
from train.state import TrainingState
from workbench.cli import UserError, say

log = logging.getLogger(__name__)

USER_DIR = Path(__file__).parent / "fairseq_fast"
_LOG_INTERVAL = 100  # updates


def train(
    data: EncodedData,
    settings: Mapping[str, Any],
    threads: int,
    state: TrainingState,
    start: Path | None = None,
    monitors: Sequence[str] = (),
) -> dict[str, Any]:
    """Train until fairseq's own limits or early stopping end it, and return the report of ``training.json``.

    The report holds ``updates``, ``epochs`` begun, ``best_valid_loss`` (fairseq's, to base 2), ``best_updates``,
    ``truncated`` texts, ``batch`` (fairseq's options of how an update was shared out, and ``halvings``) and the only
    two figures that differ from one repetition to the next, ``seconds`` and ``target_tokens_per_second``.

    Where a batch does not fit the GPU's memory, training starts again with parts of half the size and twice as many of
    them an update.

    Args:
        data: what is trained on.
        settings: see :meth:`planning.study.Study.training_settings`.
        threads: CPU threads.
        state: where the training is kept and goes on from.
        start: a checkpoint whose weights the training begins with, its optimizer and schedule anew.
        monitors: fairseq-train's arguments for what watches the training and does not shape it.

    Raises:
        UserError: fairseq does not know an option, the device is not there or too small, or a signal ended training.
    """
    import torch

    if settings["device"] == "gpu":
        take_gpus(settings["gpus"])
    torch.set_num_threads(threads)
    while True:
        options = _shared_batch(settings, state.halvings)
        try:
            _run(data, {**settings, "options": options}, state, start, monitors)
            return {**_report(data, state), "batch": _batch(options, state.halvings)}
        except OutOfMemory as error:
            log.exception("a batch did not fit")
            said = str(error)
        # Here, where the error has let go of the trainer and so of the memory.
        gc.collect()
        torch.cuda.empty_cache()
        state.start_again_halved()
        say(f"{said}; starting again, with half as much of a batch at a time")


def _shared_batch(settings: Mapping[str, Any], halvings: int) -> dict[str, Any]:
    """The recipe's options for the devices there are, a batch computed in smaller parts if it has to be.

    Raises:
        UserError: there is no smaller part.
    """
    try:
        options = batch_options(settings["options"], max(settings["gpus"], 1), halvings)
        if not (halvings and too_small(options, settings["max_pieces"])):
            return options
    except UserError:
        if not halvings:
            raise
    raise UserError(
        f"the memory of the GPU does not hold a batch that was halved {halvings - 1} times, and a smaller part would "
        f"hold no text of training.max_pieces, {settings['max_pieces']}: take a smaller model, lower max_pieces or use "
        "a GPU with more memory"
    )


def _run(
    data: EncodedData,
    settings: Mapping[str, Any],
    state: TrainingState,
    start: Path | None,
    monitors: Sequence[str],
) -> None:
    """Train to the end, from the last checkpoint on."""
    command = [*fairseq_arguments(data, settings, state), *monitors]
    if start:
        command += ["--finetune-from-model", str(start)]
    log.info("fairseq-train %s", shlex.join(command))
    config = _parsed(command)
    options = settings["options"]
    done = _updates(state.checkpoint("last"))
    if is_over(options, done, rewind(state.progress, done)):
        return
    try:
        stopped = run_fairseq(config, state.progress, options)
    except (AssertionError, ValueError) as error:  # how fairseq and torch refuse options that do not fit together
        log.exception("fairseq-train stopped")
        raise UserError(f"options: fairseq-train stopped: {error}; see the log") from error
    done = _updates(state.checkpoint("last"))
    if stopped and not is_over(options, done, read_entries(state.progress)):
        raise UserError(f"ended by a signal after update {done:,}; its checkpoint is kept: run again to go on from it")


def _parsed(command: Sequence[str]) -> Any:
    """fairseq's configuration from fairseq-train's command line.

    Raises:
        UserError: it does not accept an option.
    """
    from fairseq import options
    from fairseq.dataclass.utils import convert_namespace_to_omegaconf

    parser = options.get_training_parser()
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            namespace = options.parse_args_and_arch(parser, input_args=list(command))
    except SystemExit as error:
        reason = complaint.getvalue().strip().rpartition("error: ")[2]
        raise UserError(f"options: fairseq-train does not accept them: {reason}") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fairseq uses Hydra in ways that Hydra calls old
        return convert_namespace_to_omegaconf(namespace)


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
        *("--distributed-world-size", str(max(settings["gpus"], 1))),
    ]
    if settings["gpus"] > 1:
        # Else the first process sends the others its checkpoint in a form that torch's allow-list refuses.
        arguments.append("--load-checkpoint-on-all-dp-ranks")
    if settings["device"] == "cpu":
        arguments.append("--cpu")
    for name, value in sorted(settings["options"].items()):
        if value is True:
            arguments.append(f"--{name}")
        elif value is not False:
            arguments += [f"--{name}", str(value)]
    return arguments


def _updates(checkpoint: Path) -> int:
    """Updates that a checkpoint has seen; 0 where there is none."""
    if not checkpoint.is_file():
        return 0
    return load_checkpoint(checkpoint)["optimizer_history"][-1]["num_updates"]


def _batch(options: Mapping[str, Any], halvings: int) -> dict[str, Any]:
    """What fairseq was told of a batch."""
    named = {name: options[name] for name in ("max-tokens", "batch-size", "update-freq") if name in options}
    return {**named, "halvings": halvings}


def _report(data: EncodedData, state: TrainingState) -> dict[str, Any]:
    last = load_checkpoint(state.checkpoint("last"))
    iterator = last["extra_state"]["train_iterator"]
    seconds = float(last["extra_state"]["previous_training_time"])  # of several processes a tensor
    entries: list[Entry] = read_entries(state.progress)
    return {
        "updates": last["optimizer_history"][-1]["num_updates"],
        "epochs": iterator["epoch"] - (iterator["iterations_in_epoch"] == 0),
        "best_valid_loss": float(last["extra_state"]["best"]),
        "best_updates": _updates(state.checkpoint("best")),
        "truncated": data.truncated,
        "seconds": round(seconds, 1),
        "target_tokens_per_second": round(target_tokens(entries) / max(seconds, 1e-9), 1),
    }
