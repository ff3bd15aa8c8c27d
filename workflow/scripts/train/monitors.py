"""What shows the curves of a training while it runs: TensorBoard, Weights & Biases. Neither shapes its result."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
from pathlib import Path

from workbench.cli import UserError

_INSTALL = "it is not installed: .venv/bin/pip install -r requirements/monitors.txt"


def add_monitor_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what a training script is told of its monitors."""
    parser.add_argument("--tensorboard", type=Path, help="folder for TensorBoard (default: none)")
    parser.add_argument(
        "--wandb",
        nargs=2,
        metavar=("PROJECT", "FOLDER"),
        help="project at Weights & Biases, and where it keeps its files (default: none)",
    )


def monitor_arguments(tensorboard: Path | None, wandb: tuple[str, str] | None, label: str | None) -> list[str]:
    """fairseq-train's arguments for a folder of TensorBoard and a project at Weights & Biases, where they are wanted.

    Args:
        tensorboard: the folder; what an earlier attempt wrote there stays, as its curves go on.
        wandb: the project, and where its files are kept. Key and mode come from the environment, as that tool
            documents: ``WANDB_API_KEY``, ``WANDB_MODE=offline`` on nodes without a network.
        label: the run's name there.

    Raises:
        UserError: a package is missing, or nobody is logged in.
    """
    demand_monitors(tensorboard, wandb, label)
    arguments = []
    if tensorboard:
        arguments += ["--tensorboard-logdir", str(tensorboard)]
    if wandb:
        arguments += ["--wandb-project", wandb[0]]
    return arguments


def demand_monitors(tensorboard: Path | None, wandb: tuple[str, str] | None, label: str | None) -> None:
    """See that what is asked for is installed and logged in; tell Weights & Biases of the run by its environment.

    Raises:
        UserError: as :func:`monitor_arguments`.
    """
    if tensorboard:
        _demand("tensorboard", "training.tensorboard")
    if wandb:
        _demand("wandb", "training.wandb")
        project, folder = wandb
        os.environ.setdefault("WANDB_NAME", label or project)
        os.environ.setdefault("WANDB_DIR", folder)
        os.environ.setdefault("WANDB_SILENT", "true")
        _demand_login()  # reads the environment, once


def _demand(package: str, key: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise UserError(f"{key}: {package} is asked for, but {_INSTALL}")


def _demand_login() -> None:
    wandb = importlib.import_module("wandb")
    if wandb.setup().settings.mode == "online" and not wandb.login(prompt=False):
        raise UserError(
            "training.wandb: nobody is logged in at Weights & Biases: run `wandb login`, set WANDB_API_KEY, or "
            "WANDB_MODE=offline to look at the runs later"
        )
