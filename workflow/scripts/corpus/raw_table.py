"""The table that every kind of corpus ends in before it is cleaned: ``raw.tsv.gz`` with ``id source
target``.

An id is ``<part>:<n>``: the part is a release's name for catalogues, else ``train``, ``valid`` or
``test``; *n* counts the part's pairs from 1: in aligned files the line, in a table the row below the header.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from workbench.cli import UserError
from workbench.files import atomic_path
from workbench.text import one_line

COLUMNS = ("id", "source", "target")
GIVEN_PARTS = ("valid", "test")

_COMPRESSION = 4


class Pair(NamedTuple):
    """One source with its human target, both on one line."""

    id: str
    source: str
    target: str


def part_of(pair_id: str) -> str:
    """``"train"`` of ``"train:17"``."""
    return pair_id.rpartition(":")[0]


def number_pairs(part: str, texts: Iterable[tuple[str, str]]) -> Iterator[Pair]:
    """Give the pairs of one part their ids and put each text on one line."""
    for number, (source, target) in enumerate(texts, start=1):
        yield Pair(f"{part}:{number}", one_line(source), one_line(target))


def write_raw(path: Path, pairs: Iterable[Pair]) -> dict[str, int]:
    """Write ``pairs`` compressed, atomically and always to the same bytes; return the pairs of each
    part.
    """
    counts: dict[str, int] = {}
    with (
        atomic_path(path) as temporary,
        temporary.open("wb") as file,
        gzip.GzipFile("", "wb", _COMPRESSION, fileobj=file, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as text,
    ):
        text.write("\t".join(COLUMNS) + "\n")
        for pair in pairs:
            text.write("\t".join(pair) + "\n")
            part = part_of(pair.id)
            counts[part] = counts.get(part, 0) + 1
    return counts


def read_raw(path: Path) -> Iterator[Pair]:
    """Yield the pairs of a table that :func:`write_raw` wrote.

    Raises:
        UserError: the file is damaged or is no such table.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
            if tuple(file.readline().rstrip("\n").split("\t")) != COLUMNS:
                raise UserError(f"{path}: not a table of {', '.join(COLUMNS)}")
            for line in file:
                pair_id, source, target = line.rstrip("\n").split("\t")
                yield Pair(pair_id, source, target)
    except (EOFError, gzip.BadGzipFile, ValueError) as error:
        raise UserError(f"{path}: damaged ({error}); delete it and run again") from error
