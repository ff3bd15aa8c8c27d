"""Sources of the pool, and the pairs of a dataset or split that a learner is trained on."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from workbench.cli import UserError
from workbench.generated import HUMAN
from workbench.tables import read_header, read_rows


class Source(NamedTuple):
    """One source of the pool."""

    id: str
    text: str


class TrainingPair(NamedTuple):
    """A source and its target; ``origin`` is the generator that wrote the target, or ``human``."""

    id: str
    origin: str
    source: str
    target: str


def read_training_pairs(path: Path, size: int | None = None, skip: int = 0) -> Iterator[TrainingPair]:
    """Yield the rows from ``skip`` up to ``size`` (None: the end) one at a time; the origin of a split is ``human``.

    Raises:
        UserError: the table ends before ``size``, or has no row.
    """
    columns = ["id", "source", "target", *(["origin"] if "origin" in read_header(path) else [])]
    count = 0
    for name, source, target, *origin in itertools.islice(read_rows(path, columns), size):
        count += 1
        if count > skip:
            yield TrainingPair(name, origin[0] if origin else HUMAN, source, target)
    if size is not None and count < size:
        raise UserError(
            f"{path}: {count:,} instances, but the run's size is {size:,}: lower `sizes` "
            "or give generators that left sources out (logs/build_dataset) a `fallback`"
        )
    if not count:
        raise UserError(f"{path}: the table has no pairs")
