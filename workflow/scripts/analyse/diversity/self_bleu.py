"""Self-BLEU: how much of each segment of a sample the other segments of the same text repeat. Lower is more diverse.

Zhu et al., Texygen (SIGIR 2018), who average sentence BLEU; here the counts of all segments are summed before the score
is taken, as sacreBLEU does for a corpus, so that short segments without a 4-gram need no smoothing of their own. The
score is sacreBLEU's for the sample with all other segments as references of each. The counts are taken here, for all
swaps, because sacreBLEU would compare each segment with every other again at every swap.
"""

from __future__ import annotations

import math

import numpy as np
from sacrebleu.metrics import BLEU

from analyse.diversity.segments import Side, ngrams

_ORDERS = (1, 2, 3, 4)


class SelfBleu:
    """Counts of a sample of segments of two texts, from which the scores follow whichever segments change sides.

    Both texts are cut to the same number of words, as everywhere; a segment that the cut would divide is left out.

    Args:
        first, second: words of the sampled segments of each text.

    Attributes:
        segments: of the sample.
    """

    def __init__(self, first: Side, second: Side) -> None:
        self.segments = len(first)
        self._lengths = np.array([[len(words) for words in side] for side in (first, second)])
        self._count = int(self._lengths.min(axis=0).sum())
        self._repeats = [_Repeats(order, first, second) for order in _ORDERS]

    def scores(self, swapped: np.ndarray) -> tuple[float, float]:
        """Self-BLEU of both texts once segments have changed sides; not a number where fewer than two are left.

        Args:
            swapped: whether a segment of the sample changes sides, shape (segments,).
        """
        return self._score(swapped.astype(np.intp)), self._score(1 - swapped.astype(np.intp))

    def _score(self, side: np.ndarray) -> float:
        lengths = self._lengths[side, np.arange(len(side))]
        kept = int(np.searchsorted(np.cumsum(lengths), self._count, side="right"))
        lengths = lengths[:kept]
        if np.count_nonzero(lengths) < 2:
            return math.nan
        totals = [int(np.maximum(lengths - order + 1, 0).sum()) for order in _ORDERS]
        correct = [total - repeats.unmatched(side, kept) for total, repeats in zip(totals, self._repeats, strict=True)]
        words, reference = int(lengths.sum()), _closest_lengths(lengths)
        return float(BLEU.compute_bleu(correct, totals, words, reference, smooth_method="exp").score)


class _Repeats:
    """Which n-grams of one order are in which segment of which text, and how often."""

    def __init__(self, order: int, first: Side, second: Side) -> None:
        numbers: dict[tuple[str, ...], int] = {}
        found: dict[tuple[int, int, int], int] = {}
        for side, text in enumerate((first, second)):
            for segment, grams in enumerate(ngrams(text, order)):
                for gram in grams:
                    key = (numbers.setdefault(gram, len(numbers)), segment, side)
                    found[key] = found.get(key, 0) + 1
        entries = np.array(list(found), dtype=np.intp).reshape(-1, 3)
        self._grams, self._segments, self._sides = entries.T
        times = np.array(list(found.values()), dtype=np.intp)
        self._levels = [np.flatnonzero(times >= level) for level in range(1, max(found.values(), default=0) + 1)]
        self._kinds = len(numbers)

    def unmatched(self, side: np.ndarray, kept: int) -> int:
        """Occurrences of n-grams in the first ``kept`` segments that have no match in another of these segments.

        A segment's count of an n-gram is clipped by the largest count in another. So what is lost of an n-gram is how
        far its largest count is above its second largest: the number of levels that one segment alone reaches.
        """
        active = (self._segments < kept) & (side[self._segments] == self._sides)
        lost = 0
        for level in self._levels:
            reached = np.bincount(self._grams[level[active[level]]], minlength=self._kinds)
            lost += int(np.count_nonzero(reached == 1))
        return lost


def _closest_lengths(lengths: np.ndarray) -> int:
    """The sum over segments of the length, among the others', that is closest; the shorter of two as close."""
    ordered = np.sort(lengths)
    gaps = np.diff(ordered)
    below = np.append(np.inf, gaps)
    above = np.append(gaps, np.inf)
    return int(np.sum(np.where(below <= above, ordered - below, ordered + above)))
