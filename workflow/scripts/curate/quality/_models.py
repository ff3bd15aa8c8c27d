"""Models that metrics run, trained by the workflow or given by the user, and the optional packages that run them."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from curate.quality import Context
from models.devices import take_gpus
from models.engines import Model
from workbench.cli import UserError

_INSTALL = ".venv/bin/pip install -r requirements/quality-extra.txt"
_MODEL_FILES = ("checkpoint", "ctranslate2", "spm", "dictionary")


@dataclass(frozen=True)
class LocalModel:
    """A model that the user has: its weights, and how to run it."""

    weights: Path
    batch_size: int
    on_gpu: bool


def optional_package(metric: str, module: str) -> ModuleType:
    """The optional package that ``metric`` needs.

    Raises:
        UserError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(f"metric {metric} needs the package {module} ({error}); install it: {_INSTALL}") from error


def local_model(metric: str, context: Context) -> LocalModel:
    """The model of the input ``weights``; takes a GPU if the study uses one.

    Raises:
        UserError: there is nothing at that path, or no GPU.
    """
    path = context.input("weights")
    if not path.exists():
        raise UserError(
            f"metric {metric}, weights: {path} is not there; "
            "download the model once and give its path (docs/quality.md says where from)"
        )
    on_gpu = context.settings["device"] == "gpu"
    if on_gpu:
        take_gpus(1)
    return LocalModel(path, context.settings["batch_size"], on_gpu)


def trained_model(context: Context) -> Model:
    """The model that the workflow trained: inputs ``model.checkpoint``, ``.ctranslate2``, ``.spm``, ``.dictionary``.

    Raises:
        UserError: one of them is missing.
    """
    return Model(**{name: context.input(f"model.{name}") for name in _MODEL_FILES})
