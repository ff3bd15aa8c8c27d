"""Two texts of the same segments, cut to equal numbers of words or n-grams.

A text is cut to the first items of its segments, in an order given by a hash of their ids. Their number is the sum of
each segment's shorter side. Both texts therefore have equally many items, and the longer one loses segments at random
rather than the ends of its sentences or of the file. The number stays the same whichever segments are exchanged. The
remaining segments are read in the file's order, which measures of running text need.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class PairedTexts:
    """Items (words, n-grams) of two texts as numbers, segment by segment."""

    items: np.ndarray  # all items of the first text, then all of the second: whole numbers, shape (items,)
    starts: np.ndarray  # where each segment begins in ``items``, shape (2, segments)
    lengths: np.ndarray  # number of items in each segment, shape (2, segments)
    kinds: int  # number of distinct items of both texts; every number in ``items`` is below it
    count: int  # number of items of each text that are compared
    reading: np.ndarray  # the segments in reading order, shape (segments,)

    @property
    def segments(self) -> int:
        """Number of segments that remain of the texts."""
        return int(self.lengths.shape[1])

    def sides(self, swapped: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The ``count`` items of both texts after segments are exchanged: those in ``swapped``, shape (segments,)."""
        return self._side(swapped.astype(np.intp)), self._side(1 - swapped.astype(np.intp))

    def _side(self, side: np.ndarray) -> np.ndarray:
        lengths = self.lengths[side, np.arange(len(side))]
        room = self.count - (np.cumsum(lengths) - lengths)
        lengths = np.maximum(np.minimum(room, lengths), 0)[self.reading]
        starts = self.starts[side[self.reading], self.reading]
        shifts = starts - (np.cumsum(lengths) - lengths)
        items: np.ndarray = self.items[np.repeat(shifts, lengths) + np.arange(self.count)]
        return items


Side = Sequence[Sequence[Any]]  # the items of each segment; they are hashable and can be sorted


def pair_texts(first: Side, second: Side, reading: Sequence[int], most: int) -> PairedTexts:
    """Number the items of two texts of the same segments, of which at most ``most`` are compared.

    Segments that are not needed for ``most`` items are left out on both sides.

    Args:
        first, second: both texts, with their segments in a random order.
        reading: each segment's place in the file.
    """
    shorter = np.minimum(_lengths(first), _lengths(second))
    count, kept = int(shorter.sum()), len(first)
    if most < count:
        count = most
        kept = int(np.searchsorted(np.cumsum(shorter), most)) + 1
    items = [item for side in (first, second) for segment in side[:kept] for item in segment]
    numbers = {item: number for number, item in enumerate(sorted(set(items)))}
    lengths = np.stack([_lengths(first[:kept]), _lengths(second[:kept])])
    starts = (np.cumsum(lengths) - lengths.ravel()).reshape(lengths.shape)
    numbered = np.array([numbers[item] for item in items], dtype=np.int64)
    return PairedTexts(numbered, starts, lengths, len(numbers), count, np.argsort(reading[:kept]))


def ngrams(text: Sequence[Sequence[str]], order: int) -> list[list[tuple[str, ...]]]:
    """The n-grams of ``order`` words within each segment."""
    return [[tuple(words[at : at + order]) for at in range(len(words) - order + 1)] for words in text]


def _lengths(text: Iterable[Sequence[Any]]) -> np.ndarray:
    return np.array([len(segment) for segment in text], dtype=np.int64)
