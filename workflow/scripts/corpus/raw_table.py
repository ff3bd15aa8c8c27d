"""``raw.tsv.gz`` with ``id source target``: the corpus before cleaning, whatever its origin.

An id is ``<part>:<n>``. The part is a release's name for catalogues and ``train``, ``valid`` or ``test`` for any other
corpus. *n* counts the part's pairs from 1: the line in aligned files, the row below the header in a table.
"""

import argparse
import gzip
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from workbench.cli import UserError, say
from workbench.files import atomic_path
from workbench.text import one_line

COLUMNS = ("id", "source", "target")
GIVEN_PARTS = ("valid", "test")
PARTS = ("train", *GIVEN_PARTS)

_COMPRESSION = 4
_BREAK = re.compile(r"[\t\n\0]")


class SentencePair(NamedTuple):
    """One source and its human target, each on one line."""

    id: str
    source: str
    target: str


def part_of(pair_id: str) -> str:
    """``"train"`` for ``"train:17"``."""
    return pair_id.rpartition(":")[0]


def add_part_options(parser: argparse.ArgumentParser, **options: Any) -> None:
    """Add an option for each part, of which ``train`` is required, with one or more values of the given ``options``."""
    for part in PARTS:
        parser.add_argument(f"--{part}", nargs="+", required=part == "train", **options)


def given_parts(arguments: argparse.Namespace) -> dict[str, list[Any]]:
    """The values of each part that the command line has."""
    return {part: getattr(arguments, part) for part in PARTS if getattr(arguments, part)}


def number_pairs(part: str, texts: Iterable[tuple[str, str]], if_none: str | None = None) -> Iterator[SentencePair]:
    """Give the pairs of one part their ids and put each text on one line; cleaning normalises given parts and counts.

    Raises:
        UserError: there is no pair; ``if_none`` is the message (None: no error).
    """
    number = 0
    for number, (source, target) in enumerate(texts, start=1):
        if part in GIVEN_PARTS:
            source, target = _BREAK.sub(" ", source), _BREAK.sub(" ", target)
        else:
            source, target = one_line(source), one_line(target)
        yield SentencePair(f"{part}:{number}", source, target)
    if not number and if_none is not None:
        raise UserError(if_none)


def write_raw(path: Path, pairs: Iterable[SentencePair]) -> dict[str, int]:
    """Write ``pairs`` compressed, atomically and always to the same bytes; return the number of pairs in each part."""
    counts: Counter[str] = Counter()
    with (
        atomic_path(path) as temporary,
        temporary.open("wb") as file,
        gzip.GzipFile("", "wb", _COMPRESSION, fileobj=file, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as text,
    ):
        text.write("\t".join(COLUMNS) + "\n")
        for pair in pairs:
            text.write("\t".join(pair) + "\n")
            counts[part_of(pair.id)] += 1
    return counts


def write_parts(path: Path, pairs: Iterable[SentencePair]) -> None:
    """Write ``pairs`` as :func:`write_raw` does and say how many each part has."""
    counts = write_raw(path, pairs)
    say(f"{sum(counts.values()):,} pairs: " + ", ".join(f"{count:,} {part}" for part, count in counts.items()))


def read_raw(path: Path) -> Iterator[SentencePair]:
    """Yield the pairs of a table that :func:`write_raw` wrote.

    Raises:
        UserError: the file is damaged or not such a table.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
            if tuple(file.readline().rstrip("\n").split("\t")) != COLUMNS:
                raise UserError(f"{path}: not a table of {', '.join(COLUMNS)}")
            for line in file:
                pair_id, source, target = line.rstrip("\n").split("\t")
                yield SentencePair(pair_id, source, target)
    except (EOFError, gzip.BadGzipFile, ValueError) as error:
        raise UserError(f"{path}: damaged ({error}); delete it and run again") from error
