"""What the report is about: ``study.json``, the description of what was run, and the scores."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, cast

from evaluate.summary import ConditionSummary


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


@dataclass(frozen=True)
class Results:
    """The scores of a study, and how its conditions are compared.

    Attributes:
        rows: the summary table.
        conditions: each condition's settings, by name.
        baseline: condition trained on human text.
        metric: any row of the summary in the metric of the answer.
        margin: difference, in points, within which two conditions count as equally good.
        low: why nothing is compared, for each learner and size whose baseline is below the floor.
    """

    rows: Sequence[ConditionSummary]
    conditions: Mapping[str, Condition]
    baseline: str
    metric: ConditionSummary
    margin: float
    low: Mapping[tuple[str, int], str]


def read_study(path: Path) -> Study:
    """Read ``study.json``."""
    return cast(Study, json.loads(path.read_text(encoding="utf-8")))


def second_references(study: Study) -> list[str]:
    """The generators of a study that are second human references."""
    return [name for name, settings in study["generators"].items() if settings.get("human")]
