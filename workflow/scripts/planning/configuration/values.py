"""Values of a configuration as people write them, in JSON's types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


def overlaid(config: Any, overrides: Any) -> Any:
    """``config`` with ``overrides`` laid over it; scalars among the overrides are read as YAML."""
    if isinstance(overrides, Mapping):
        given = config if isinstance(config, Mapping) else {}
        return {**given, **{key: overlaid(given.get(key), value) for key, value in overrides.items()}}
    if isinstance(overrides, list | tuple):
        return [overlaid(None, value) for value in overrides]
    if isinstance(overrides, str):
        scalar = yaml.safe_load(overrides) if overrides.strip() else overrides
        return scalar if isinstance(scalar, bool | int | float | None) else overrides
    return overrides


def plain_values(value: Any) -> Any:
    """``value`` in JSON's types: keys are text, and whole numbers are integers however they were written."""
    if isinstance(value, Mapping):
        return {str(key): plain_values(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(child) for child in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, str | int | float | None) else str(value)
