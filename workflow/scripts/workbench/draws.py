"""Random order from names: where something stands depends on its name, the seed and the purpose, and on nothing else.

Adding or removing other things therefore changes no order, and neither does the order in which they are read.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable

ORDER = "order"
"""Purpose of the study's random order of the pool."""


def place(seed: int, purpose: str, name: str) -> bytes:
    """Where ``name`` stands in the random order of a seed and a purpose: a SHA-256 digest, to sort by."""
    return hashlib.sha256(f"{seed}\0{purpose}\0{name}".encode()).digest()


def random_order(names: list[str], seed: int, purpose: str = ORDER) -> list[int]:
    """Positions of ``names`` in random order."""
    return sorted(range(len(names)), key=lambda position: place(seed, purpose, names[position]))


def draw_names(names: Iterable[str], count: int | None, seed: int, purpose: str = ORDER) -> list[str]:
    """The first ``count`` (None: all) of ``names`` in random order; no more than these are kept in memory."""
    placed = ((place(seed, purpose, name), name) for name in names)
    return [name for _, name in (sorted(placed) if count is None else heapq.nsmallest(count, placed))]
