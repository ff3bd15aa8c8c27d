"""All measures of a text and of the human text of the same segments, whichever segments change sides."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from analyse.diversity.frequencies import entropy, expected_types, hdd, yule_k, zipf_exponent
from analyse.diversity.running import mattr, mtld, repeat_distances
from analyse.diversity.segments import Paired, ngrams, pair
from analyse.diversity.self_bleu import SelfBleu

# By name, in the order of the tables: which values are the more diverse ones.
MEASURES = {
    "types": "higher",
    "mattr": "higher",
    "mtld": "higher",
    "hdd": "higher",
    "yule_k": "lower",
    "distinct_1": "higher",
    "distinct_2": "higher",
    "distinct_3": "higher",
    "entropy": "higher",
    "zipf": "lower",
    "vocabulary": "higher",
    "self_bleu": "lower",
}
_ORDERS = (1, 2, 3)
_DISTANCES_BYTES = 256 * 1024**2


class Comparison:
    """A text beside the human text.

    Args:
        text, human: words of each segment of both, in the same random order.
        reading: each segment's place in the file.
        settings: ``tokens types_tokens window threshold draws self_bleu_segments`` of ``analysis.diversity``.

    Attributes:
        tokens: words of each text that are compared.
    """

    def __init__(
        self,
        text: Sequence[Sequence[str]],
        human: Sequence[Sequence[str]],
        reading: Sequence[int],
        settings: Mapping[str, Any],
    ) -> None:
        self._settings = settings
        most = settings["tokens"]
        self._words = pair(text, human, reading, most)
        self._grams = [
            self._words if order == 1 else pair(ngrams(text, order), ngrams(human, order), reading, most)
            for order in _ORDERS
        ]
        self._halves = _halves(self._words)
        sample = settings["self_bleu_segments"]
        self._self_bleu = SelfBleu(text[:sample], human[:sample])
        self.tokens = self._words.count

    def values(self, swaps: np.ndarray) -> np.ndarray:
        """The measures of both texts after each of many swaps.

        Args:
            swaps: whether a segment changes sides, shape (swaps, segments).

        Returns:
            Shape (swaps, measures, 2); not a number where the texts are too short for a measure.
        """
        names = list(MEASURES)
        results = np.full((len(swaps), len(names), 2), math.nan)
        for start, block in self._blocks(swaps):
            distances = np.empty((len(block), 2, 2, self.tokens), dtype=np.int32)
            for number, swapped in enumerate(block):
                measured = self._one(swapped, distances[number])
                for name, values in measured.items():
                    results[start + number, names.index(name)] = values
            lengths = mtld(distances.reshape(4 * len(block), self.tokens), self._settings["threshold"])
            results[start : start + len(block), names.index("mtld")] = lengths.reshape(-1, 2, 2).mean(axis=2)
        return results

    def _blocks(self, swaps: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Parts of ``swaps`` whose distances fit into memory, and where each begins."""
        size = max(1, _DISTANCES_BYTES // (16 * max(1, self.tokens)))
        for start in range(0, len(swaps), size):
            yield start, swaps[start : start + size]

    def _one(self, swapped: np.ndarray, distances: np.ndarray) -> dict[str, Sequence[float]]:
        """All measures of both texts but MTLD, for which ``distances`` is filled: shape (texts, directions, words)."""
        settings = self._settings
        measured: dict[str, list[float]] = {name: [] for name in MEASURES if name not in ("mtld", "distinct_1")}
        for side, words in enumerate(self._words.sides(swapped[: self._words.segments])):
            counts = np.bincount(words, minlength=self._words.kinds)
            before, after = repeat_distances(words)
            distances[side, 0], distances[side, 1] = before, after[::-1]
            measured["types"].append(expected_types(counts, min(settings["types_tokens"], self.tokens)))
            measured["mattr"].append(mattr(before, settings["window"]))
            measured["hdd"].append(hdd(counts, settings["draws"]))
            measured["yule_k"].append(yule_k(counts))
            measured["entropy"].append(entropy(counts))
            measured["zipf"].append(zipf_exponent(counts))
        for order, grams in zip(_ORDERS, self._grams, strict=True):
            measured[f"distinct_{order}"] = [
                _distinct(items, grams.kinds) for items in grams.sides(swapped[: grams.segments])
            ]
        measured["vocabulary"] = self._reached(swapped)
        measured["self_bleu"] = list(self._self_bleu.scores(swapped[: self._self_bleu.segments]))
        return measured

    def _reached(self, swapped: np.ndarray) -> list[float]:
        """Share of the human words of one half of the segments that each text has in the other half, per cent.

        The mean of both ways round. The human text's own value is what another piece of human text of that size
        reaches.
        """
        sides = [half.sides(swapped[place : self._words.segments : 2]) for place, half in enumerate(self._halves)]
        known = [[_present(items, self._words.kinds) for items in texts] for texts in sides]
        shares = []
        for side in range(2):
            ways = [
                _share(known[half][side] & known[1 - half][1], known[1 - half][1]) for half in range(len(self._halves))
            ]
            shares.append(sum(ways) / len(ways))
        return shares


def _halves(words: Paired) -> list[Paired]:
    """Every second segment, and the others, each pair cut to the same number of words."""
    halves = []
    for place in range(2):
        lengths = words.lengths[:, place::2]
        count = int(lengths.min(axis=0).sum())
        reading = np.arange(lengths.shape[1])
        halves.append(Paired(words.items, words.starts[:, place::2], lengths, words.kinds, count, reading))
    return halves


def _distinct(items: np.ndarray, kinds: int) -> float:
    """Distinct items in a hundred."""
    return 100 * int(np.count_nonzero(_present(items, kinds))) / len(items) if len(items) else math.nan


def _present(items: np.ndarray, kinds: int) -> np.ndarray:
    """Whether each kind occurs among ``items``, shape (kinds,)."""
    present = np.zeros(kinds, dtype=bool)
    present[items] = True
    return present


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    """How much of ``whole`` is ``part``, per cent."""
    size = int(np.count_nonzero(whole))
    return 100 * int(np.count_nonzero(part)) / size if size else math.nan
