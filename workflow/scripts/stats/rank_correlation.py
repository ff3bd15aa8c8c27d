"""Spearman's rank correlation and its bootstrap over instances.

The interval is the percentile bootstrap, not Fisher's z with the variance of Bonett & Wright (Sample size requirements
for estimating Pearson, Kendall and Spearman correlations, Psychometrika 2000). That variance is for continuous scores
without ties. Scores here are bounded and often tied, and resamples keep these ties. Source: Efron & Tibshirani, An
Introduction to the Bootstrap (1993), chapter 13.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from stats.bootstrap import draw_counts

_FEWEST = 3  # instances that a correlation needs
_BLOCK = 100  # resamples at a time


def rank_correlation(left: np.ndarray, right: np.ndarray) -> float | None:
    """Spearman's correlation of two arrays of shape (n,); None if one of them does not vary or n is below 3."""
    if len(left) < _FEWEST or np.ptp(left) == 0 or np.ptp(right) == 0:
        return None
    return float(spearmanr(left, right).statistic)


def resampled_correlations(left: np.ndarray, right: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Spearman's correlation of two arrays of shape (n,) in each resample of the instances, shape (resamples,) or less.

    A resample in which one side does not vary has none.
    """
    counts = draw_counts(len(left), resamples, seed)
    blocks = []
    for start in range(0, resamples, _BLOCK):
        weights = counts[start : start + _BLOCK].astype(np.float64)
        ranks = (_resampled_ranks(weights, values) for values in (left, right))
        blocks.append(_weighted_correlations(weights, *ranks))
    correlations = np.concatenate(blocks)
    finite: np.ndarray = correlations[np.isfinite(correlations)]
    return finite


def _resampled_ranks(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The mid-rank of each of ``values``, shape (n,), in every resample, ``weights`` of shape (resamples, n)."""
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(group[order]) > 0])
    tied = np.add.reduceat(weights[:, order], starts, axis=1)
    middle: np.ndarray = np.cumsum(tied, axis=1) - (tied - 1) / 2
    return middle[:, group]


def _weighted_correlations(weights: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Pearson's correlation of the rows of ``left`` and ``right``; ``weights`` says how often each instance counts."""
    total = weights.sum(axis=1, keepdims=True)
    left = left - (weights * left).sum(axis=1, keepdims=True) / total
    right = right - (weights * right).sum(axis=1, keepdims=True) / total
    spread = np.sqrt((weights * left**2).sum(axis=1) * (weights * right**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(spread > 0, (weights * left * right).sum(axis=1) / spread, np.nan)
