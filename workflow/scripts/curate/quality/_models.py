"""The model that the workflow trained for a metric."""

from __future__ import annotations

from curate.quality import Context
from models.engines import Model

_FILES = ("checkpoint", "ctranslate2", "spm", "dictionary")


def trained_model(context: Context) -> Model:
    """The model of the inputs ``model.checkpoint``, ``model.ctranslate2``, ``model.spm``, ``model.dictionary``.

    Raises:
        UserError: one of them is missing.
    """
    return Model(**{name: context.input(f"model.{name}") for name in _FILES})
