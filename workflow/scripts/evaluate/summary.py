"""The summary table: a row for each learner, condition, size and metric.

With the mean over seeds, its interval and its distance from the baseline.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from evaluate.formats import p_text, score_text
from workbench.tables import read_rows, write_rows

_TEXT = ("learner", "condition", "metric", "name", "better", "baseline")
_WHOLE = ("size", "sentences", "seeds", "resamples")


@dataclass(frozen=True)
class ConditionSummary:
    """One row. Scores are in the metric's points; ``None`` is empty in the file.

    Attributes:
        name: sacreBLEU's name of the metric, such as ``chrF2``.
        better: whether ``higher`` or ``lower`` scores are better.
        sentences: segments of the test set.
        seeds: runs that the score is the mean of.
        resamples: of the segments, behind every interval.
        score, score_low, score_high: mean over seeds and its 95 % interval over test segments.
        score_sd, score_min, score_max: spread of the seeds; no standard deviation for one seed.
        baseline: condition that ``difference`` is measured from; empty for that condition itself.
        difference, difference_low, difference_high: score minus the baseline's, resampled
            together.
        p_value: two-sided, of "no difference", over test segments.
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


COLUMNS = tuple(field.name for field in fields(ConditionSummary))


def write_summary(path: Path, rows: Iterable[ConditionSummary]) -> int:
    """Write the table, atomically, and return its number of rows."""
    return write_rows(path, COLUMNS, (_cells(row) for row in rows))


def read_summary(path: Path) -> list[ConditionSummary]:
    """Read what :func:`write_summary` wrote, in the file's order."""
    return [
        ConditionSummary(*(_value(name, text) for name, text in zip(COLUMNS, row, strict=True)))
        for row in read_rows(path, COLUMNS)
    ]


def at_largest_size(rows: Sequence[ConditionSummary], metric: str) -> list[ConditionSummary]:
    """The rows of one metric at each learner's largest size."""
    rows = [row for row in rows if row.metric == metric]
    largest = {row.learner: max(r.size for r in rows if r.learner == row.learner) for row in rows}
    return [row for row in rows if row.size == largest[row.learner]]


def _cells(row: ConditionSummary) -> list[object]:
    cells: list[object] = []
    for name, value in zip(COLUMNS, astuple(row), strict=True):
        if name in _TEXT or name in _WHOLE:
            cells.append(value)
        else:
            cells.append(p_text(value) if name == "p_value" else score_text(value))
    return cells


def _value(name: str, text: str) -> str | int | float | None:
    if name in _TEXT:
        return text
    if name in _WHOLE:
        return int(text)
    return float(text) if text else None
