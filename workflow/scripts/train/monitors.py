"""Show the curves of a training while it runs, with TensorBoard or Weights & Biases. Neither shapes its result."""

import importlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from workbench.cli import UserError


@dataclass(frozen=True)
class Monitors:
    """The monitors of one training.

    Args:
        tensorboard: TensorBoard's folder, if wanted. Curves of an earlier attempt stay there and continue.
        wandb: the Weights & Biases project and the folder for its files, if wanted. Key and mode come from the
            environment, as that tool documents: ``WANDB_API_KEY``, ``WANDB_MODE=offline`` on nodes without a network.
        label: the run's name in Weights & Biases.
    """

    tensorboard: Path | None = None
    wandb: tuple[str, str] | None = None
    label: str | None = None

    def fairseq_arguments(self) -> list[str]:
        """Return fairseq-train's arguments for the monitors.

        Raises:
            UserError: a package is missing, or nobody is logged in.
        """
        self._prepare()
        tensorboard = ["--tensorboard-logdir", str(self.tensorboard)] if self.tensorboard else []
        return tensorboard + (["--wandb-project", self.wandb[0]] if self.wandb else [])

    def trainer_names(self) -> list[str]:
        """Return the names of the monitors in Trainer, which finds folder and project in the environment.

        Raises:
            UserError: a package is missing, or nobody is logged in.
        """
        requested = self._prepare()
        if self.tensorboard:
            os.environ["TENSORBOARD_LOGGING_DIR"] = str(self.tensorboard)
        if self.wandb:
            os.environ["WANDB_PROJECT"] = self.wandb[0]
        return requested

    def _prepare(self) -> list[str]:
        """Check packages and login, describe the run in Weights & Biases' environment, and return the packages."""
        requested = [name for name in ("tensorboard", "wandb") if getattr(self, name)]
        for package in requested:
            if importlib.util.find_spec(package) is None:
                raise UserError(
                    f"training.{package}: {package} is requested, but it is not installed: "
                    ".venv/bin/pip install -r requirements/monitors.txt"
                )
        if self.wandb:
            project, folder = self.wandb
            os.environ.setdefault("WANDB_NAME", self.label or project)
            os.environ.setdefault("WANDB_DIR", folder)
            os.environ.setdefault("WANDB_SILENT", "true")
            wandb = importlib.import_module("wandb")
            # Its setup reads the environment, once.
            if wandb.setup().settings.mode == "online" and not wandb.login(prompt=False):
                raise UserError(
                    "training.wandb: nobody is logged in at Weights & Biases: run `wandb login`, set WANDB_API_KEY, or "
                    "WANDB_MODE=offline to look at the runs later"
                )
        return requested
