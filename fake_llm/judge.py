"""Find the translation to rate in a prompt, and rate it."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

_PAIR = re.compile(r"<source>(.*?)</source>\s*<translation>(.*?)</translation>", re.DOTALL)


class Judged(NamedTuple):
    """A source and the translation to rate."""

    source: str
    target: str


def find_pair(prompt: str) -> Judged | None:
    """The last texts between ``<source>`` and ``<translation>`` tags; None if the prompt has no such tags."""
    pairs = _PAIR.findall(prompt)
    return Judged(*(text.strip() for text in pairs[-1])) if pairs else None


def rating(target: str, own: str) -> int:
    """How much two texts have in common, from 0 to 100: the F-measure of their words, ignoring case and order."""
    words, own_words = Counter(target.lower().split()), Counter(own.lower().split())
    both = words.total() + own_words.total()
    return round(200 * (words & own_words).total() / both) if both else 0
