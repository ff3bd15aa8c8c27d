"""The paired swap test: are two texts of the same segments further apart than chance makes them?

If it did not matter who wrote a target, the two targets of a segment could change sides. So the difference is taken
again and again with each segment's targets exchanged with probability 1/2, and the observed one is compared with these.
Both texts keep their size, which is why segments are not drawn with replacement: a bootstrap sample repeats segments
and so has fewer types than any text of that size.

Source: approximate randomisation, Noreen, Computer-Intensive Methods for Testing Hypotheses (1989); Riezler & Maxwell,
On some pitfalls in automatic evaluation and significance testing for MT (2005).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_LEVEL = 0.95
# Differences that are the same but for the order of summation are not told apart.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Difference:
    """A difference with its 95 % interval and the two-sided p-value of "no difference"."""

    value: float
    low: float
    high: float
    p_value: float


def draw_swaps(segments: int, swaps: int, seed: int) -> np.ndarray:
    """Whether each segment changes sides in each swap, shape (swaps, segments); the first row changes none.

    Row *k* depends on the seed and *k* only, whatever the number of swaps.
    """
    drawn = np.zeros((swaps + 1, segments), dtype=bool)
    for number in range(1, swaps + 1):
        drawn[number] = np.random.default_rng([seed, number]).integers(2, size=segments, dtype=np.int8)
    return drawn


def swap_test(differences: np.ndarray) -> Difference | None:
    """The test of the first of ``differences``, the observed one, against the others; ``None`` where one is missing.

    The p-value is (1 + swaps at least as far from zero) / (1 + swaps). The interval is the difference plus and minus
    what 95 % of the swaps stay within; it leaves out zero exactly where p is at most 0.05. It takes for granted that
    the difference would spread around its true value as the swaps spread around zero.

    Args:
        differences: shape (1 + swaps,); not a number where the texts are too short for the measure.
    """
    if np.isnan(differences).any():
        return None
    observed, swapped = float(differences[0]), np.sort(np.abs(differences[1:]))
    beyond = np.count_nonzero(swapped >= abs(observed) - _TOLERANCE)
    reach = float(swapped[min(math.ceil(_LEVEL * (len(swapped) + 1)) - 1, len(swapped) - 1)])
    return Difference(observed, observed - reach, observed + reach, (1 + beyond) / (1 + len(swapped)))
