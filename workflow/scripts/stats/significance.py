"""Figures with intervals, and the paired randomisation test.

Do two texts of the same segments differ by more than chance? If it did not matter who wrote a target, the two targets
of a segment could be exchanged. The test exchanges each segment's targets with probability 1/2, many times, and
compares the observed difference with those after the exchanges. It suits statistics that a bootstrap does not. Both
texts keep their size, while a bootstrap sample repeats segments and so has fewer types than any text of that size. And
for a handful of rare errors, a bootstrap's p-value is far too small.

Sources: approximate randomisation, Noreen, Computer-Intensive Methods for Testing Hypotheses (1989); Riezler & Maxwell,
On some pitfalls in automatic evaluation and significance testing for MT (2005).
"""

import math
from dataclasses import dataclass

import numpy as np

from workbench.intervals import Interval

LEVEL = 0.95  # of all intervals
_TOLERANCE = 1e-9  # differences closer than this are equal up to rounding


@dataclass(frozen=True)
class Estimate(Interval):
    """A value with its 95 % interval and the two-sided p-value of "it is zero" (None: it is zero by construction)."""

    p_value: float | None

    @property
    def clear(self) -> bool:
        """Whether it differs significantly from zero, by both interval and p-value."""
        return self.p_value is not None and self.p_value < 0.05 and not self.low <= 0 <= self.high


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


def randomisation_test(differences: np.ndarray) -> Estimate | None:
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
    return Estimate(observed, observed - reach, observed + reach, randomisation_p(observed, swapped))
