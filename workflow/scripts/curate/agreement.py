"""How well a ranking of targets agrees with the oracle's: Spearman's rank correlation with a bootstrap interval.

The interval is the percentile bootstrap over instances, not Fisher's z with the variance of Bonett & Wright (Sample
size requirements for estimating Pearson, Kendall and Spearman correlations, Psychometrika 2000). That variance is for
continuous scores without ties, while scores here are bounded and often tied; a resample has the ties that the scores
have. Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import spearmanr

from stats.bootstrap import draw_counts, interval

FEWEST = 3  # instances that a correlation takes
_BLOCK = 100


class Agreement(NamedTuple):
    """One ranking against the oracle.

    Attributes:
        targets: how many are in both tables.
        scored: how many of these have a score; the correlation is over them.
        spearman: positive where better scores go with targets closer to the human ones, whichever scores are better;
            None where one of the two does not vary, or fewer than three are scored.
        spearman_low, spearman_high: its 95 % interval over instances.
        mean_oracle: mean oracle score of all targets, in points.
        top_half, bottom_half: the same of the half that is ranked first and of the one ranked last, the middle one of
            an odd number in neither.
    """

    targets: int
    scored: int
    spearman: float | None
    spearman_low: float | None
    spearman_high: float | None
    mean_oracle: float
    top_half: float
    bottom_half: float


def agreement(
    scores: Sequence[float | None],
    ranking: Sequence[int],
    oracle: Sequence[float],
    better: str,
    samples: int,
    seed: int,
) -> Agreement:
    """Compare a ranking with the oracle.

    Args:
        scores: of each target; None where there is none.
        ranking: rank of each target, the best first.
        oracle: the oracle's score of each target.
        better: which ``scores`` are better, ``higher`` or ``lower``.
        samples: resamples of the interval.
        seed: of the resamples.
    """
    known = np.array([value is not None for value in scores])
    signed = np.array([value for value in scores if value is not None]) * (1 if better == "higher" else -1)
    truth = np.array(oracle)
    low = high = None
    correlation = rank_correlation(signed, truth[known])
    if correlation is not None:
        drawn = resampled_correlations(signed, truth[known], samples, seed)
        low, high = interval(drawn) if len(drawn) else (None, None)
    order = np.argsort(np.array(ranking))
    half = len(order) // 2
    return Agreement(
        len(truth),
        int(known.sum()),
        correlation,
        low,
        high,
        float(truth.mean()),
        float(truth[order[:half]].mean()) if half else math.nan,
        float(truth[order[-half:]].mean()) if half else math.nan,
    )


def rank_correlation(left: np.ndarray, right: np.ndarray) -> float | None:
    """Spearman's correlation of two arrays of one shape (n,); None where one of them does not vary."""
    if len(left) < FEWEST or np.ptp(left) == 0 or np.ptp(right) == 0:
        return None
    return float(spearmanr(left, right).statistic)


def resampled_correlations(left: np.ndarray, right: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Spearman's correlation in each resample of the instances.

    Args:
        left, right: of shape (n,).
        samples: how many resamples.
        seed: of the resamples.

    Returns:
        At most ``samples`` values: a resample in which one side does not vary has none.
    """
    counts = draw_counts(len(left), samples, seed)
    blocks = []
    for start in range(0, samples, _BLOCK):
        weights = counts[start : start + _BLOCK].astype(np.float64)
        blocks.append(
            _weighted_correlations(weights, _resampled_ranks(weights, left), _resampled_ranks(weights, right))
        )
    found = np.concatenate(blocks)
    return found[np.isfinite(found)]


def _resampled_ranks(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The mid-rank of each of ``values``, shape (n,), in every resample, ``weights`` of shape (samples, n)."""
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(group[order]) > 0])
    tied = np.add.reduceat(weights[:, order], starts, axis=1)
    middle = np.cumsum(tied, axis=1) - (tied - 1) / 2
    return middle[:, group]


def _weighted_correlations(weights: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Pearson's correlation of the rows of ``left`` and ``right``, each instance as often as ``weights`` says."""
    total = weights.sum(axis=1, keepdims=True)
    left = left - (weights * left).sum(axis=1, keepdims=True) / total
    right = right - (weights * right).sum(axis=1, keepdims=True) / total
    spread = np.sqrt((weights * left**2).sum(axis=1) * (weights * right**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(spread > 0, (weights * left * right).sum(axis=1) / spread, np.nan)
