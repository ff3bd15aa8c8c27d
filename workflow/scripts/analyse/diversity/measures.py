"""Measures of the lexical diversity of one text; NaN if it is too short.

Some depend only on how often each word occurs. MATTR and MTLD read a text from its first word to its last and are
computed from the distance to each word's previous occurrence: a word is new to a stretch of text if that occurrence is
before the start of the stretch.
"""

import math

import numpy as np
from scipy import stats

_STEPS = 50  # most steps of Newton's method
_CLOSE = 1e-10
_CHUNK = 2048


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


def distinct(items: np.ndarray) -> float:
    """Distinct items per hundred."""
    return 100 * int(np.count_nonzero(np.bincount(items))) / len(items) if len(items) else math.nan


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
    return float(stats.entropy(counts, base=2)) if counts.any() else math.nan


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


def repeat_distances(items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances from each item to its previous and to its next occurrence; more than the length if there is none.

    Both have shape (items,).
    """
    count = len(items)
    bits = max(1, count.bit_length())
    keys = np.sort((items.astype(np.int64) << bits) | np.arange(count))
    places = keys & ((1 << bits) - 1)
    before = np.full(count, count + 1, dtype=np.int32)
    after = before.copy()
    same = (keys[1:] >> bits) == (keys[:-1] >> bits)
    earlier, later = places[:-1][same], places[1:][same]
    before[later] = after[earlier] = later - earlier
    return before, after


def mattr(before: np.ndarray, window: int) -> float:
    """Moving-average type-token ratio, per cent: the mean over all windows of ``window`` words.

    The distances ``before`` are from :func:`repeat_distances`. Covington & McFall, Cutting the Gordian knot (Journal of
    Quantitative Linguistics 17, 2010).
    """
    count = len(before)
    if window < 1 or window > count:
        return math.nan
    places = np.arange(count)
    # A word is a new type in the windows that begin after its previous occurrence and no later than at itself.
    first = np.maximum(places + 1 - np.minimum(before, window), 0)
    last = np.minimum(places, count - window)
    types = int(np.sum(np.maximum(last - first + 1, 0)))
    return 100 * types / (window * (count - window + 1))


def mtld(distances: np.ndarray, threshold: float) -> np.ndarray:
    """MTLD of many texts of one length, each read in one direction: the mean number of words in a factor.

    A factor is complete when its type-token ratio has fallen to ``threshold``. The rest at the end counts as the part
    of a factor by which its ratio has fallen from 1 towards the threshold. McCarthy & Jarvis (2010) average both
    directions. A text without a repeated word has no factor; its value is its length.

    Args:
        distances: distance to each word's previous occurrence in reading direction, shape (texts, words).

    Returns:
        Shape (texts,); NaN for texts without words.
    """
    texts, words = distances.shape
    if words == 0:
        return np.full(texts, math.nan)
    length, types, factors = np.zeros(texts), np.zeros(texts), np.zeros(texts)
    ratio = np.ones(texts)
    for start in range(0, words, _CHUNK):
        for distance in np.ascontiguousarray(distances[:, start : start + _CHUNK].T, dtype=np.float64):
            length += 1
            types += distance >= length
            np.divide(types, length, out=ratio)
            complete = ratio <= threshold
            factors += complete
            going = ~complete
            length *= going
            types *= going
    part = np.where(length > 0, (1 - ratio) / (1 - threshold), 0.0)
    factors += part
    mean_lengths: np.ndarray = words / np.where(factors > 0, factors, 1.0)
    return mean_lengths
