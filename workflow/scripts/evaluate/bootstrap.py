"""Bootstrap over test segments: the same resamples for every run, so that differences are paired.

Every figure here is about the chance that lies in which segments the test set happens to hold, not
about the chance in training. Resample *k* of a test set depends on the seed and *k* only: more
resamples leave the earlier ones as they were.

Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 and 16; Koehn,
Statistical significance tests for machine translation evaluation (EMNLP 2004).
"""

from __future__ import annotations

import numpy as np

_BLOCK = 100


def draw_counts(segments: int, resamples: int, seed: int) -> np.ndarray:
    """How often each segment is in each resample.

    Whole numbers of shape (resamples, segments); each row sums to ``segments``.
    """
    counts = np.empty((resamples, segments), dtype=np.uint16)
    for number in range(resamples):
        drawn = np.random.default_rng([seed, number]).integers(segments, size=segments)
        counts[number] = np.bincount(drawn, minlength=segments)
    return counts


def resampled_totals(counts: np.ndarray, statistics: np.ndarray) -> np.ndarray:
    """Statistics of the segments summed over each resample.

    Args:
        counts: of shape (resamples, segments), from :func:`draw_counts`.
        statistics: of shape (segments, width).

    Returns:
        Sums of shape (resamples, width); exact for counts, whatever the order of summation.
    """
    blocks = [counts[start : start + _BLOCK].astype(np.float64) @ statistics for start in range(0, len(counts), _BLOCK)]
    return np.concatenate(blocks)


def interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of bootstrap values."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def two_sided_p(differences: np.ndarray) -> float:
    """Bootstrap p-value of "no difference": twice the smaller share of differences beyond zero.

    It goes with :func:`interval`: below 0.05 where the 95 % interval leaves out zero, up to the one
    resample that is added so that no p is zero. Differences that are all zero give 1.
    """
    beyond = min(int(np.sum(differences <= 0)), int(np.sum(differences >= 0)))
    return min(1.0, 2 * (beyond + 1) / (len(differences) + 1))
