"""How conditions stand to each other: the tables ``contrasts``, ``remedies``, ``curves`` and ``exchange``.

Every interval is a 95 % one over seeds and test segments (over segments alone where there is one seed), every p-value
is two-sided. What each figure means and how it is computed: ``docs/statistics.md``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from workbench.records import read_records, write_records

KINDS = ("baseline", "remedied", "reverse")
VERDICTS = ("same", "undefined", "no cost", "worse", "none", "part", "closed", "more", "open")


@dataclass(frozen=True)
class Contrast:
    """The score of ``condition`` minus that of ``against``, at equal size.

    Attributes:
        kind: what ``against`` is: the ``baseline``, the condition that this one is to remedy (``remedied``), or the
            same order from its other end (``reverse``).
        difference, difference_low, difference_high: in the metric's points, in the metric's own direction.
        p_value: of "no difference"; None where both conditions are the same runs.
        p_holm: the same, corrected for all contrasts of the learner and metric, each pair of runs counted once.
    """

    learner: str
    size: int
    metric: str
    kind: str
    condition: str
    against: str
    difference: float
    difference_low: float
    difference_high: float
    p_value: float | None
    p_holm: float | None


@dataclass(frozen=True)
class Remedy:
    """How much of what synthetic text costs a remedy wins back. Points, positive where better.

    Attributes:
        gap, gap_low, gap_high, gap_p: the baseline against the ``remedied`` condition: what there is to win back.
        won, won_low, won_high, won_p: ``condition`` against the ``remedied`` one: what is won back. A p-value is None
            where both sides are the same runs.
        share, share_low, share_high: won / gap; 1 is the whole gap. None where the gap is not there.
        verdict: one of :data:`VERDICTS`.
    """

    learner: str
    size: int
    metric: str
    condition: str
    remedied: str
    baseline: str
    gap: float
    gap_low: float
    gap_high: float
    gap_p: float | None
    won: float
    won_low: float
    won_high: float
    won_p: float | None
    share: float | None
    share_low: float | None
    share_high: float | None
    verdict: str


@dataclass(frozen=True)
class Curve:
    """The area between the learning curves of ``condition`` and the baseline, over the logarithm of the size.

    Attributes:
        area, area_low, area_high: mean difference from the baseline, in points, positive where better.
        p_value: of "no area"; 1 where both are the same runs at every size.
        smallest, largest: the sizes that the mean is taken between.
    """

    learner: str
    metric: str
    condition: str
    area: float
    area_low: float
    area_high: float
    p_value: float
    smallest: int
    largest: int


@dataclass(frozen=True)
class Exchange:
    """How many human pairs give the score of ``size`` pairs of ``condition``.

    Attributes:
        score: of the condition at this size, in the metric's points.
        human_pairs, human_pairs_low, human_pairs_high: a number of pairs as text, ``<N`` where fewer than the
            smallest size N give as much, ``>N`` where the largest size N does not; empty where none can be told.
        rate: human_pairs / size, with the same sign before it.
        note: why there is no number; empty where there is one.
    """

    learner: str
    metric: str
    condition: str
    size: int
    score: float
    human_pairs: str
    human_pairs_low: str
    human_pairs_high: str
    rate: str
    note: str


def write_contrasts(path: Path, rows: Iterable[Contrast]) -> int:
    """Write the table, atomically, and return its number of rows."""
    return write_records(path, Contrast, rows)


def read_contrasts(path: Path) -> list[Contrast]:
    """Read ``contrasts.tsv``, in the file's order."""
    return read_records(path, Contrast)


def write_remedies(path: Path, rows: Iterable[Remedy]) -> int:
    """Write the table, atomically, and return its number of rows."""
    return write_records(path, Remedy, rows)


def read_remedies(path: Path) -> list[Remedy]:
    """Read ``remedies.tsv``, in the file's order."""
    return read_records(path, Remedy)


def write_curves(path: Path, rows: Iterable[Curve]) -> int:
    """Write the table, atomically, and return its number of rows."""
    return write_records(path, Curve, rows)


def read_curves(path: Path) -> list[Curve]:
    """Read ``curves.tsv``, in the file's order."""
    return read_records(path, Curve)


def write_exchange(path: Path, rows: Iterable[Exchange]) -> int:
    """Write the table, atomically, and return its number of rows."""
    return write_records(path, Exchange, rows)


def read_exchange(path: Path) -> list[Exchange]:
    """Read ``exchange.tsv``, in the file's order."""
    return read_records(path, Exchange)
