"""All measures of lexical diversity of a text and of the human text, whichever segments are exchanged."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analyse.diversity import measures
from analyse.diversity.paired_texts import PairedTexts, ngrams, pair_texts
from analyse.diversity.self_bleu import SelfBleu

# By name, in the order of the tables: which values mean a more diverse text.
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


@dataclass(frozen=True)
class DiversitySettings:
    """The section ``analysis.diversity`` of the configuration."""

    tokenize: str | None  # sacreBLEU's name of the tokenizer; None chooses one by language
    tokens: int  # words of each text that are compared, at most
    types_tokens: int  # words for which the expected number of types is computed
    window: int  # words in a window of MATTR
    threshold: float  # type-token ratio at which an MTLD factor is complete
    draws: int  # words drawn for HD-D
    self_bleu_segments: int  # segments in the sample of self-BLEU
    swaps: int  # random exchanges for each interval and p-value


class DiversityComparison:
    """A text and the human text of the same segments.

    Args:
        text, human: words of each segment of both texts, in the same random order.
        reading: each segment's place in the file.
        settings: the sizes and limits of the measures.

    Attributes:
        tokens: number of words of each text that are compared.
    """

    def __init__(
        self,
        text: Sequence[Sequence[str]],
        human: Sequence[Sequence[str]],
        reading: Sequence[int],
        settings: DiversitySettings,
    ) -> None:
        self._settings = settings
        self._grams = [
            pair_texts(ngrams(text, order), ngrams(human, order), reading, settings.tokens) for order in _ORDERS
        ]
        self._halves = _halves(self._grams[0])
        sample = settings.self_bleu_segments
        self._self_bleu = SelfBleu(text[:sample], human[:sample])
        self.tokens = self._grams[0].count

    def values(self, swaps: np.ndarray) -> np.ndarray:
        """The measures of both texts after each of many swaps.

        Args:
            swaps: whether each segment is exchanged, shape (swaps, segments).

        Returns:
            Shape (swaps, measures, 2); NaN where the texts are too short for a measure.
        """
        names = list(MEASURES)
        results = np.full((len(swaps), len(names), 2), math.nan)
        size = max(1, _DISTANCES_BYTES // (16 * max(1, self.tokens)))  # swaps whose distances fit into memory
        for start in range(0, len(swaps), size):
            block = swaps[start : start + size]
            distances = np.empty((len(block), 2, 2, self.tokens), dtype=np.int32)
            for number, swapped in enumerate(block):
                for name, values in self._measured(swapped, distances[number]).items():
                    results[start + number, names.index(name)] = values
            lengths = measures.mtld(distances.reshape(4 * len(block), self.tokens), self._settings.threshold)
            results[start : start + len(block), names.index("mtld")] = lengths.reshape(-1, 2, 2).mean(axis=2)
        return results

    def _measured(self, swapped: np.ndarray, distances: np.ndarray) -> dict[str, list[float]]:
        """All measures of both texts except MTLD; fills ``distances`` for it, shape (texts, directions, words)."""
        settings, words = self._settings, self._grams[0]
        sides = [grams.sides(swapped[: grams.segments]) for grams in self._grams]
        counts = [np.bincount(items, minlength=words.kinds) for items in sides[0]]
        for side, items in enumerate(sides[0]):
            before, after = measures.repeat_distances(items)
            distances[side] = before, after[::-1]
        return {
            "types": [measures.expected_types(count, min(settings.types_tokens, self.tokens)) for count in counts],
            "mattr": [measures.mattr(before, settings.window) for before, _ in distances],
            "hdd": [measures.hdd(count, settings.draws) for count in counts],
            "yule_k": [measures.yule_k(count) for count in counts],
            "entropy": [measures.entropy(count) for count in counts],
            "zipf": [measures.zipf_exponent(count) for count in counts],
            **{f"distinct_{n}": [measures.distinct(items) for items in sides[n - 1]] for n in _ORDERS},
            "vocabulary": self._reached_vocabulary(swapped),
            "self_bleu": list(self._self_bleu.scores(swapped[: self._self_bleu.segments])),
        }

    def _reached_vocabulary(self, swapped: np.ndarray) -> list[float]:
        """Share of the human words of one half of the segments that each text has in the other half, per cent.

        The mean of both directions. The human text's value is what another piece of human text of that size reaches.
        """
        words = self._grams[0]
        known = [
            [np.bincount(items, minlength=words.kinds) > 0 for items in half.sides(swapped[place : words.segments : 2])]
            for place, half in enumerate(self._halves)
        ]
        return [sum(_share(known[half][side], known[1 - half][1]) for half in range(2)) / 2 for side in range(2)]


def _halves(words: PairedTexts) -> list[PairedTexts]:
    """The segments with even and with odd places, the texts of each half cut to the same number of words."""
    halves = []
    for place in range(2):
        lengths = words.lengths[:, place::2]
        count = int(lengths.min(axis=0).sum())
        reading = np.arange(lengths.shape[1])
        halves.append(PairedTexts(words.items, words.starts[:, place::2], lengths, words.kinds, count, reading))
    return halves


def _share(found: np.ndarray, wanted: np.ndarray) -> float:
    """How much of ``wanted`` is in ``found``, per cent; both say for each kind whether it occurs, shape (kinds,)."""
    size = int(np.count_nonzero(wanted))
    return 100 * int(np.count_nonzero(found & wanted)) / size if size else math.nan
