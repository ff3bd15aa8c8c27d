"""Two texts of the same segments, of which as much is compared of the one as of the other.

A text that is compared is the first tokens of its segments in an order that a hash of their ids gives; how many is the
sum of the shorter of each segment's two sides. So both texts give the same number, the longer one loses segments at
random rather than the ends of its sentences or of its file, and the number stays the same whichever segments change
sides. What is left is read in the order of the file, as measures of running text need it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Paired:
    """Items (words, n-grams) of two texts as numbers, segment by segment.

    Attributes:
        items: all items of the first text, then all of the second: whole numbers, shape (items,).
        starts: where each segment begins in ``items``, shape (2, segments).
        lengths: items in each segment, shape (2, segments).
        kinds: distinct items of both texts; every number in ``items`` is below.
        count: items of each text that are compared.
        reading: the segments in the order in which they are read, shape (segments,).
    """

    items: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    kinds: int
    count: int
    reading: np.ndarray

    @property
    def segments(self) -> int:
        """Segments that are left of the texts."""
        return self.lengths.shape[1]

    def sides(self, swapped: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The ``count`` items of both texts that are left once the segments in ``swapped`` have changed sides.

        Args:
            swapped: whether a segment changes sides, shape (segments,).
        """
        return self._side(swapped.astype(np.intp)), self._side(1 - swapped.astype(np.intp))

    def _side(self, side: np.ndarray) -> np.ndarray:
        lengths = self.lengths[side, np.arange(len(side))]
        room = self.count - (np.cumsum(lengths) - lengths)
        lengths = np.maximum(np.minimum(room, lengths), 0)[self.reading]
        starts = self.starts[side[self.reading], self.reading]
        shifts = starts - (np.cumsum(lengths) - lengths)
        return self.items[np.repeat(shifts, lengths) + np.arange(self.count)]


Side = Sequence[Sequence[Any]]  # the items of each segment; they have an order and a hash


def pair(first: Side, second: Side, reading: Sequence[int], most: int) -> Paired:
    """Number the items of two texts of the same segments, at most ``most`` of which are compared.

    Segments beyond those that are needed for ``most`` items are left out, on both sides.

    Args:
        first, second: both texts, their segments in a random order.
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
    return Paired(numbered, starts, lengths, len(numbers), count, np.argsort(reading[:kept]))


def ngrams(text: Sequence[Sequence[str]], order: int) -> list[list[tuple[str, ...]]]:
    """The n-grams of ``order`` words of each segment; none goes beyond its segment."""
    return [[tuple(words[at : at + order]) for at in range(len(words) - order + 1)] for words in text]


def _lengths(text: Iterable[Sequence[Any]]) -> np.ndarray:
    return np.array([len(segment) for segment in text], dtype=np.int64)
