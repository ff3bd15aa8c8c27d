"""What the report is about: ``study.json``, the description of what was run, and the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, cast

from evaluate.results import ConditionSummary
from planning.conditions import Condition
from planning.runs import FAIRSEQ
from planning.settings import JsonObject
from workbench.cli import named_files
from workbench.files import read_json
from workbench.records import Row, read_records


class Study(TypedDict):
    """The settings that sentences and tables depend on; the page lists all others as they are."""

    baseline: str
    conditions: dict[str, JsonObject]
    generators: dict[str, dict[str, Any]]
    learners: dict[str, dict[str, Any]]
    training: dict[str, Any]
    sizes: list[int]
    seeds: list[int]


@dataclass(frozen=True)
class Results:
    """The scores of a study, and how its conditions are compared."""

    rows: Sequence[ConditionSummary]  # the summary table
    conditions: Mapping[str, Condition]  # each condition's settings, by name
    baseline: str  # condition trained on human text
    metric: ConditionSummary  # any row of the summary in the metric of the answer
    margin: float  # difference, in points, within which two conditions count as equally good
    # Why nothing is compared, for each learner and size whose baseline is below the floor
    low: Mapping[tuple[str, int], str]


@dataclass(frozen=True)
class Files:
    """The files that a page shows, by name."""

    tables: Mapping[str, Path]  # results; those that a study does not have are left out
    figures: Mapping[str, Path]  # SVG
    detectors: Mapping[str, Path]  # each pair's report, JSON, by ``FIRST--SECOND``

    @classmethod
    def named(cls, tables: Sequence[str], figures: Sequence[str], detectors: Sequence[str]) -> Files:
        """The files of the arguments ``NAME=FILE``; errors as for :func:`workbench.cli.named_files`."""
        return cls(
            named_files("--tables", tables), named_files("--figures", figures), named_files("--detectors", detectors)
        )

    def rows(self, table: str, kind: type[Row]) -> list[Row]:
        """The rows of a table, each of ``kind``; empty if the study has no such table."""
        return read_records(self.tables[table], kind) if table in self.tables else []


def read_study(path: Path) -> Study:
    """Read ``study.json``."""
    return cast(Study, read_json(path, "conditions"))


def second_references(study: Study) -> list[str]:
    """The generators of a study that are second human references."""
    return [name for name, settings in study["generators"].items() if settings.get("human")]


def equal_updates(study: Study) -> list[str]:
    """The learners whose trainings of all sizes make as many updates; an LLM goes through its instances instead."""
    if study["training"]["equal"] != "updates":
        return []
    return [name for name, learner in study["learners"].items() if learner["kind"] == FAIRSEQ]
