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
from collections.abc import Sequence
from itertools import accumulate
from statistics import fmean, median, stdev
from typing import NamedTuple

from workbench.text import match_key

_SHIFTS = (1, -1, 2, -2, 3, -3)
_WINDOW = 60  # pairs; 10 show half of all displacements, 20 show 97 %, 40 all
_FEWEST = 6  # pairs in which a displacement is looked for
_SURE = 3.0  # standard errors by which displaced texts must fit better; at most -2.3 in a window of real aligned text
_UNSURE = -2.0  # standard errors by which neighbours may at most fit a long list; -20 and less in real aligned text
_LONG = 200  # pairs from which on texts must fit the sources beside them better than their neighbours
_ROW = 3  # equal texts in a row
_SENTENCE = 12  # characters; short texts such as those of a glossary may well be equal
_MOST = 3.0  # of the logarithm of a length ratio
_SHARED = 2.0  # weight of shared words compared with lengths
_TOKEN = re.compile(r"\w*\d[\w.,]*|\w{4,}")


class Doubt(NamedTuple):
    """Why two lists may not be aligned.

    Attributes:
        place: the position from which on they look wrong, counted from 0.
        reason: what is wrong there, to follow the place in a message.
    """

    place: int
    reason: str


def doubt(sources: Sequence[str], texts: Sequence[str]) -> Doubt | None:
    """The first sign that ``texts`` are not aligned with ``sources``, or None.

    It takes about 40 microseconds and 2 kB a pair; give long files in parts. Fewer than seven pairs are checked for
    equal texts only.

    Args:
        sources: one text for each position, such as the sources of a corpus.
        texts: as many texts, which should be translations of them.
    """
    return _repeated(sources, texts) or _displaced(sources, texts)


def _repeated(sources: Sequence[str], texts: Sequence[str]) -> Doubt | None:
    row: list[int] = []
    for place, text in enumerate(texts):
        row = [*row, place] if row and text == texts[row[0]] else [place]
        if len(row) >= _ROW and len(text) >= _SENTENCE and len({match_key(sources[p]) for p in row}) >= _ROW:
            return Doubt(row[0], f"{text[:60]!r} is given for {_ROW} different sources in a row")
    return None


def _displaced(sources: Sequence[str], texts: Sequence[str]) -> Doubt | None:
    count = len(sources)
    if count < _FEWEST:
        return None
    fit = _Fit(sources, texts)
    beside = [fit.of(place, place) for place in range(count)]
    total: list[float] = []
    for start in range(0, count, _WINDOW):
        start = min(start, max(0, count - _WINDOW))  # a whole window at the end, too
        for shift in _SHIFTS:
            places = [p for p in range(start, min(start + _WINDOW, count)) if 0 <= p + shift < count]
            gains = [fit.of(p, p + shift) - beside[p] for p in places]
            total += gains
            if len(gains) >= _FEWEST and _errors(gains) > _SURE:
                # Where it begins may be in the window before: after the least sum of the gains up to there.
                places = list(range(max(0, start - _WINDOW, -shift), places[-1] + 1))
                sums = accumulate((fit.of(p, p + shift) - beside[p] for p in places[:-1]), initial=0.0)
                first = min(zip(sums, places, strict=True))[1]
                return Doubt(first, f"from there on texts fit the source {-shift:+d} lines away better than their own")
    if count >= _LONG and _errors(total) > _UNSURE:
        return Doubt(0, "texts fit the sources beside them no better than those of their neighbours")
    return None


def _errors(gains: Sequence[float]) -> float:
    """The mean of ``gains`` in standard errors; 0 if all are the same."""
    spread = float(stdev(gains)) / math.sqrt(len(gains))
    return fmean(gains) / spread if spread else 0.0


class _Fit:
    """How well sources and texts of one file fit each other."""

    def __init__(self, sources: Sequence[str], texts: Sequence[str]) -> None:
        self._tokens = [[set(_TOKEN.findall(text.casefold())) for text in side] for side in (sources, texts)]
        self._sizes = [[math.log(1 + len(text)) for text in side] for side in (sources, texts)]
        self._usual: float = median(b - a for a, b in zip(*self._sizes, strict=True))

    def of(self, source: int, text: int) -> float:
        """How well the source at one position fits the text at another: 2 at best, -3 at worst."""
        left, right = self._tokens[0][source], self._tokens[1][text]
        ratio = abs(self._sizes[1][text] - self._sizes[0][source] - self._usual)
        shared = len(left & right) / min(len(left), len(right)) if left and right else 0.0
        return _SHARED * shared - min(ratio, _MOST)
