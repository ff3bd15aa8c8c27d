"""Train with fairseq, from the last checkpoint if there is one, in batches that fit the device."""

import contextlib
import io
import logging
import os
import shlex
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.devices import take_gpus
from models.fairseq_checkpoints import load_checkpoint
from train.processes import run_fairseq
from train.progress import is_finished, read_entries, rewind, target_tokens
from train.settings import FairseqOptions, TrainingSettings, batch_options, too_small
from train.state import TrainingState
from workbench.cli import UserError
from workbench.files import damaged

log = logging.getLogger(__name__)

USER_DIR = Path(__file__).parent / "fairseq_fast"
_LOG_INTERVAL = 100  # updates
_MONITORS = {"tensorboard": "--tensorboard-logdir", "wandb": "--wandb-project"}


def train(
    settings: TrainingSettings,
    threads: int,
    state: TrainingState,
    start: Path | None,
    monitors: Mapping[str, str],
) -> dict[str, Any]:
    """Train until fairseq's own limits or early stopping end it, and return the report of ``training.json``.

    The report holds ``updates``, ``epochs`` begun, ``best_valid_loss`` (fairseq's, to base 2), ``best_updates``,
    ``batch`` (fairseq's options for the parts of an update, and ``halvings``) and the only two figures that differ
    between repetitions, ``seconds`` and ``target_tokens_per_second``.

    If a batch does not fit the GPU's memory, training starts again with parts of half the size and twice as many parts
    per update.

    Args:
        settings: what shapes the training besides its data.
        threads: CPU threads.
        state: where the data is, and where the training is kept and resumes.
        start: a checkpoint whose weights the training begins with; optimizer and schedule start from the beginning.
        monitors: from :func:`train.monitors.prepare_monitors`; they do not shape the training.

    Raises:
        UserError: fairseq does not know an option, the device is missing or too small, or a signal ended training.
    """
    import torch

    if settings.device == "gpu":
        take_gpus(settings.gpus)
    torch.set_num_threads(threads)

    def attempt(options: FairseqOptions) -> dict[str, Any]:
        _run(replace(settings, options=options), state, start, monitors)
        batch = {name: options[name] for name in ("max-tokens", "batch-size", "update-freq") if name in options}
        return {**_report(state), "batch": {**batch, "halvings": state.halvings}}

    return state.train_halving_batches(lambda halvings: _options_of_batch(settings, halvings), attempt)


def _options_of_batch(settings: TrainingSettings, halvings: int) -> FairseqOptions:
    """Return the recipe's options for the available devices, with a batch in smaller parts after halvings.

    Raises:
        UserError: the parts cannot be any smaller.
    """
    try:
        options = batch_options(settings.options, max(settings.gpus, 1), halvings)
        if not (halvings and too_small(options, settings.max_pieces)):
            return options
    except UserError:
        if not halvings:
            raise
    raise UserError(
        f"the memory of the GPU does not hold a batch that was halved {halvings - 1} times, and a smaller part would "
        f"hold no text of training.max_pieces, {settings.max_pieces}: use a smaller model, lower max_pieces or use "
        "a GPU with more memory"
    )


def _run(settings: TrainingSettings, state: TrainingState, start: Path | None, monitors: Mapping[str, str]) -> None:
    """Train to the end, from the last checkpoint if there is one."""
    command = fairseq_arguments(settings, state)
    command += [word for name, place in monitors.items() for word in (_MONITORS[name], place)]
    if start:
        command += ["--finetune-from-model", str(start)]
    log.info("fairseq-train %s", shlex.join(command))
    config = _parsed(command)
    done = _updates(state.checkpoint("last"))
    if is_finished(settings.options, done, rewind(state.progress, done)):
        return
    try:
        stopped = run_fairseq(config, state.progress, settings.options)
    except (AssertionError, ValueError) as error:  # fairseq and torch refuse options that do not fit together
        log.exception("fairseq-train stopped")
        raise UserError(f"options: fairseq-train stopped: {error}; see the log") from error
    except Exception as error:
        if "Cannot load model parameters from checkpoint" in str(error):
            raise damaged(
                start if start and not done else state.checkpoint("last"), "it is of another model"
            ) from error
        raise
    done = _updates(state.checkpoint("last"))
    if stopped and not is_finished(settings.options, done, read_entries(state.progress)):
        raise UserError(f"ended by a signal after update {done:,}; its checkpoint is kept: run again to resume from it")


def _parsed(command: Sequence[str]) -> Any:
    """Parse fairseq-train's command line into fairseq's configuration.

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
        warnings.simplefilter("ignore")  # fairseq uses Hydra in deprecated ways
        return convert_namespace_to_omegaconf(namespace)


def fairseq_arguments(settings: TrainingSettings, state: TrainingState) -> list[str]:
    """The command line of ``fairseq-train``: the configuration's options and those that the workflow sets."""
    options = {
        "source-lang": settings.languages["source"],
        "target-lang": settings.languages["target"],
        "user-dir": os.path.relpath(USER_DIR),
        "save-dir": state.folder,
        "seed": settings.seed,
        "save-interval-updates": settings.save_every,
        "keep-interval-updates": 1,
        "no-epoch-checkpoints": True,
        # Each epoch composes its batches again, in a resumed training as in an uninterrupted one.
        "update-epoch-batch-itr": "True",
        "num-workers": 0,
        "log-format": "json",
        "log-interval": _LOG_INTERVAL,
        "distributed-world-size": max(settings.gpus, 1),
        # By default the first process sends the others its checkpoint in a form that torch's allow-list refuses.
        "load-checkpoint-on-all-dp-ranks": settings.gpus > 1,
        "cpu": settings.device == "cpu",
        # A checkpoint keeps the options in this order.
        **dict(sorted(settings.options.items())),
    }
    arguments = [str(state.data)]
    for name, value in options.items():
        if value is True:
            arguments.append(f"--{name}")
        elif value is not False:
            arguments += [f"--{name}", str(value)]
    return arguments


def _updates(checkpoint: Path) -> int:
    """Updates that a checkpoint has seen; 0 if there is none."""
    if not checkpoint.is_file():
        return 0
    return int(load_checkpoint(checkpoint)["optimizer_history"][-1]["num_updates"])


def _report(state: TrainingState) -> dict[str, Any]:
    last = load_checkpoint(state.checkpoint("last"))
    iterator = last["extra_state"]["train_iterator"]
    seconds = float(last["extra_state"]["previous_training_time"])  # a tensor if several processes trained
    return {
        "updates": last["optimizer_history"][-1]["num_updates"],
        "epochs": iterator["epoch"] - (iterator["iterations_in_epoch"] == 0),
        "best_valid_loss": float(last["extra_state"]["best"]),
        "best_updates": _updates(state.checkpoint("best")),
        "seconds": round(seconds, 1),
        "target_tokens_per_second": round(target_tokens(read_entries(state.progress)) / max(seconds, 1e-9), 1),
    }
