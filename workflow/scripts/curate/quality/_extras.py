"""What the metrics need that the workbench does not install by itself."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

from curate.quality import Context
from workbench.cli import UserError

_INSTALL = ".venv/bin/pip install -r requirements/quality-extra.txt"


def optional_package(metric: str, module: str) -> ModuleType:
    """The package that ``metric`` takes from the extra.

    Raises:
        UserError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(f"metric {metric} needs the package {module} ({error}); install it: {_INSTALL}") from error


def local_weights(metric: str, context: Context) -> Path:
    """The user's own weights, the input ``weights``.

    Raises:
        UserError: there is nothing at that path.
    """
    path = context.input("weights")
    if not path.exists():
        raise UserError(
            f"metric {metric}, weights: {path} is not there; "
            "download the model once and give its path (docs/quality.md says where from)"
        )
    return path
