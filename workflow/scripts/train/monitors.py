"""Show the curves of a training while it runs, with TensorBoard or Weights & Biases. Neither shapes its result."""

import importlib
import importlib.util
import os
from pathlib import Path

from workbench.cli import UserError


def prepare_monitors(tensorboard: Path | None, wandb: tuple[str, str] | None, label: str | None) -> dict[str, str]:
    """Make the wanted monitors ready, and return TensorBoard's folder and the project in Weights & Biases by package.

    Both are in the environment as well, where Trainer looks for them. Curves of an earlier attempt stay in the folder
    and continue.

    Args:
        tensorboard: TensorBoard's folder, if wanted.
        wandb: the Weights & Biases project and the folder for its files, if wanted. Key and mode come from the
            environment, as that tool documents: ``WANDB_API_KEY``, ``WANDB_MODE=offline`` on nodes without a network.
        label: the run's name in Weights & Biases.

    Raises:
        UserError: a package is missing, or nobody is logged in.
    """
    wanted = {"tensorboard": str(tensorboard)} if tensorboard else {}
    if wandb:
        wanted["wandb"] = wandb[0]
    for package in wanted:
        if importlib.util.find_spec(package) is None:
            raise UserError(
                f"training.{package}: {package} is requested, but it is not installed: "
                ".venv/bin/pip install -r requirements/monitors.txt"
            )
    if tensorboard:
        os.environ["TENSORBOARD_LOGGING_DIR"] = str(tensorboard)
    if wandb:
        os.environ["WANDB_PROJECT"], folder = wandb
        os.environ.setdefault("WANDB_NAME", label or wandb[0])
        os.environ.setdefault("WANDB_DIR", folder)
        os.environ.setdefault("WANDB_SILENT", "true")
        module = importlib.import_module("wandb")
        # Its setup reads the environment, once.
        if module.setup().settings.mode == "online" and not module.login(prompt=False):
            raise UserError(
                "training.wandb: nobody is logged in at Weights & Biases: run `wandb login`, set WANDB_API_KEY, or "
                "WANDB_MODE=offline to look at the runs later"
            )
    return wanted
