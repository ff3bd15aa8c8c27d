"""Rows of the tables of scores: ``summary``, ``significance``, ``contrasts``, ``remedies``, ``curves``, ``exchange``.

Every interval is a 95 % interval over seeds and test segments (over segments only, with one seed); every p-value is
two-sided. ``docs/statistics.md`` explains each figure. :mod:`workbench.records` reads and writes the tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from workbench.intervals import Interval

VERDICTS = ("same", "undefined", "no cost", "worse", "none", "part", "closed", "more", "open")


@dataclass(frozen=True)
class ConditionSummary:
    """The mean score over seeds, its interval and its difference from the baseline, in the metric's points."""

    learner: str
    condition: str
    size: int
    metric: str
    name: str  # sacreBLEU's name of the metric, such as ``chrF2``
    better: str  # whether ``higher`` or ``lower`` scores are better
    sentences: int  # segments of the test set
    seeds: int  # number of runs behind the mean score
    resamples: int  # draws behind every interval
    score: Interval  # mean over seeds
    # score_sd, score_min, score_max: spread over the seeds; no standard deviation for one seed
    score_sd: float | None
    score_min: float
    score_max: float
    baseline: str  # the condition that is subtracted in ``difference``; empty for that condition itself and at size 0
    difference: Interval | None  # score minus the baseline's, from the same draws; None without a ``baseline``
    p_value: float | None  # of "no difference", from the same draws; None without a ``baseline``


@dataclass(frozen=True)
class Comparison:
    """sacreBLEU's paired test of ``condition`` against the baseline: runs of one learner, size and seed.

    Attributes:
        score, baseline_score, difference: in the metric's points.
        p_value: of "no difference".
        p_holm: the same, corrected for all comparisons of the learner, metric and seed; None if both conditions are the
            same run. The column exists only in ``significance.tsv``.
        test: ``bootstrap`` or ``randomization``.
        samples: resamples or trials of the test.
        signature: sacreBLEU's signature of the metric.
    """

    learner: str
    size: int
    seed: int
    metric: str
    condition: str
    score: float
    baseline: str
    baseline_score: float
    difference: float
    p_value: float
    p_holm: float | None = field(default=None, kw_only=True)
    test: str
    samples: int
    signature: str


@dataclass(frozen=True)
class Contrast:
    """The score of ``condition`` minus that of ``against``, at equal size."""

    learner: str
    size: int
    metric: str
    # What ``against`` is: the ``baseline``, the condition that this one remedies (``remedied``), or the same order
    # reversed (``reverse``)
    kind: str
    condition: str
    against: str
    difference: Interval  # in the metric's points, in the metric's own direction
    p_value: float | None  # of "no difference"; None if both conditions are the same runs
    # The same, corrected for all contrasts of the learner and metric, each pair of runs counted once
    p_holm: float | None


@dataclass(frozen=True)
class Remedy:
    """How much of the cost of synthetic text a remedy recovers; in points, positive if better.

    The p-values are of "no difference"; None if both sides are the same runs.
    """

    learner: str
    size: int
    metric: str
    condition: str
    remedied: str
    baseline: str
    gap: Interval  # the baseline minus the ``remedied`` condition: the cost
    gap_p: float | None
    won: Interval  # ``condition`` minus the ``remedied`` one: the gain
    won_p: float | None
    share: Interval | None  # won / gap; 1 is the whole gap. None without a clear gap
    verdict: str  # one of :data:`VERDICTS`


@dataclass(frozen=True)
class CurveArea:
    """The area between the learning curves of ``condition`` and the baseline, over the logarithm of the size."""

    learner: str
    metric: str
    condition: str
    area: Interval  # mean difference from the baseline, in points, positive if better
    p_value: float  # of "no area"; 1 if both are the same runs at every size
    # smallest, largest: the sizes between which the mean is taken
    smallest: int
    largest: int


@dataclass(frozen=True)
class ExchangeRate:
    """The number of human pairs that give the same score as ``size`` pairs of ``condition``."""

    learner: str
    metric: str
    condition: str
    size: int
    score: float  # of the condition at this size, in the metric's points
    # human_pairs, human_pairs_low, human_pairs_high: a number of pairs as text: ``<N`` if fewer than the smallest size
    # N suffice, ``>N`` if the largest size N does not; empty if the number is undefined
    human_pairs: str
    human_pairs_low: str
    human_pairs_high: str
    rate: str  # human_pairs / size, with the same sign
    note: str  # why the number is missing; empty if it is not


def at_largest_size(rows: Sequence[ConditionSummary], metric: str) -> list[ConditionSummary]:
    """The rows of one metric at each learner's largest size."""
    rows = [row for row in rows if row.metric == metric]
    largest = {row.learner: max(r.size for r in rows if r.learner == row.learner) for row in rows}
    return [row for row in rows if row.size == largest[row.learner]]
