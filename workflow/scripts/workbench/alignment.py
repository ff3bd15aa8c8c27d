"""Doubt whether two lists of texts are aligned, from the texts alone.

Three signs are looked for: the same text for different sources in a row; a stretch of texts that fit the sources a few
lines before or after better than those beside them; and, in longer lists, texts that fit the sources beside them no
better than their neighbours. How well two texts fit depends on their lengths and on the numbers, names and other words
that they share, so it works for any two languages. This can only doubt; ids or a digest prove an alignment.

Source: lengths as in Gale & Church, A Program for Aligning Sentences in Bilingual Corpora (CL 1993); the rest is ours.
docs/robustness.md has what was measured on real text.
"""

import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from itertools import accumulate
from statistics import fmean, median, stdev
from typing import NamedTuple

from workbench.text import match_key

_SHIFTS = (1, -1, 2, -2, 3, -3)
_WINDOW = 40  # pairs; 10 show half of all displacements, 20 show 97 %, 40 all
_FEWEST = 6  # pairs in which a displacement is looked for
_SURE = 3.0  # standard errors by which displaced texts must fit better; at most -0.5 in a window of real aligned text
_UNSURE = -2.0  # standard errors by which neighbours may at most fit a long list; -20 and less in real aligned text
_LONG = 200  # pairs from which on texts must fit the sources beside them better than their neighbours
_TOTAL = 50_000  # comparisons of a long list that are kept
_SAMPLE = 5_000  # pairs that show the usual ratio of lengths
_ROW = 3  # equal texts in a row
_SENTENCE = 12  # characters; short texts such as those of a glossary may well be equal
_MOST = 3.0  # of the logarithm of a length ratio
_SHARED = 2.0  # weight of shared words compared with lengths
_TOKEN = re.compile(r"\w*\d[\w.,]*|\w{4,}")


class Doubt(NamedTuple):
    """Why two lists may not be aligned."""

    place: int  # the position from which on they look wrong, counted from 0
    reason: str  # what is wrong there, to follow the place in a message


def doubt(sources: Sequence[str], texts: Sequence[str], places: Sequence[int] | None = None) -> Doubt | None:
    """The first sign that ``texts`` are not aligned with ``sources``, or None.

    It takes about 60 microseconds a pair. Fewer than seven pairs are checked for equal texts only.

    Args:
        sources: one text for each position, such as the sources of a corpus.
        texts: as many texts, which should be translations of them; an empty one says nothing.
        places: ascending positions of the texts of ``sources``, if these are a part of those translated.
    """
    places = range(len(sources)) if places is None else places
    return _repeated(sources, texts, places) or _displaced(sources, texts, places)


def _repeated(sources: Sequence[str], texts: Sequence[str], places: Sequence[int]) -> Doubt | None:
    row: list[int] = []
    for number, place in enumerate(places):
        text = texts[place]
        row = [*row, number] if row and text == texts[places[row[0]]] else [number]
        if len(row) >= _ROW and len(text) >= _SENTENCE and len({match_key(sources[n]) for n in row}) >= _ROW:
            return Doubt(places[row[0]], f"{text[:60]!r} is given for {_ROW} different sources in a row")
    return None


def _displaced(sources: Sequence[str], texts: Sequence[str], places: Sequence[int]) -> Doubt | None:
    count = len(places)
    if count < _FEWEST:
        return None
    fit = _Fit(sources, texts, places)
    total: list[float] = []
    for start in range(0, count, _WINDOW):
        start = min(start, max(0, count - _WINDOW))  # a whole window at the end, too
        for shift in _SHIFTS:
            gains = fit.gains(range(start, min(start + _WINDOW, count)), shift)
            if len(total) < _TOTAL:
                total += gains.values()
            if len(gains) >= _FEWEST and _errors(list(gains.values())) > _SURE:
                # Where it begins may be in the window before: after the least sum of the gains up to there.
                gains = fit.gains(range(max(0, start - _WINDOW), min(start + _WINDOW, count)), shift)
                first = min(zip(accumulate(gains.values(), initial=0.0), gains, strict=False))[1]
                return Doubt(first, f"from there on texts fit the source {-shift:+d} lines away better than their own")
    if count >= _LONG and _errors(total) > _UNSURE:
        return Doubt(places[0], "texts fit the sources beside them no better than those of their neighbours")
    return None


def _errors(gains: Sequence[float]) -> float:
    """The mean of ``gains`` in standard errors; 0 if all are the same."""
    spread = float(stdev(gains)) / math.sqrt(len(gains))
    return fmean(gains) / spread if spread else 0.0


class _Fit:
    """How well sources and texts of one file fit each other."""

    def __init__(self, sources: Sequence[str], texts: Sequence[str], places: Sequence[int]) -> None:
        self._places = places
        self._sides = [lru_cache(4 * _WINDOW)(partial(_features, side)) for side in (sources, texts)]
        sample = range(0, len(places), max(1, len(places) // _SAMPLE))
        pairs = [(sources[number], texts[places[number]]) for number in sample]
        ratios = [math.log((1 + len(text)) / (1 + len(source))) for source, text in pairs if text]
        self._usual: float = median(ratios or [0.0])

    def gains(self, numbers: Iterable[int], shift: int) -> dict[int, float]:
        """How much better each of some sources fits the text ``shift`` places later than its own, by its own place.

        An empty text fits nothing better or worse.
        """
        last = self._places[-1]
        found: dict[int, float] = {}
        for number in numbers:
            place = self._places[number]
            if 0 <= place + shift <= last and self._sides[1](place)[1] and self._sides[1](place + shift)[1]:
                found[place] = self._of(number, place + shift) - self._of(number, place)
        return found

    def _of(self, source: int, text: int) -> float:
        """How well a source fits a text: 2 at best, -3 at worst."""
        (left, size), (right, other_size) = self._sides[0](source), self._sides[1](text)
        shared = len(left & right) / min(len(left), len(right)) if left and right else 0.0
        return _SHARED * shared - min(abs(other_size - size - self._usual), _MOST)


def _features(texts: Sequence[str], place: int) -> tuple[set[str], float]:
    """The words by which two texts are compared, and the logarithm of the length."""
    return set(_TOKEN.findall(texts[place].casefold())), math.log(1 + len(texts[place]))
