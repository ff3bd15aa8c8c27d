"""Self-BLEU: how much of each segment of a sample the other segments of the same text repeat. Lower is more diverse.

Zhu et al., Texygen (SIGIR 2018), average sentence BLEU. Here the counts of all segments are summed first, as sacreBLEU
does for a corpus, so short segments without a 4-gram need no separate smoothing. The score equals sacreBLEU's if all
other segments of the sample are each segment's references. This module takes the counts once for all swaps, because
sacreBLEU would compare each segment with every other again at every swap.
"""

import math
from collections import Counter

import numpy as np
from sacrebleu.metrics import BLEU

from analyse.diversity.paired_texts import Side, ngrams

_ORDERS = (1, 2, 3, 4)


class SelfBleu:
    """Counts of a sample of segments of two texts, which give the scores whichever segments are exchanged.

    Both texts are cut to the same number of words, as for the other measures. A segment that the cut would divide is
    left out.

    Args:
        first, second: words of the sampled segments of each text.

    Attributes:
        segments: number of segments in the sample.
    """

    def __init__(self, first: Side, second: Side) -> None:
        self.segments = len(first)
        self._lengths = np.array([[len(words) for words in side] for side in (first, second)])
        self._count = int(self._lengths.min(axis=0).sum())
        self._repeats = [_Repeats(order, first, second) for order in _ORDERS]

    def scores(self, swapped: np.ndarray) -> tuple[float, float]:
        """Self-BLEU of both texts after segments are exchanged: those in ``swapped``, shape (segments,).

        NaN if fewer than two segments remain.
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
    """Which n-grams of one order occur in which segment of which text, and how often."""

    def __init__(self, order: int, first: Side, second: Side) -> None:
        numbers: dict[tuple[str, ...], int] = {}
        found = Counter(
            (numbers.setdefault(gram, len(numbers)), segment, side)
            for side, text in enumerate((first, second))
            for segment, grams in enumerate(ngrams(text, order))
            for gram in grams
        )
        entries = np.array(list(found), dtype=np.intp).reshape(-1, 3)
        self._grams, self._segments, self._sides = entries.T
        times = np.array(list(found.values()), dtype=np.intp)
        self._levels = [np.flatnonzero(times >= level) for level in range(1, max(found.values(), default=0) + 1)]
        self._kinds = len(numbers)

    def unmatched(self, side: np.ndarray, kept: int) -> int:
        """Number of n-grams in the first ``kept`` segments that have no match in another of these segments.

        A segment's count of an n-gram is clipped to the largest count in another segment. An n-gram therefore loses the
        difference between its largest and its second largest count: the number of levels that only one segment reaches.
        """
        active = (self._segments < kept) & (side[self._segments] == self._sides)
        lost = 0
        for level in self._levels:
            reached = np.bincount(self._grams[level[active[level]]], minlength=self._kinds)
            lost += int(np.count_nonzero(reached == 1))
        return lost


def _closest_lengths(lengths: np.ndarray) -> int:
    """The sum over segments of the closest length among the other segments; of two equally close ones the shorter."""
    ordered = np.sort(lengths)
    gaps = np.diff(ordered)
    below = np.append(np.inf, gaps)
    above = np.append(gaps, np.inf)
    return int(np.sum(np.where(below <= above, ordered - below, ordered + above)))
