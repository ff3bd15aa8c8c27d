"""Learning curves compared: the area between two, and how much human text gives the score of other text.

Scores here are signed so that more is better. Curves are lines through the sizes run, over the logarithm of the size.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import isotonic_regression

from workbench.formats import score_text


def mean_over_sizes(values: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """The mean of a curve over the logarithm of the size, by the trapezoidal rule.

    Args:
        values: of shape (sizes, draws).
        sizes: two or more, growing.

    Returns:
        Shape (draws,), in the unit of the values.
    """
    places = np.log2(sizes)
    return np.trapezoid(values, places, axis=0) / (places[-1] - places[0])


def rising(curves: np.ndarray) -> np.ndarray:
    """The curves that never fall and are nearest to ``curves`` in squares (isotonic regression).

    Shape (sizes, draws) in and out, a curve a column.
    """
    return np.array([isotonic_regression(curve).x for curve in curves.T]).T


def equivalent_sizes(scores: np.ndarray, human: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """The fewest human pairs that give a score, draw by draw.

    Args:
        scores: of shape (draws,).
        human: human curves that never fall, from :func:`rising`, shape (sizes, draws).
        sizes: of the human curves, two or more, growing.

    Returns:
        Numbers of pairs of shape (draws,); 0 where the smallest size gives more already, infinity where the largest
        gives less.
    """
    places = np.log2(sizes)
    draws = np.arange(len(scores))
    scores, human = np.round(scores, 9), np.round(human, 9)  # equal scores are equal however they were summed
    above = np.sum(human < scores, axis=0)  # the first size that gives the score
    right = np.clip(above, 1, len(sizes) - 1)
    lower, upper = human[right - 1, draws], human[right, draws]
    with np.errstate(divide="ignore", invalid="ignore"):  # flat there: the score lies outside, or at the lower end
        share = np.where(scores == lower, 0, np.clip((scores - lower) / (upper - lower), 0, 1))
    inside = 2 ** (places[right - 1] + share * (places[right] - places[right - 1]))
    outside = [above == len(sizes), scores < human[0]]
    return np.select(outside, [np.inf, 0.0], np.clip(inside, sizes[0], sizes[-1]))


def pairs_interval(found: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of numbers of pairs, 0 and infinity among them: values that were drawn, none in between."""
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return float(low), float(high)


def pairs_text(pairs: float, sizes: Sequence[int]) -> str:
    """A number of pairs, ``<N`` below the smallest size N, ``>N`` above the largest."""
    sign, bound = _within(pairs, sizes)
    return f"{sign}{bound:.0f}"


def rate_text(pairs: float, sizes: Sequence[int], size: int) -> str:
    """Human pairs that one pair of ``size`` is worth, with ``<`` or ``>`` as in :func:`pairs_text`."""
    sign, bound = _within(pairs, sizes)
    return sign + score_text(bound / size)


def _within(pairs: float, sizes: Sequence[int]) -> tuple[str, float]:
    if pairs < sizes[0]:
        return "<", sizes[0]
    if pairs > sizes[-1]:
        return ">", sizes[-1]
    return "", pairs
