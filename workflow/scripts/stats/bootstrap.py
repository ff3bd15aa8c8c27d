"""The hierarchical bootstrap over training seeds and test segments, and that of Spearman's rank correlation.

All runs share the draws of the hierarchical bootstrap: differences are paired.

Two things are random: which segments are in the test set, and the training seeds. The segments are resampled. The few
seeds of a study cannot be: resamples of three values vary too little, and intervals from them miss the truth far too
often. Instead, the seeds get weights that vary as Student's t does. Each draw depends only on the seeds and its own
number, so more resamples leave the earlier ones unchanged.

The interval of Spearman's correlation is the percentile bootstrap over instances, not Fisher's z with the variance of
Bonett & Wright (Sample size requirements for estimating Pearson, Kendall and Spearman correlations, Psychometrika
2000). That variance is for continuous scores without ties. Scores here are bounded and often tied, and resamples keep
these ties.

Sources: Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 and 16; Koehn, Statistical
significance tests for machine translation evaluation (EMNLP 2004); Hannig et al., Generalized fiducial inference (JASA
2016) for draws from Student's t. The weights and their coverage: ``docs/statistics.md``, ``benchmarks/coverage.py``.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.stats import chi2, norm, qmc, spearmanr

from stats.significance import LEVEL

_BLOCK = 100  # resamples at a time
_FEWEST = 3  # instances that a correlation needs


def draw_counts(segments: int, resamples: int, seed: int) -> np.ndarray:
    """How often each segment occurs in each resample: whole numbers of shape (resamples, segments)."""
    counts = np.empty((resamples, segments), dtype=np.uint16)
    for number in range(resamples):
        drawn = np.random.default_rng([seed, number]).integers(segments, size=segments)
        counts[number] = np.bincount(drawn, minlength=segments)
    return counts


def resampled_totals(counts: np.ndarray, statistics: np.ndarray) -> np.ndarray:
    """Sum the segments' statistics over each resample.

    Args:
        counts: shape (resamples, segments), from :func:`draw_counts`.
        statistics: shape (segments, width).

    Returns:
        Sums of shape (resamples, width); exact for counts, in any order of summation.
    """
    blocks = [counts[start : start + _BLOCK].astype(np.float64) @ statistics for start in range(0, len(counts), _BLOCK)]
    return np.concatenate(blocks)


def seed_weights(seeds: Sequence[int], resamples: int, seed: int) -> np.ndarray:
    """Weights that vary a mean over seeds as much as the randomness of training may have varied it.

    The sum of weights times scores is ``T s / sqrt(S)``, with ``s`` the standard deviation of the S scores and T
    Student's t with S - 1 degrees of freedom. All conditions get the same weights, so a difference or any other sum of
    scores has the same form: its interval is that of the t-test paired by seed. With :func:`mean_over_seeds` this
    requires that the same share of the variance is removed from both conditions.

    Args:
        seeds: two or more training seeds.
        resamples: number of rows to draw, with ``seed``.

    Returns:
        Shape (resamples, seeds); each row sums to zero. They come from a scrambled Halton sequence, which fills the
        tails of the distribution more evenly than independent draws do.
    """
    freedom = len(seeds) - 1
    uniform = qmc.Halton(len(seeds) + 1, rng=np.random.default_rng([seed, *seeds])).random(resamples)
    normal = norm.ppf(uniform[:, :-1])
    scale = np.sqrt(chi2.ppf(uniform[:, -1:], freedom) * len(seeds))
    weights: np.ndarray = (normal - normal.mean(axis=1, keepdims=True)) / scale
    return weights


def mean_over_seeds(scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean score of a condition's runs and its draws.

    Seeds differ on a finite test set even if training has no randomness. The resampled segments already contain that
    part of the variance between seeds, so the weights account only for the rest.

    Args:
        scores: shape (seeds, 1 + resamples); the first column is the test set itself.
        weights: shape (resamples, seeds), from :func:`seed_weights`; not used if there is only one seed.

    Returns:
        Shape (1 + resamples,): the mean on the test set, then its draws.
    """
    means: np.ndarray = scores.mean(axis=0)
    if len(scores) == 1:
        return means
    between = scores[:, 0].var(ddof=1)
    within = np.var(scores[:, 1:] - means[1:], axis=1).sum() / (len(scores) - 1)
    share = np.sqrt(max(0.0, 1 - within / between)) if between else 0.0
    means[1:] += share * (weights @ scores[:, 0])
    return means


def interval(values: np.ndarray, method: Literal["linear", "inverted_cdf"] = "linear") -> tuple[float, float]:
    """95 % percentile interval of draws; with the method ``inverted_cdf`` its limits are drawn values."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method=method)
    return float(low), float(high)


def two_sided_p(differences: np.ndarray) -> float:
    """p-value of "no difference": twice the smaller share of draws on either side of zero.

    It matches :func:`interval`: it is below 0.05 if the 95 % interval excludes zero, except for the one draw that is
    added so that no p-value is zero. If all differences are zero, it is 1.
    """
    beyond = min(int(np.sum(differences <= 0)), int(np.sum(differences >= 0)))
    return min(1.0, 2 * (beyond + 1) / (len(differences) + 1))


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
