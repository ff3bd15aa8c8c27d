"""From segments to rates, with intervals, and their distance from the human floor.

A rate is a function of sums over the segments: segments with an error and all segments, edits and reference words, or
the counts of a metric of sacreBLEU. So the same few sums give the rate of the text and of any resample of its segments.

Intervals are percentile intervals of a bootstrap over the segments, text and floor resampled together; where no segment
has the error, which no resample can show otherwise, the limit is the exact binomial one (Clopper & Pearson, Biometrika
1934). The p-value is that of a paired randomization test, which exchanges text and floor in a segment at random
(Riezler & Maxwell, On Some Pitfalls in Automatic Evaluation and Significance Testing for MT, 2005): errors are rare,
and for a handful of them the bootstrap's p-value is far too small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from analyse.errors.measures import ANY, EDIT_MEASURES, REFERENCE_WORDS, SOURCE_MEASURES, Segments
from stats.bootstrap import draw_counts, interval, resampled_totals
from stats.metrics import Scorer

PER = 1000.0
_LEVEL = 0.95
_TIE = 1e-9  # differences nearer than this are equal but for rounding


@dataclass(frozen=True)
class Measure:
    """One measure.

    Attributes:
        name: as the tables have it.
        basis: ``source``, or ``reference`` where it needs one.
        statistics: of a table of segments, shape (segments, width).
        rates: of sums of the statistics: shape (sums, width) in, (sums,) out.
        is_share: whether it is the share of segments that have an error.
    """

    name: str
    basis: str
    statistics: Callable[[Segments], np.ndarray]
    rates: Callable[[np.ndarray], np.ndarray]
    is_share: bool = False


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """A rate beside the human floor; None where there is no floor."""

    rate: Estimate
    floor: Estimate | None = None
    difference: Estimate | None = None
    p_value: float | None = None


def build_measures(scorers: Sequence[Scorer]) -> list[Measure]:
    """All measures in the order of the tables: errors, edits, and the metrics' scores in points."""
    shares = [Measure(name, "source", _having(name), _per_thousand, is_share=True) for name in (*SOURCE_MEASURES, ANY)]
    edits = [Measure(name, "reference", _columns(name, REFERENCE_WORDS), _per_thousand) for name in EDIT_MEASURES]
    scores = [Measure(scorer.name, "reference", _counts(scorer.name), scorer.scores) for scorer in scorers]
    return [*shares, *edits, *scores]


def compare(
    texts: Sequence[Segments], floor: Segments | None, measures: Sequence[Measure], resamples: int, seed: int
) -> dict[str, Comparison]:
    """The rates of a text by measure, beside the floor's.

    Args:
        texts: the tables of its seeds, or the one table it has, with the same segments in the same order; rates are
            means over them.
        floor: the human targets' table with the same segments.
        measures: what all tables hold the columns of.
        resamples: of the bootstrap and of the randomization test.
        seed: of both.
    """
    drawn, exchanged = _draws(len(texts[0].ids), resamples, seed)
    result = {}
    for measure in measures:
        tables = [measure.statistics(text) for text in texts]
        rates = np.mean([measure.rates(resampled_totals(drawn, table)) for table in tables], axis=0)
        unseen = measure.is_share and not any(table[:, 0].any() for table in tables)
        if floor is None:
            result[measure.name] = Comparison(_estimate(rates, unseen, len(drawn[0])))
            continue
        human = measure.statistics(floor)
        floors = measure.rates(resampled_totals(drawn, human))
        unseen_floor = measure.is_share and not human[:, 0].any()
        difference = _estimate(rates - floors, unseen and unseen_floor, len(human), both_sides=True)
        result[measure.name] = Comparison(
            _estimate(rates, unseen, len(human)),
            _estimate(floors, unseen_floor, len(human)),
            difference,
            _randomization_p(tables, human, measure, exchanged, difference.value),
        )
    return result


def never_seen(segments: int) -> float:
    """The largest rate per 1,000 that is compatible with no error in so many segments, at 95 % and two-sided."""
    return PER * float(1 - ((1 - _LEVEL) / 2) ** (1 / segments))


def _estimate(values: np.ndarray, unseen: bool, segments: int, both_sides: bool = False) -> Estimate:
    """The estimate of which ``values`` holds the figure itself and then those of the resamples."""
    low, high = interval(values[1:], _LEVEL)
    if unseen:
        high = never_seen(segments)
        low = -high if both_sides else 0.0
    return Estimate(float(values[0]), low, high)


def _randomization_p(
    tables: Sequence[np.ndarray], floor: np.ndarray, measure: Measure, exchanged: np.ndarray, difference: float
) -> float:
    """Two-sided p-value of "no difference": how often exchanging text and floor at random makes as much of one."""
    differences = []
    for table in tables:
        moved = resampled_totals(exchanged, table - floor)
        differences.append(measure.rates(table.sum(axis=0) - moved) - measure.rates(floor.sum(axis=0) + moved))
    as_much = np.abs(np.mean(differences, axis=0)) >= abs(difference) - _TIE
    return float((as_much.sum() + 1) / (len(exchanged) + 1))


@lru_cache(maxsize=2)
def _draws(segments: int, resamples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each segment is in the text itself and in each resample, and which segments each trial exchanges."""
    whole = np.ones((1, segments), dtype=np.uint16)
    drawn = np.vstack([whole, draw_counts(segments, resamples, seed)])
    exchanged = np.random.default_rng([seed, resamples]).integers(2, size=(resamples, segments), dtype=np.uint8)
    return drawn, exchanged


def _per_thousand(totals: np.ndarray) -> np.ndarray:
    """The first of two sums per 1,000 of the second; 0 where the second is 0."""
    return PER * totals[:, 0] / np.maximum(totals[:, 1], 1)


def _having(name: str) -> Callable[[Segments], np.ndarray]:
    """Segments that have an error, and segments."""

    def statistics(segments: Segments) -> np.ndarray:
        names = SOURCE_MEASURES if name == ANY else (name,)
        having = np.any([segments.columns[column] > 0 for column in names], axis=0)
        return np.column_stack([having, np.ones(len(having))])

    return statistics


def _columns(*names: str) -> Callable[[Segments], np.ndarray]:
    return lambda segments: np.column_stack([segments.columns[name] for name in names])


def _counts(metric: str) -> Callable[[Segments], np.ndarray]:
    """The counts that a metric's score is computed from; TER's are its edits and the reference's words."""

    def statistics(segments: Segments) -> np.ndarray:
        if metric == "ter":
            edits = np.sum([segments.columns[name] for name in EDIT_MEASURES], axis=0)
            return np.column_stack([edits, segments.columns[REFERENCE_WORDS]])
        names = [name for name in segments.columns if name.rpartition("_")[0] == metric]
        return np.column_stack([segments.columns[name] for name in names])

    return statistics
