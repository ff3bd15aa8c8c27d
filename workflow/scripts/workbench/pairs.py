"""The instances that a learner is trained on, from a dataset or a split."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from workbench.cli import UserError
from workbench.generated import HUMAN
from workbench.tables import read_rows


class Source(NamedTuple):
    """One source of the pool."""

    id: str
    text: str


class Pair(NamedTuple):
    """A row; ``origin`` is who wrote the target."""

    id: str
    origin: str
    source: str
    target: str


def read_pairs(path: Path, size: int | None = None, skip: int = 0) -> Iterator[Pair]:
    """The rows from ``skip`` up to ``size`` (None: the end), read as they are asked for; a split's origin is ``human``.

    Raises:
        UserError: the table ends before ``size``, or has no row at all.
    """
    with path.open(encoding="utf-8") as file:
        has_origin = "origin" in file.readline().rstrip("\n").split("\t")
    columns = ["id", "source", "target", *(["origin"] if has_origin else [])]
    count = 0
    for name, source, target, *origin in itertools.islice(read_rows(path, columns), size):
        count += 1
        if count > skip:
            yield Pair(name, *(origin or [HUMAN]), source, target)
    if size is not None and count < size:
        raise UserError(
            f"{path}: {count:,} instances, but the run's size is {size:,}: lower `sizes` "
            "or give generators that left sources out (logs/build_dataset) a `fallback`"
        )
    if not count:
        raise UserError(f"{path}: it holds no pair")
