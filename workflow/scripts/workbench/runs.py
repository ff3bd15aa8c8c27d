"""The run table, the table of its comparisons, and where each run's files are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.tables import read_rows

RUN_COLUMNS = ("learner", "condition", "size", "seed", "recipe")
COMPARISON_COLUMNS = (
    "learner",
    "size",
    "seed",
    "metric",
    "condition",
    "score",
    "baseline",
    "baseline_score",
    "difference",
    "p_value",
    "test",
    "samples",
    "signature",
)
SIGNIFICANCE_COLUMNS = (*COMPARISON_COLUMNS[:10], "p_holm", *COMPARISON_COLUMNS[10:])  # after the p-value


@dataclass(frozen=True)
class Run:
    """One row of the run table. Rows of one learner, recipe, size and seed are one training; size 0 is none."""

    learner: str
    condition: str
    size: int
    seed: int
    recipe: str

    def folder(self, runs_folder: Path) -> Path:
        """Where the run's model, translations and scores are."""
        return runs_folder / self.learner / self.recipe / str(self.size) / str(self.seed)


def read_runs(path: Path) -> list[Run]:
    """All rows of the run table, in its order."""
    return [
        Run(learner, condition, int(size), int(seed), recipe)
        for learner, condition, size, seed, recipe in read_rows(path, RUN_COLUMNS)
    ]


def trained_runs(runs: Iterable[Run]) -> list[Run]:
    """The runs that train something: all but those of size 0, which all conditions share."""
    return [run for run in runs if run.size > 0]


def compared_groups(runs: list[Run]) -> Iterator[tuple[str, int, int]]:
    """Each (learner, size, seed) of the run table once, in its order: what can be compared."""
    yield from dict.fromkeys((run.learner, run.size, run.seed) for run in trained_runs(runs))
