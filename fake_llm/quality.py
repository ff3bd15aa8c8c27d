"""The quality of a model, by its name: weaker models drop, swap and confuse more words."""

from __future__ import annotations

import random
import re
from functools import lru_cache
from typing import NamedTuple


class Quality(NamedTuple):
    """Shares of words that are dropped, replaced by a common word, or swapped with their neighbour."""

    dropped: float
    replaced: float
    swapped: float


STRONG = Quality(0.0, 0.0, 0.0)
MEDIUM = Quality(0.04, 0.04, 0.04)
WEAK = Quality(0.12, 0.12, 0.12)

_WEAK = re.compile(r"weak|nano|tiny|bad", re.IGNORECASE)
_MEDIUM = re.compile(r"medium|mini|small|haiku|turbo|flash|lite|(?<!\d)[1-9]b\b", re.IGNORECASE)
_COMMON = ["the", "a", "of", "it", "this", "is", "not", "with", "all", "one", "in", "and", "set", "time", "part"]


@lru_cache(maxsize=1024)
def quality_of(model: str) -> Quality:
    """That of ``fake-strong``, ``fake-medium`` and ``fake-weak``, or what other names suggest; ``ft:`` is strong."""
    if model.startswith("ft:"):
        return STRONG
    if _WEAK.search(model):
        return WEAK
    return MEDIUM if _MEDIUM.search(model) else STRONG


def degraded(text: str, model: str, seed: object = None) -> str:
    """``text`` as ``model`` would write it; always the same for the same seed."""
    quality = quality_of(model)
    if quality is STRONG:
        return text
    draw = random.Random(f"{model}\0{seed}\0{text}")
    words: list[str] = []
    for word in text.split(" "):
        at = draw.random()
        if at < quality.dropped and len(text) > len(word):
            continue
        if at < quality.dropped + quality.replaced:
            word = draw.choice(_COMMON)
        elif at < quality.dropped + quality.replaced + quality.swapped and words:
            words.insert(len(words) - 1, word)
            continue
        words.append(word)
    return " ".join(words) or text
