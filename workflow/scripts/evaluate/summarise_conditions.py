"""Average each condition over its seeds, and compute its difference from the baseline, with intervals.

The 95 % intervals are those of the hierarchical bootstrap over seeds and test segments (:mod:`stats.bootstrap`). Every
run is scored on the same resamples of the test set, from the sufficient statistics that ``score_run`` wrote. With one
seed, the intervals do not include the variance of training.
"""

import argparse
import statistics
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from evaluate.gap import estimate
from evaluate.results import ConditionSummary
from stats.metrics import Scorer
from stats.resampled import Cell, Key, ResampledScores, add_score_arguments, cells_of, check_condition, read_scores
from workbench.cli import run_script, say, script_parser
from workbench.records import write_records
from workbench.runs import read_runs


def main(arguments: argparse.Namespace) -> None:
    """Write the summary table."""
    cells = cells_of(read_runs(arguments.runs), arguments.runs_folder)
    check_condition("--baseline", arguments.baseline, cells, arguments.runs)
    scores = read_scores(arguments, cells.values())
    count = write_records(arguments.summary, ConditionSummary, summarise(cells, scores, arguments.baseline))
    say(f"{count:,} rows from {scores.runs:,} runs, {scores.resamples:,} resamples of {scores.segments:,} sentences")


def summarise(cells: Mapping[Key, Cell], scores: ResampledScores, baseline: str) -> list[ConditionSummary]:
    """One row for each learner, condition, size and metric, in the order of the run table."""
    rows = []
    for (learner, condition, size), cell in cells.items():
        # At size 0 all conditions are the same run.
        other = None if condition == baseline or size == 0 else cells[learner, baseline, size]
        for scorer in scores.scorers:
            draws = scores.draws(cell, scorer.name)
            difference = estimate(draws - scores.draws(other, scorer.name)) if other else None
            seeds = scores.of_runs(cell, scorer.name)
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
                    resamples=scores.resamples,
                    score=estimate(draws),
                    score_sd=statistics.stdev(seeds) if len(seeds) > 1 else None,
                    score_min=min(seeds),
                    score_max=max(seeds),
                    baseline=baseline if difference else "",
                    difference=difference,
                    p_value=difference.p_value if difference else None,
                )
            )
    return rows


def metric_label(scorer: Scorer) -> str:
    """sacreBLEU's name of a metric with its options, such as ``chrF2++``."""
    width = len(scorer.statistics(["a"], ["a"])[0])
    return scorer.score(np.zeros(width)).name


PARSER = script_parser(__doc__)
add_score_arguments(PARSER)
PARSER.add_argument("--summary", type=Path, required=True, help="output table")


if __name__ == "__main__":
    run_script(PARSER, main)
