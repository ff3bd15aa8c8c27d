"""Compare learning curves: the area between two curves, and the amount of human text that gives a score.

Scores are signed: more is better. Curves interpolate linearly between the sizes run, over the logarithm of the size.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import isotonic_regression

from workbench.tables import score_text


def mean_over_sizes(values: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """The mean of a curve over the logarithm of the size, by the trapezoidal rule.

    Args:
        values: of shape (sizes, draws).
        sizes: two or more, in ascending order.

    Returns:
        Shape (draws,), in the unit of the values.
    """
    logs = np.log2(sizes)
    means: np.ndarray = np.trapezoid(values, logs, axis=0) / (logs[-1] - logs[0])
    return means


def rising(curves: np.ndarray) -> np.ndarray:
    """The non-decreasing curves closest to ``curves`` by least squares (isotonic regression).

    Input and output have the shape (sizes, draws); each column is a curve.
    """
    return np.array([isotonic_regression(curve).x for curve in curves.T]).T


def equivalent_sizes(scores: np.ndarray, human: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """The smallest number of human pairs that gives a score, for each draw.

    Args:
        scores: of shape (draws,).
        human: non-decreasing curves of human text, from :func:`rising`, shape (sizes, draws).
        sizes: of the human curves, two or more, in ascending order.

    Returns:
        Numbers of pairs of shape (draws,); 0 if the smallest size gives a higher score, infinity if the largest gives a
        lower one.
    """
    logs = np.log2(sizes)
    draws = np.arange(len(scores))
    scores, human = np.round(scores, 9), np.round(human, 9)  # equal whatever the order of summation
    above = np.sum(human < scores, axis=0)  # the first size that gives the score
    right = np.clip(above, 1, len(sizes) - 1)
    lower, upper = human[right - 1, draws], human[right, draws]
    with np.errstate(divide="ignore", invalid="ignore"):  # a flat segment: the score is outside, or at its lower end
        share = np.where(scores == lower, 0, np.clip((scores - lower) / (upper - lower), 0, 1))
    inside = 2 ** (logs[right - 1] + share * (logs[right] - logs[right - 1]))
    outside = [above == len(sizes), scores < human[0]]
    return np.select(outside, [np.inf, 0.0], np.clip(inside, sizes[0], sizes[-1]))


def pairs_text(pairs: float, sizes: Sequence[int]) -> str:
    """A number of pairs: ``<N`` below the smallest size N, ``>N`` above the largest size N."""
    sign, bound = _within(pairs, sizes)
    return f"{sign}{bound:.0f}"


def rate_text(pairs: float, sizes: Sequence[int], size: int) -> str:
    """The number of human pairs divided by ``size``, with ``<`` or ``>`` as in :func:`pairs_text`."""
    sign, bound = _within(pairs, sizes)
    return sign + score_text(bound / size)


def _within(pairs: float, sizes: Sequence[int]) -> tuple[str, float]:
    if pairs < sizes[0]:
        return "<", sizes[0]
    if pairs > sizes[-1]:
        return ">", sizes[-1]
    return "", pairs
