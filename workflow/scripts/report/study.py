"""What the report reads from ``study.json``, the description of what was run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, cast


class _Mixture(TypedDict):
    mixture: Mapping[str, float]


class Condition(_Mixture, total=False):
    """A condition's settings; ``mixture`` is the fraction of each origin. Missing settings have their defaults."""

    combine: str
    copies: int
    order: str
    order_of: str | None
    reverse: bool
    schedule: str
    remedies: str | None


class Study(TypedDict):
    """The settings that sentences and tables depend on; the page lists all others as they are."""

    baseline: str
    conditions: dict[str, Condition]
    generators: dict[str, dict[str, Any]]
    learners: dict[str, dict[str, Any]]
    training: dict[str, Any]
    sizes: list[int]
    seeds: list[int]


def read_study(path: Path) -> Study:
    """Read ``study.json``."""
    return cast(Study, json.loads(path.read_text(encoding="utf-8")))


def second_references(study: Study) -> list[str]:
    """The generators of a study that are second human references."""
    return [name for name, settings in study["generators"].items() if settings.get("human")]
