"""This server's tokens: up to six letters, up to three digits, or one other character."""

from __future__ import annotations

import re
from functools import lru_cache

_PIECE = re.compile(r" ?[^\W\d_]{1,6}|\d{1,3}| ?[^\w\s]|\s+|_")


def pieces(text: str) -> list[str]:
    """The tokens of a text; joined they give the text."""
    return _PIECE.findall(text)


@lru_cache(maxsize=4096)
def count(text: str) -> int:
    """How many tokens a text has."""
    return len(pieces(text))
