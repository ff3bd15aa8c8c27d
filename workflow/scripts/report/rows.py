"""Rows of the analysis's tables, with only the columns that the report needs, and what is significant in them.

There are no words here: figures and sentences share these judgements, and a change of wording draws no figure again.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from workbench.generated import HUMAN
from workbench.intervals import NO_DIFFERENCE, Interval

ALPHA = 0.05
ANY = "any"  # segments with at least one kind of error that needs no reference
SCORES = ("bleu", "chrf", "ter")  # in points, in the same table as the errors

# Kinds of pairs of origins that a detector compares.
HUMAN_MACHINE, HUMAN_HUMAN, MACHINE_MACHINE = "human-machine", "human-human", "machine-machine"


AnyRow = TypeVar("AnyRow")
Key = TypeVar("Key", bound=Hashable)


def grouped(rows: Iterable[AnyRow], key: Callable[[AnyRow], Key]) -> dict[Key, list[AnyRow]]:
    """The rows by ``key``; keys and rows keep their order."""
    groups: dict[Key, list[AnyRow]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def significant_sign(interval: Interval | None, p_holm: float | None) -> int:
    """The sign of a difference: 1 above zero, -1 below, 0 if it is not significant.

    It is significant if the interval excludes zero and the p-value, after Holm's correction, is below 0.05.
    """
    return interval.sign if interval and p_holm is not None and p_holm < ALPHA else 0


@dataclass(frozen=True)
class MeasureRow:
    """One measure of one text, compared with human text."""

    scope: str  # ``pool`` (``text`` is an origin) or ``test`` (``text`` is a condition)
    text: str
    # learner, size: of the runs whose output it is; empty and None in the pool
    learner: str
    size: float | None
    measure: str
    difference: Interval | None  # from human text, paired by segment; None without human text to compare
    p_holm: float | None  # of no difference, after Holm's correction over the measures of the text

    @property
    def sign(self) -> int:
        """Whether a value is significantly above (1) or below (-1) the human one, or neither (0)."""
        return significant_sign(self.difference, self.p_holm)

    @property
    def is_shown(self) -> bool:
        """Whether figures and sentences show the row: human text of the pool is what the others are compared with."""
        return self.scope == "test" or self.text != HUMAN


@dataclass(frozen=True)
class ErrorRow(MeasureRow):
    """How often one measure of errors finds something in one text, and in human text."""

    rate: Interval  # per 1,000 segments, or per 1,000 reference words, or in points
    floor: Interval | None  # the human floor, the same measure on human targets; None if there are none to measure

    @property
    def drawn(self) -> Interval:
        """The value that figures show."""
        return self.rate

    @property
    def unit(self) -> str:
        """The unit of the rate."""
        if self.measure in SCORES:
            return "points"
        return "per 1,000 reference words" if self.measure.startswith("ter_") else "per 1,000 segments"

    @property
    def is_shown(self) -> bool:
        """The same, without scores in points."""
        return self.measure not in SCORES and super().is_shown


@dataclass(frozen=True)
class DiversityRow(MeasureRow):
    """One measure of lexical diversity of one text and of human text, at the same number of tokens."""

    tokens: int
    value: float | None
    human: float | None
    better: str  # whether ``higher`` or ``lower`` values mean a more diverse text
    chrf: float | None  # of the text against the human targets, in points: how adequate it is; None if unknown

    @property
    def sign(self) -> int:
        """Whether a text is significantly more (1) or less (-1) diverse than human text, or neither (0)."""
        return -super().sign if self.better == "lower" else super().sign

    @property
    def floor(self) -> Interval:
        """What :attr:`per_cent` is compared with."""
        return NO_DIFFERENCE

    @property
    def drawn(self) -> Interval | None:
        """The value that figures show."""
        return self.per_cent

    @property
    def unit(self) -> str:
        """The unit of this value."""
        return "per cent, reversed" if self.better == "lower" else "per cent"

    @property
    def per_cent(self) -> Interval | None:
        """The difference in per cent of the human value, positive for more diverse; None without one."""
        found = self.difference
        if found is None or not self.human:
            return None
        scale = 100 / abs(self.human)
        scaled = Interval(found.value * scale, found.low * scale, found.high * scale)
        return -scaled if self.better == "lower" else scaled


Row = TypeVar("Row", bound=MeasureRow)


def shown(rows: Iterable[Row]) -> list[Row]:
    """The rows that figures and sentences show, at each learner's largest size; those of the pool have no size."""
    rows = [row for row in rows if row.is_shown]
    largest = {
        learner: max(row.size or 0 for row in own) for learner, own in grouped(rows, lambda row: row.learner).items()
    }
    return [row for row in rows if (row.size or 0) == largest[row.learner]]


@dataclass(frozen=True)
class PairRow:
    """How well a detector distinguishes two origins; ``kind``: human-machine, human-human, machine-machine."""

    first: str
    second: str
    kind: str
    targets: int  # of each origin, all of which it scores
    auc: Interval
    brier: float
    drawn: float | None = None  # how many of these it was trained on; None: all

    @property
    def name(self) -> str:
        """The name of the pair's folder."""
        return f"{self.first}--{self.second}"

    @property
    def label(self) -> str:
        """The pair in a figure or table."""
        return f"{self.first} – {self.second}"


@dataclass(frozen=True)
class PostEditingRow:
    """BLEU of a generator's text against the human targets, the highest of the others, and a warning or nothing."""

    generator: str
    bleu: float
    others: float | None
    warning: str


@dataclass(frozen=True)
class RewrittenRow:
    """Texts of one side of a split that the vocabulary cannot write as they are; a warning, or nothing."""

    split: str
    side: str
    texts: int
    changed: int
    bleu: float
    warning: str


@dataclass(frozen=True)
class AgreementRow:
    """How a quality metric's ranking of a generator's targets agrees with the oracle's: Spearman, with interval."""

    generator: str
    quality: str
    metric: str
    targets: int
    scored: int
    spearman: Interval | None
    # top_half_oracle, bottom_half_oracle: mean chrF to the human target in the halves that the metric ranks first and
    # last
    top_half_oracle: float | None
    bottom_half_oracle: float | None
    practical: str  # ``yes`` if it needs no human target

    @property
    def sign(self) -> int:
        """Whether the correlation is significantly positive (1) or negative (-1), or neither (0)."""
        return self.spearman.sign if self.spearman else 0
