"""Scores of conditions on the test set and on its resamples, from the sufficient statistics of their runs."""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from stats.bootstrap import draw_counts, mean_over_seeds, resampled_totals, seed_weights
from stats.metrics import Scorer, SegmentCounts, add_metric_arguments, build_scorers, read_counts
from workbench.cli import UserError, progress
from workbench.runs import Run

Key = tuple[str, str, int]  # learner, condition, size
_weights = lru_cache(seed_weights)  # cells mostly have the same seeds


@dataclass(frozen=True)
class Cell:
    """The runs of one learner, condition and size: their tables of sufficient statistics, by seed.

    Conditions with the same recipe share their runs, and so have equal cells.
    """

    seeds: tuple[int, ...]
    paths: tuple[Path, ...]


def cells_of(runs: Iterable[Run], runs_folder: Path) -> dict[Key, Cell]:
    """The cells of a table of runs, in its order."""
    groups: dict[Key, dict[int, Path]] = {}
    for run in runs:
        paths = groups.setdefault((run.learner, run.condition, run.size), {})
        paths[run.seed] = run.folder(runs_folder) / "statistics.tsv"
    return {
        key: Cell(tuple(sorted(paths)), tuple(paths[seed] for seed in sorted(paths))) for key, paths in groups.items()
    }


def check_condition(option: str, condition: str, cells: Iterable[Key], table: Path) -> None:
    """Refuse a condition without runs.

    Raises:
        UserError: names the option, the condition and the run table.
    """
    allowed = list(dict.fromkeys(name for _, name, _ in cells))
    if condition not in allowed:
        raise UserError(f"{option} {condition}: {table} has no such condition; allowed: {', '.join(allowed)}")


class ResampledScores:
    """Scores of cells by metric: first the test set's, then ``resamples`` draws of the hierarchical bootstrap."""

    def __init__(self, scorers: Sequence[Scorer], resamples: int, seed: int) -> None:
        self.scorers = scorers
        self.resamples = resamples
        self._seed = seed
        self._first: SegmentCounts | None = None
        self._drawn = np.empty((0, 0))
        self._runs: dict[tuple[Path, str], np.ndarray] = {}
        self._cells: dict[tuple[Cell, str], np.ndarray] = {}

    @property
    def segments(self) -> int:
        """Number of segments of the test set."""
        return len(self._first.ids) if self._first else 0

    @property
    def runs(self) -> int:
        """Number of distinct runs that were scored."""
        return len({path for path, _ in self._runs})

    def add(self, cells: Iterable[Cell]) -> None:
        """Score the runs of ``cells`` on the test set and on every resample, reporting progress.

        Raises:
            UserError: a run has different segments from the runs before it.
        """
        paths = list(dict.fromkeys(path for cell in cells for path in cell.paths))
        for path in progress(paths, len(paths), "runs"):
            self._add_run(path)

    def of_runs(self, cell: Cell, metric: str) -> list[float]:
        """The scores of a cell's runs on the test set, by seed."""
        return [float(self._runs[path, metric][0]) for path in cell.paths]

    def draws(self, cell: Cell, metric: str) -> np.ndarray:
        """Mean score over the seeds of a cell and its draws: shape (1 + resamples,)."""
        key = (cell, metric)
        if key not in self._cells:
            scores = np.array([self._runs[path, metric] for path in cell.paths])
            several = len(cell.seeds) > 1
            weights = _weights(cell.seeds, self.resamples, self._seed) if several else np.empty((0, 1))
            self._cells[key] = mean_over_seeds(scores, weights)
        return self._cells[key]

    def _add_run(self, path: Path) -> None:
        counts = read_counts(path, [scorer.name for scorer in self.scorers], like=self._first)
        if not self._first:
            self._first = counts
            whole = np.ones((1, self.segments), dtype=np.uint16)
            self._drawn = np.vstack([whole, draw_counts(self.segments, self.resamples, self._seed)])
        for scorer in self.scorers:
            self._runs[path, scorer.name] = scorer.scores(resampled_totals(self._drawn, counts.metrics[scorer.name]))


def read_scores(arguments: argparse.Namespace, cells: Iterable[Cell]) -> ResampledScores:
    """The resampled scores of ``cells`` by the metrics of the command line (:func:`add_score_arguments`)."""
    scorers = build_scorers(arguments.metrics, arguments.metric_options, arguments.target_language)
    scores = ResampledScores(scorers, arguments.resamples, arguments.resampling_seed)
    scores.add(cells)
    return scores


def add_score_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the runs whose conditions are compared, the metrics and the resamples."""
    parser.add_argument("--runs", type=Path, required=True, help="the run table")
    parser.add_argument("--runs-folder", type=Path, required=True, help="folder of LEARNER/RECIPE/SIZE/SEED")
    parser.add_argument("--baseline", required=True, help="condition that the others are compared with")
    add_metric_arguments(parser)
    parser.add_argument("--resamples", type=int, required=True, help="resamples of the seeds and the test set")
    parser.add_argument("--resampling-seed", type=int, required=True, help="seed of the resamples")
