"""Models that metrics run and the user has."""

from pathlib import Path

from curate.quality import Context
from models.devices import take_gpus
from workbench.cli import UserError


def local_weights(metric: str, context: Context) -> tuple[Path, bool]:
    """The path of the input ``weights``, and whether to run it on a GPU, which is taken then.

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
    return path, on_gpu
