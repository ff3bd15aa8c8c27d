"""Figures with intervals, the paired randomisation test, and Holm's correction of p-values for multiple tests.

Do two texts of the same segments differ by more than chance? If it did not matter who wrote a target, the two targets
of a segment could be exchanged. The test exchanges each segment's targets with probability 1/2, many times, and
compares the observed difference with those after the exchanges. It suits statistics that a bootstrap does not. Both
texts keep their size, while a bootstrap sample repeats segments and so has fewer types than any text of that size. And
for a handful of rare errors, a bootstrap's p-value is far too small.

Holm's correction bounds the chance of a single false finding in a family of tests, however they depend on each other.

Sources: approximate randomisation, Noreen, Computer-Intensive Methods for Testing Hypotheses (1989); Riezler & Maxwell,
On some pitfalls in automatic evaluation and significance testing for MT (2005). Holm, A simple sequentially rejective
multiple test procedure (Scandinavian Journal of Statistics 6, 1979).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.cli import say

LEVEL = 0.95  # of all intervals
_TOLERANCE = 1e-9  # differences closer than this are equal up to rounding


@dataclass(frozen=True)
class IntervalEstimate:
    """A figure and the limits of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class TestedDifference(IntervalEstimate):
    """A difference with its 95 % interval and the two-sided p-value of "no difference"."""

    __test__ = False  # not a test case of pytest

    p_value: float


def draw_swaps(segments: int, swaps: int, seed: int) -> np.ndarray:
    """Whether each segment is exchanged in each swap, shape (1 + swaps, segments); the first row exchanges none.

    Row *k* depends only on the seed and *k*, so more swaps leave the earlier ones unchanged.
    """
    drawn = np.zeros((swaps + 1, segments), dtype=bool)
    for number in range(1, swaps + 1):
        drawn[number] = np.random.default_rng([seed, number]).integers(2, size=segments, dtype=np.int8)
    return drawn


def randomisation_p(observed: float, swapped: np.ndarray) -> float:
    """Two-sided p-value of "no difference": (1 + swaps at least as far from zero as ``observed``) / (1 + swaps).

    The differences after the swaps, ``swapped``, have shape (swaps,).
    """
    beyond = int(np.count_nonzero(np.abs(swapped) >= abs(observed) - _TOLERANCE))
    return (1 + beyond) / (1 + len(swapped))


def randomisation_test(differences: np.ndarray) -> TestedDifference | None:
    """Test the first of ``differences``, the observed one, against the others; None if one is missing.

    The interval is the difference ± the range that contains 95 % of the swaps. It excludes zero exactly if the p-value
    is at most 0.05. It assumes that the difference varies around its true value as the swaps vary around zero.

    Args:
        differences: shape (1 + swaps,); NaN where the texts are too short for the measure.
    """
    if np.isnan(differences).any():
        return None
    observed, swapped = float(differences[0]), np.sort(np.abs(differences[1:]))
    reach = float(swapped[min(math.ceil(LEVEL * (len(swapped) + 1)) - 1, len(swapped) - 1)])
    return TestedDifference(observed, observed - reach, observed + reach, randomisation_p(observed, swapped))


def holm(p_values: Sequence[float]) -> list[float]:
    """The step-down adjusted p-values of a family of tests, in the order given; empty for an empty family.

    Rejecting the tests with an adjusted value below 0.05 keeps the chance of any false rejection below 0.05.

    Raises:
        ValueError: a value is not between 0 and 1.
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError(f"not p-values: {list(p_values)}")
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def holm_where_tested(p_values: Sequence[float | None]) -> list[float | None]:
    """As :func:`holm`, for a family in which some p-values are missing; these stay None and do not count as tests."""
    adjusted = iter(holm([p for p in p_values if p is not None]))
    return [None if p is None else next(adjusted) for p in p_values]


def say_too_few(tests: int, draws: int, name: str, step: int) -> None:
    """Warn in one line if there are too few draws for any corrected p-value of a family to get below 0.05.

    Args:
        tests: number of distinct tests in the family.
        draws: number of draws behind each p-value.
        name: what the draws are called.
        step: the smallest possible p-value is ``step / (draws + 1)``.
    """
    if step * tests / (draws + 1) >= 0.05:
        say(
            f"{tests:,} tests in a family: Holm's correction leaves none below 0.05 with {draws:,} {name};"
            f" {20 * step * tests:,} or more would do"
        )
