"""Error rates of texts with their intervals, and their differences from the human floor.

A rate is a function of sums over the segments: segments with an error and all segments, edits and reference words, or
the counts of a sacreBLEU metric. The same sums therefore give the rate of the text and of any resample of its segments.

Intervals are percentile intervals of a bootstrap over the segments, with text and floor resampled together. If no
segment has the error, neither does any resample; the limit is then the exact binomial one (Clopper & Pearson,
Biometrika 1934). The p-value is that of the paired randomisation test (:mod:`stats.significance`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from analyse.errors.segment_errors import ANY, EDIT_MEASURES, REFERENCE_WORDS, SOURCE_MEASURES, SegmentErrors
from stats.bootstrap import draw_counts, interval, resampled_totals
from stats.metrics import Scorer, columns_of_metric
from stats.significance import LEVEL, randomisation_p
from workbench.intervals import Interval

PER = 1000.0


@dataclass(frozen=True)
class ErrorMeasure:
    """One measure."""

    name: str  # its name in the tables
    basis: str  # ``source``, or ``reference`` if it needs one
    # The sufficient statistics of a table of segments, shape (segments, width)
    statistics: Callable[[SegmentErrors], np.ndarray]
    # The rates of sums of the statistics: shape (sums, width) in, (sums,) out
    rates: Callable[[np.ndarray], np.ndarray]
    is_share: bool = False  # whether it is the share of segments that have an error


@dataclass(frozen=True)
class FloorComparison:
    """A rate compared with the human floor; the other attributes are None if there is no floor."""

    rate: Interval
    floor: Interval | None = None
    difference: Interval | None = None
    p_value: float | None = None


def build_measures(scorers: Sequence[Scorer]) -> list[ErrorMeasure]:
    """All measures in the order of the tables: errors, edits, and the metrics' scores in points."""
    shares = {name: (name,) for name in SOURCE_MEASURES} | {ANY: SOURCE_MEASURES}
    edits = {name: (name, REFERENCE_WORDS) for name in EDIT_MEASURES}
    return [
        *(ErrorMeasure(name, "source", partial(_having, of), _per_thousand, True) for name, of in shares.items()),
        *(ErrorMeasure(name, "reference", partial(_columns, of), _per_thousand) for name, of in edits.items()),
        *(ErrorMeasure(scorer.name, "reference", partial(_counts, scorer.name), scorer.scores) for scorer in scorers),
    ]


def compare_with_floor(
    texts: Sequence[SegmentErrors],
    floor: SegmentErrors | None,
    measures: Sequence[ErrorMeasure],
    resamples: int,
    seed: int,
) -> dict[str, FloorComparison]:
    """The rates of a text by measure, compared with the floor's.

    Args:
        texts: the tables of the text's seeds, or its only table, with the same segments in the same order. Rates are
            means over them.
        floor: the human text's table with the same segments.
        measures: measures whose columns all tables have.
        resamples: number of bootstrap resamples and of swaps of the randomisation test.
        seed: seed of both.
    """
    resampled, swapped = _draws(len(texts[0].ids), resamples, seed)
    comparisons = {}
    for measure in measures:
        tables = [measure.statistics(text) for text in texts]
        rates = np.mean([measure.rates(resampled_totals(resampled, table)) for table in tables], axis=0)
        unseen = measure.is_share and not any(table[:, 0].any() for table in tables)
        rate = _estimate(rates, unseen, len(tables[0]))
        if floor is None:
            comparisons[measure.name] = FloorComparison(rate)
            continue
        human = measure.statistics(floor)
        floors = measure.rates(resampled_totals(resampled, human))
        unseen_floor = measure.is_share and not human[:, 0].any()
        difference = _estimate(rates - floors, unseen and unseen_floor, len(human), both_sides=True)
        comparisons[measure.name] = FloorComparison(
            rate,
            _estimate(floors, unseen_floor, len(human)),
            difference,
            randomisation_p(difference.value, _swapped_differences(tables, human, measure, swapped)),
        )
    return comparisons


def never_seen(segments: int) -> float:
    """The largest rate per 1,000 that is compatible with no error in ``segments`` segments (95 %, two-sided)."""
    return PER * float(1 - ((1 - LEVEL) / 2) ** (1 / segments))


def _estimate(values: np.ndarray, unseen: bool, segments: int, both_sides: bool = False) -> Interval:
    """The estimate from ``values``: first the figure itself, then those of the resamples."""
    low, high = interval(values[1:])
    if unseen:
        high = never_seen(segments)
        low = -high if both_sides else 0.0
    return Interval(float(values[0]), low, high)


def _swapped_differences(
    tables: Sequence[np.ndarray], floor: np.ndarray, measure: ErrorMeasure, swapped: np.ndarray
) -> np.ndarray:
    """The mean difference over the tables after each swap of text and floor, shape (swaps,)."""
    differences = []
    for table in tables:
        moved = resampled_totals(swapped, table - floor)
        differences.append(measure.rates(table.sum(axis=0) - moved) - measure.rates(floor.sum(axis=0) + moved))
    mean: np.ndarray = np.mean(differences, axis=0)
    return mean


@lru_cache(maxsize=2)
def _draws(segments: int, resamples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each segment is in the text itself and in each resample, and which segments each swap exchanges."""
    whole = np.ones((1, segments), dtype=np.uint16)
    resampled = np.vstack([whole, draw_counts(segments, resamples, seed)])
    swapped = np.random.default_rng([seed, resamples]).integers(2, size=(resamples, segments), dtype=np.uint8)
    return resampled, swapped


def _per_thousand(totals: np.ndarray) -> np.ndarray:
    """The first of two sums per 1,000 of the second; 0 if the second is 0."""
    rates: np.ndarray = PER * totals[:, 0] / np.maximum(totals[:, 1], 1)
    return rates


def _having(names: Sequence[str], segments: SegmentErrors) -> np.ndarray:
    """Whether each segment has one of the errors, and 1 for each segment."""
    having = np.any(_columns(names, segments) > 0, axis=1)
    return np.column_stack([having, np.ones(len(having))])


def _columns(names: Sequence[str], segments: SegmentErrors) -> np.ndarray:
    return np.column_stack([segments.columns[name] for name in names])


def _counts(metric: str, segments: SegmentErrors) -> np.ndarray:
    """The counts that a metric's score is computed from; TER's are its edits and the reference's words."""
    if metric == "ter":
        return np.column_stack([_columns(EDIT_MEASURES, segments).sum(axis=1), segments.columns[REFERENCE_WORDS]])
    return _columns(columns_of_metric(metric, segments.columns), segments)
