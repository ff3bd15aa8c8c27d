"""Average each condition over its seeds and say how far it is from the baseline, with intervals.

The 95 % intervals are those of the hierarchical bootstrap over seeds and test segments: every run is scored on the same
resamples of the test set, from the sufficient statistics that ``score_run`` left, and the seeds are weighted as
``stats.bootstrap`` says. With one seed they say nothing about the chance in training.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from evaluate.summary import ConditionSummary, write_summary
from stats.bootstrap import interval, two_sided_p
from stats.metrics import Scorer, add_metric_arguments, build_scorers
from stats.resampled import Cell, Key, ResampledScores, cells_of, check_condition
from workbench.cli import run_script, say, script_parser
from workbench.runs import read_runs


def main(arguments: argparse.Namespace) -> None:
    """Write the summary table."""
    cells = cells_of(read_runs(arguments.runs), arguments.runs_folder)
    check_condition("--baseline", arguments.baseline, cells, arguments.runs)
    scorers = build_scorers(arguments.metrics, arguments.metric_options, arguments.target_language)
    scores = ResampledScores(scorers, arguments.resamples, arguments.resampling_seed)
    scores.add(cells.values())
    rows = summarise(cells, scorers, scores, arguments.baseline, arguments.resamples)
    count = write_summary(arguments.summary, rows)
    say(f"{count:,} rows from {scores.runs:,} runs, {arguments.resamples:,} resamples of {scores.segments:,} sentences")


def summarise(
    cells: Mapping[Key, Cell],
    scorers: list[Scorer],
    scores: ResampledScores,
    baseline: str,
    resamples: int,
) -> list[ConditionSummary]:
    """One row for each learner, condition, size and metric, in the order of the run table."""
    rows = []
    for (learner, condition, size), cell in cells.items():
        # At size 0 all conditions are the same run.
        other = None if condition == baseline or size == 0 else cells[learner, baseline, size]
        for scorer in scorers:
            values = scores.draws(cell, scorer.name)
            seeds = scores.of_runs(cell, scorer.name)
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
                    **difference(values, scores.draws(other, scorer.name) if other else None, baseline),
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
