"""Read the run table, and locate the files of each run."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from workbench.records import columns_of, read_records


@dataclass(frozen=True)
class Run:
    """One row of the run table. Rows with the same learner, recipe, size and seed are one training; size 0 is none."""

    learner: str
    condition: str
    size: int
    seed: int
    recipe: str

    def folder(self, runs_folder: Path) -> Path:
        """The folder of the run's model, translations and scores."""
        return runs_folder / self.learner / self.recipe / str(self.size) / str(self.seed)


RUN_COLUMNS = columns_of(Run)


def read_runs(path: Path) -> list[Run]:
    """All rows of the run table, in its order."""
    return read_records(path, Run)


def trained_runs(runs: Iterable[Run]) -> list[Run]:
    """The runs with a training; all conditions share a run of size 0, which has none."""
    return [run for run in runs if run.size > 0]


def compared_groups(runs: Iterable[Run]) -> list[tuple[str, int, int]]:
    """The distinct (learner, size, seed) of the trained runs, in their order: runs are compared within such a group."""
    return list(dict.fromkeys((run.learner, run.size, run.seed) for run in trained_runs(runs)))
