"""Rows of the summary table, one for each learner, condition, size and metric.

:mod:`workbench.records` reads and writes the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ConditionSummary:
    """The mean score over seeds, its interval and its difference from the baseline, in the metric's points.

    Attributes:
        name: sacreBLEU's name of the metric, such as ``chrF2``.
        better: whether ``higher`` or ``lower`` scores are better.
        sentences: segments of the test set.
        seeds: number of runs behind the mean score.
        resamples: draws behind every interval.
        score, score_low, score_high: mean over seeds and its 95 % interval over seeds and test segments (over segments
            only, with one seed).
        score_sd, score_min, score_max: spread over the seeds; no standard deviation for one seed.
        baseline: the condition that is subtracted in ``difference``; empty for that condition itself and at size 0.
        difference, difference_low, difference_high: score minus the baseline's, from the same draws; None without a
            ``baseline``.
        p_value: two-sided, of "no difference", from the same draws; None without a ``baseline``.
    """

    learner: str
    condition: str
    size: int
    metric: str
    name: str
    better: str
    sentences: int
    seeds: int
    resamples: int
    score: float
    score_low: float
    score_high: float
    score_sd: float | None
    score_min: float
    score_max: float
    baseline: str
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    p_value: float | None


def at_largest_size(rows: Sequence[ConditionSummary], metric: str) -> list[ConditionSummary]:
    """The rows of one metric at each learner's largest size."""
    rows = [row for row in rows if row.metric == metric]
    largest = {row.learner: max(r.size for r in rows if r.learner == row.learner) for row in rows}
    return [row for row in rows if row.size == largest[row.learner]]
