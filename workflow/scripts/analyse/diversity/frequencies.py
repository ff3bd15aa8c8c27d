"""Measures of a text that depend only on how often each of its words occurs. NaN if a text is too short."""

from __future__ import annotations

import math

import numpy as np

_STEPS = 50
_CLOSE = 1e-10


def expected_types(counts: np.ndarray, tokens: int) -> float:
    """Expected number of distinct words among ``tokens`` words drawn from the text without replacement.

    The sum over words of one minus the hypergeometric probability that none of their occurrences is drawn: Hurlbert,
    The nonconcept of species diversity (Ecology 52, 1971).

    Args:
        counts: number of occurrences of each word, shape (words,); zeros add nothing.
    """
    total = int(counts.sum())
    if tokens < 1 or tokens > total:
        return math.nan
    spectrum = np.bincount(counts)
    frequencies = np.flatnonzero(spectrum)
    frequencies = frequencies[frequencies > 0]
    # The probability that f given tokens are not drawn: the product over i < f of (total - tokens - i) / (total - i).
    steps = np.arange(frequencies[-1])
    missed = np.cumprod(np.maximum(total - tokens - steps, 0) / (total - steps))
    return float(spectrum[frequencies] @ (1 - missed[frequencies - 1]))


def hdd(counts: np.ndarray, draws: int) -> float:
    """HD-D, per cent: the expected type-token ratio of ``draws`` words drawn from the text.

    McCarthy & Jarvis, MTLD, vocd-D, and HD-D (Behavior Research Methods 42, 2010), who use 42 draws.
    """
    return 100 * expected_types(counts, draws) / draws


def yule_k(counts: np.ndarray) -> float:
    """Yule's K: 10,000 (Σ f² − N) / N² over the frequencies f of the words, N tokens. Lower is more diverse.

    Yule, The Statistical Study of Literary Vocabulary (1944), as in Tweedie & Baayen, How variable may a constant be?
    (Computers and the Humanities 32, 1998).
    """
    total = int(counts.sum())
    return 1e4 * (float(np.sum(counts.astype(np.float64) ** 2)) - total) / total**2 if total else math.nan


def entropy(counts: np.ndarray) -> float:
    """Shannon entropy of the words in bits, by the plug-in estimator (relative frequencies as probabilities).

    It is too low for any sample, by about (types − 1) / 2N. The texts compared have equal N, and a correction would
    only add the number of types, which is a separate measure.
    """
    total = int(counts.sum())
    if not total:
        return math.nan
    shares = counts[counts > 0] / total
    return float(-np.sum(shares * np.log2(shares)))


def zipf_exponent(counts: np.ndarray) -> float:
    """The exponent s of Zipf's law p(r) ∝ r^−s over the ranks 1 … V of the text's V words. Lower is more even.

    It is the maximum-likelihood fit to all tokens, by Newton's method. Least squares on the logarithms of rank and
    frequency would weight the long steps of rare words as much as frequent words. The ranks come from the same text.
    This flatters the fit equally in two texts of equal size: Piantadosi, Zipf's word frequency law in natural language
    (Psychonomic Bulletin & Review 21, 2014).
    """
    ranked = np.sort(counts[counts > 0])[::-1]
    if len(ranked) < 2:
        return math.nan
    logs = np.log(np.arange(1, len(ranked) + 1))
    wanted = float(ranked @ logs) / float(ranked.sum())  # the mean log rank, which the fitted law has as well
    exponent = 1.0
    for _ in range(_STEPS):
        weights = np.exp(-exponent * logs)
        weights /= weights.sum()
        mean = float(weights @ logs)
        step = (mean - wanted) / float(weights @ (logs - mean) ** 2)
        exponent += max(-1.0, min(1.0, step))
        if abs(step) < _CLOSE:
            break
    return exponent
