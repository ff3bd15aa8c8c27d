"""Measures that read a text from its first word to its last: MATTR and MTLD. NaN if a text is too short.

Both are computed from the distance to each word's previous occurrence: a word is new to a stretch of text if that
occurrence is before the start of the stretch.
"""

from __future__ import annotations

import math

import numpy as np

_CHUNK = 2048


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

    Covington & McFall, Cutting the Gordian knot (Journal of Quantitative Linguistics 17, 2010).

    Args:
        before: from :func:`repeat_distances`.
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
