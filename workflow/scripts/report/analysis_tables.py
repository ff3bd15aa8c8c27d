"""Rows of the analysis' tables, for :func:`workbench.records.read_records`: the columns that the report needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

# Kinds of pairs that a detector tells apart.
HUMAN_MACHINE, HUMAN_HUMAN, MACHINE_MACHINE = "human-machine", "human-human", "machine-machine"


@dataclass(frozen=True)
class ErrorRow:
    """How often one measure finds something in one text, per 1,000, beside the human floor.

    Attributes:
        scope: ``pool`` (``text`` is an origin) or ``test`` (``text`` is a condition).
        learner, size: of the runs whose output it is; empty and None in the pool.
        basis: ``source`` or ``reference``: what the measure compares the text with.
        rate: per 1,000 segments, or per 1,000 reference words, or in points; with its 95 % interval.
        floor: the same measure on human targets; None where there are none to measure.
        difference: ``rate`` less ``floor``, paired by segment, with its interval.
        p_holm: of no difference, after Holm's correction over the measures of the text.
    """

    scope: str
    text: str
    learner: str
    size: float | None
    measure: str
    basis: str
    rate: float
    rate_low: float
    rate_high: float
    floor: float | None
    floor_low: float | None
    floor_high: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    p_holm: float | None


@dataclass(frozen=True)
class DiversityRow:
    """One measure of lexical diversity of one text beside the human text, at the same number of tokens.

    Attributes:
        better: whether ``higher`` or ``lower`` values mean a more diverse text.
        chrf: of the text against the human targets, in points: how adequate it is; None where it is not known.
    """

    scope: str
    text: str
    learner: str
    size: float | None
    measure: str
    tokens: int
    value: float | None
    human: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    p_holm: float | None
    better: str
    chrf: float | None


@dataclass(frozen=True)
class PairRow:
    """How well a detector tells two origins apart; ``kind``: human-machine, human-human, machine-machine.

    Attributes:
        targets: of each origin, all of which are scored.
        drawn: how many of these it learnt from; None: all.
    """

    first: str
    second: str
    kind: str
    targets: int
    auc: float
    auc_low: float
    auc_high: float
    brier: float
    drawn: float | None = None

    @property
    def name(self) -> str:
        """The pair as its folder is called."""
        return f"{self.first}--{self.second}"


@dataclass(frozen=True)
class PostEditingRow:
    """BLEU of a generator's text against the human targets, the highest of the others', and a warning or nothing."""

    generator: str
    bleu: float
    others: float | None
    warning: str


@dataclass(frozen=True)
class AgreementRow:
    """How a quality metric's ranking of a generator's targets agrees with the oracle's: Spearman, with interval.

    Attributes:
        mean_oracle, top_half_oracle, bottom_half_oracle: mean chrF to the human target of all targets, and of the
            halves that the metric ranks first and last.
        practical: ``yes`` where it needs no human target.
    """

    generator: str
    quality: str
    metric: str
    targets: int
    scored: int
    spearman: float | None
    spearman_low: float | None
    spearman_high: float | None
    mean_oracle: float | None
    top_half_oracle: float | None
    bottom_half_oracle: float | None
    practical: str


def largest(rows: Iterable[T]) -> list[T]:
    """The rows at each learner's largest size; those of the pool, which have no size, stay."""
    rows = list(rows)
    sizes: dict[str, float] = {}
    for row in rows:
        sizes[row.learner] = max(sizes.get(row.learner, 0), row.size or 0)  # type: ignore[attr-defined]
    return [row for row in rows if (row.size or 0) == sizes[row.learner]]  # type: ignore[attr-defined]


def texts_of(rows: Sequence[ErrorRow] | Sequence[DiversityRow]) -> list[str]:
    """The origins or conditions of a table, in its order."""
    return list(dict.fromkeys(row.text for row in rows))
