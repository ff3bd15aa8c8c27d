"""Hosted learners: what shapes a run's fine-tuning, and the runs whose models there are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from llm.calls import canonical_json
from llm.settings import TuningSettings
from workbench.cli import UserError

_HYPERPARAMETERS = ("n_epochs", "batch_size", "learning_rate_multiplier")
_TUNING = ("provider", "model", "base_url", "languages", *_HYPERPARAMETERS, "validation", "max_tokens", "unusable")


class Run(NamedTuple):
    """A run of a hosted learner.

    Attributes:
        run: its name, ``LEARNER/RECIPE/SIZE/SEED``.
        size: instances that its model has seen; 0: zero-shot, the base model.
        new: those of them that its own job trains on.
        seed: of the training.
    """

    run: str
    size: int
    new: int
    seed: int


def hyperparameters(settings: TuningSettings) -> dict[str, int | float | str]:
    """Those that are not left to the provider."""
    values = {name: getattr(settings, name) for name in _HYPERPARAMETERS}
    return {name: value for name, value in values.items() if value != "auto"}


def run_shape(settings: TuningSettings, prompts: str, size: int, skip: int, seed: int | None) -> str:
    """A digest of what shapes a run's model, except its instances' texts, which need not exist yet.

    Args:
        settings: of the learner.
        prompts: digest of its templates.
        size, skip: of the run, see ``llm/finetune_hosted.py``.
        seed: of the training.
    """
    parts = [{name: getattr(settings, name) for name in _TUNING}, prompts, size, skip, seed]
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()


def tuned_model(path: Path) -> str:
    """The fine-tuned model that a run left in its ``model.json``.

    Raises:
        UserError: the file does not name one.
    """
    try:
        model = json.loads(path.read_text(encoding="utf-8"))["model"]
    except (ValueError, LookupError, TypeError):
        model = None
    if not model or not isinstance(model, str):
        raise UserError(f"{path}: this file names no fine-tuned model: delete it, and its rule makes it again")
    return model
