"""The summary table: a row for each learner, condition, size and metric.

With the mean over seeds, its interval and its distance from the baseline.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.records import columns_of, read_records, write_records


@dataclass(frozen=True)
class ConditionSummary:
    """One row. Scores are in the metric's points; ``None`` is empty in the file.

    Attributes:
        name: sacreBLEU's name of the metric, such as ``chrF2``.
        better: whether ``higher`` or ``lower`` scores are better.
        sentences: segments of the test set.
        seeds: runs that the score is the mean of.
        resamples: draws behind every interval.
        score, score_low, score_high: mean over seeds and its 95 % interval over seeds and test segments; over segments
            alone for one seed.
        score_sd, score_min, score_max: spread of the seeds; no standard deviation for one seed.
        baseline: condition that ``difference`` is measured from; empty for that condition itself.
        difference, difference_low, difference_high: score minus the baseline's, drawn together.
        p_value: two-sided, of "no difference", from the same draws.
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


COLUMNS = columns_of(ConditionSummary)


def write_summary(path: Path, rows: Iterable[ConditionSummary]) -> int:
    """Write the table, atomically, and return its number of rows."""
    return write_records(path, ConditionSummary, rows)


def read_summary(path: Path) -> list[ConditionSummary]:
    """Read what :func:`write_summary` wrote, in the file's order."""
    return read_records(path, ConditionSummary)


def at_largest_size(rows: Sequence[ConditionSummary], metric: str) -> list[ConditionSummary]:
    """The rows of one metric at each learner's largest size."""
    rows = [row for row in rows if row.metric == metric]
    largest = {row.learner: max(r.size for r in rows if r.learner == row.learner) for row in rows}
    return [row for row in rows if row.size == largest[row.learner]]
