"""Random order by hashing: the sort key of an item depends only on its name, a seed and a purpose.

Adding or removing other items therefore does not change the relative order of the rest, and reading the items in
another order does not either.
"""

import hashlib
import heapq
from collections.abc import Iterable

ORDER = "order"
"""The purpose for the study's random order of the pool."""


def random_key(seed: int, purpose: str, name: str) -> bytes:
    """The sort key of ``name`` in the random order of a seed and a purpose: a SHA-256 digest."""
    return hashlib.sha256(f"{seed}\0{purpose}\0{name}".encode()).digest()


def random_order(names: list[str], seed: int, purpose: str = ORDER) -> list[int]:
    """Positions of ``names`` in random order."""
    return sorted(range(len(names)), key=lambda position: random_key(seed, purpose, names[position]))


def draw_names(names: Iterable[str], count: int | None, seed: int, purpose: str = ORDER) -> list[str]:
    """The first ``count`` (None: all) of ``names`` in random order; no others are kept in memory."""
    keyed = ((random_key(seed, purpose, name), name) for name in names)
    return [name for _, name in (sorted(keyed) if count is None else heapq.nsmallest(count, keyed))]
