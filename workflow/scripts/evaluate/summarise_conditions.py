"""Average each condition over its seeds and say how far it is from the baseline, with intervals.

The 95 % intervals are over test segments: every run is scored on the same resamples of the test
set, from the sufficient statistics that ``score_run`` left, and the scores are averaged over the
seeds. They say nothing about the chance in training; that is in the spread between seeds, which has
columns of its own.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from evaluate.bootstrap import draw_counts, interval, resampled_totals, two_sided_p
from evaluate.counts import Counts, read_counts
from evaluate.metrics import Scorer, add_metric_arguments, build_scorers
from evaluate.runs import Run, read_runs
from evaluate.summary import ConditionSummary, write_summary
from workbench.cli import UserError, progress, run_script, say, script_parser


class ResampledScores:
    """Scores of runs by metric: first that of the test set itself, then those of its resamples."""

    def __init__(self, scorers: list[Scorer], resamples: int, seed: int) -> None:
        self._scorers = scorers
        self._resamples = resamples
        self._seed = seed
        self._first: Counts | None = None
        self._drawn = np.empty((0, 0))
        self._scores: dict[tuple[Path, str], np.ndarray] = {}

    @property
    def segments(self) -> int:
        """Segments of the test set."""
        return len(self._first.ids) if self._first else 0

    def add(self, path: Path) -> None:
        """Score a run's table of sufficient statistics on the test set and on every resample.

        Raises:
            UserError: it has other segments than the runs before it.
        """
        counts = read_counts(path, [scorer.name for scorer in self._scorers], like=self._first)
        if not self._first:
            self._first = counts
            whole = np.ones((1, self.segments), dtype=np.uint16)
            self._drawn = np.vstack([whole, draw_counts(self.segments, self._resamples, self._seed)])
        for scorer in self._scorers:
            totals = resampled_totals(self._drawn, counts.metrics[scorer.name])
            self._scores[path, scorer.name] = scorer.scores(totals)

    def mean(self, paths: Iterable[Path], metric: str) -> np.ndarray:
        """Mean over runs, for the test set and each resample: shape (1 + resamples,)."""
        return np.mean([self._scores[path, metric] for path in paths], axis=0)

    def of_test_set(self, path: Path, metric: str) -> float:
        """A run's score of the test set itself."""
        return float(self._scores[path, metric][0])


def main(arguments: argparse.Namespace) -> None:
    """Write the summary table."""
    runs = read_runs(arguments.runs)
    if arguments.baseline not in {run.condition for run in runs}:
        raise UserError(f"--baseline {arguments.baseline}: {arguments.runs} has no such condition")
    scorers = build_scorers(arguments.metrics, arguments.metric_options, arguments.target_language)
    scores = ResampledScores(scorers, arguments.resamples, arguments.resampling_seed)
    paths = list(dict.fromkeys(statistics_path(run, arguments.runs_folder) for run in runs))
    for path in progress(paths, len(paths), "runs"):
        scores.add(path)
    rows = summarise(runs, arguments.runs_folder, scorers, scores, arguments.baseline, arguments.resamples)
    count = write_summary(arguments.summary, rows)
    say(f"{count:,} rows from {len(paths):,} runs, {arguments.resamples:,} resamples of {scores.segments:,} sentences")


def summarise(
    runs: list[Run],
    runs_folder: Path,
    scorers: list[Scorer],
    scores: ResampledScores,
    baseline: str,
    resamples: int,
) -> list[ConditionSummary]:
    """One row for each learner, condition, size and metric, in the order of the run table."""
    groups: dict[tuple[str, str, int], list[Path]] = {}
    for run in runs:
        groups.setdefault((run.learner, run.condition, run.size), []).append(statistics_path(run, runs_folder))
    rows = []
    for (learner, condition, size), paths in groups.items():
        others = None if condition == baseline else groups[learner, baseline, size]
        for scorer in scorers:
            values = scores.mean(paths, scorer.name)
            seeds = [scores.of_test_set(path, scorer.name) for path in paths]
            low, high = interval(values[1:])
            rows.append(
                ConditionSummary(
                    learner=learner,
                    condition=condition,
                    size=size,
                    metric=scorer.name,
                    name=metric_label(scorer),
                    better=scorer.better,
                    sentences=scores.segments,
                    seeds=len(seeds),
                    resamples=resamples,
                    score=float(values[0]),
                    score_low=low,
                    score_high=high,
                    score_sd=statistics.stdev(seeds) if len(seeds) > 1 else None,
                    score_min=min(seeds),
                    score_max=max(seeds),
                    **difference(values, scores.mean(others, scorer.name) if others else None, baseline),
                )
            )
    return rows


def difference(values: np.ndarray, reference: np.ndarray | None, baseline: str) -> dict[str, object]:
    """The columns about the distance from the baseline; empty for the baseline itself, without ``reference``."""
    if reference is None:
        none = dict.fromkeys(("difference", "difference_low", "difference_high", "p_value"))
        return {"baseline": "", **none}
    differences = values - reference
    low, high = interval(differences[1:])
    return {
        "baseline": baseline,
        "difference": float(differences[0]),
        "difference_low": low,
        "difference_high": high,
        "p_value": two_sided_p(differences[1:]),
    }


def metric_label(scorer: Scorer) -> str:
    """sacreBLEU's name of a metric with its options, such as ``chrF2++``."""
    width = len(scorer.statistics(["a"], ["a"])[0])
    return scorer.score(np.zeros(width)).name


def statistics_path(run: Run, runs_folder: Path) -> Path:
    """Where ``score_run`` left the sufficient statistics of a run."""
    return run.folder(runs_folder) / "statistics.tsv"


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="the run table")
    parser.add_argument("--runs-folder", type=Path, required=True, help="folder of LEARNER/RECIPE/SIZE/SEED")
    parser.add_argument("--baseline", required=True, help="condition that the others are compared with")
    add_metric_arguments(parser)
    parser.add_argument("--resamples", type=int, required=True, help="resamples of the test set")
    parser.add_argument("--resampling-seed", type=int, required=True, help="seed of the resamples")
    parser.add_argument("--summary", type=Path, required=True, help="output table")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
