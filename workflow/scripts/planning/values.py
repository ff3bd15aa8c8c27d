"""Values of a configuration: laid over each other, in plain types, scaled, as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import yaml

# fairseq options that count updates.
SCALED_OPTIONS = ("max-update", "total-num-update", "warmup-updates")


def scaled(options: Mapping[str, Any], share: float) -> dict[str, Any]:
    """fairseq options of a training that is ``share`` as long, its schedule of the same shape; 0 sets no limit."""
    given = {name: number(options[name]) for name in SCALED_OPTIONS if name in options}
    updates = {name: max(1, round(value * share)) for name, value in given.items() if value is not None and value > 0}
    return {**options, **updates}


def number(value: Any) -> float | None:
    """``value`` as a finite number, written as text or not; None for what is none."""
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except ValueError:
        found = math.nan
    return found if math.isfinite(found) else None


def overlaid(config: Any, overrides: Any) -> Any:
    """``config`` with the values of ``overrides`` put over it, their scalars read as YAML."""
    if isinstance(overrides, Mapping) and isinstance(config, Mapping):
        return {**config, **{key: overlaid(config.get(key), value) for key, value in overrides.items()}}
    if isinstance(overrides, Mapping):
        return {key: overlaid(None, value) for key, value in overrides.items()}
    if isinstance(overrides, list | tuple):
        return [overlaid(None, value) for value in overrides]
    if isinstance(overrides, str):
        scalar = yaml.safe_load(overrides) if overrides.strip() else overrides
        return scalar if isinstance(scalar, bool | int | float | None) else overrides
    return overrides


def plain_values(value: Any) -> Any:
    """``value`` in JSON's types: keys are text, whole numbers are integers however they were written."""
    if isinstance(value, dict):
        return {str(key): plain_values(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(child) for child in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, str | int | float | None) else str(value)


def compact(value: Any) -> str:
    """``value`` as JSON without blanks, keys sorted."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
