"""Models that metrics run and the user has."""

from dataclasses import dataclass
from pathlib import Path

from curate.quality import Context
from models.devices import take_gpus
from workbench.cli import UserError


@dataclass(frozen=True)
class LocalModel:
    """A model that the user has: its weights, and how to run it."""

    weights: Path
    batch_size: int
    on_gpu: bool


def local_model(metric: str, context: Context) -> LocalModel:
    """The model of the input ``weights``; takes a GPU if the study uses one.

    Raises:
        UserError: there is nothing at that path, or no GPU.
    """
    path = context.inputs["weights"]
    if not path.exists():
        raise UserError(
            f"metric {metric}, weights: {path} is not there; "
            "download the model once and give its path (docs/quality.md says where from)"
        )
    on_gpu = context.settings["device"] == "gpu"
    if on_gpu:
        take_gpus(1)
    return LocalModel(path, context.settings["batch_size"], on_gpu)
