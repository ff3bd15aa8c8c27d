"""Split the clean corpus into pretrain, pool, valid and test, which share no source and no target.

Rows with the same source or the same target, in the sense of :func:`workbench.text.match_key`, are
linked, directly or through others, and go into one split together. Groups are drawn in the order of
a hash of the seed and their text, for ``test`` first, then ``valid``, ``pretrain`` and ``pool``:
neither the order of the corpus nor the rows around a row matter, a larger split begins with the
smaller one, and a split's size changes none that is drawn before it. Parts that the user gave as
``valid`` or ``test`` are those splits, and none is cut in the place of one that cleaning left nothing of.

Memory: about 0.3 kB a row; the texts stay in the file.
"""

from __future__ import annotations

import argparse
import hashlib
from array import array
from collections import deque
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from corpus.raw_table import COLUMNS, GIVEN_PARTS, part_of
from workbench.cli import UserError, run_script, say, script_parser
from workbench.tables import write_rows
from workbench.text import match_key

DRAWN_IN_ORDER = ("test", "valid", "pretrain", "pool")
ALL = "all"


class Split(NamedTuple):
    """What is wanted of one split."""

    size: int | None
    """rows; ``None`` for all of a given part"""
    output: Path


class Corpus:
    """Where the rows of the clean corpus are, what links them and the order in which they are
    drawn.
    """

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self.offsets = array("Q")
        """where each row begins in the file, in bytes"""
        self.ranks = array("Q")
        """each row's place in the order of drawing: rows are drawn by rising rank"""
        self.given: dict[str, list[int]] = {part: [] for part in GIVEN_PARTS}
        """rows of the parts that the user gave"""
        self._parents = array("Q")
        self._read(seed)

    def _read(self, seed: int) -> None:
        owners: dict[int, int] = {}
        with self.path.open("rb") as file:
            columns = file.readline().decode().rstrip("\n").split("\t")
            if tuple(columns) != COLUMNS:
                raise UserError(f"{self.path}: columns {', '.join(columns)}; expected {', '.join(COLUMNS)}")
            offset = file.tell()
            for row, line in enumerate(file):
                pair_id, source, target = line.decode().rstrip("\n").split("\t")
                source_key = match_key(source)
                self.offsets.append(offset)
                self.ranks.append(hash64(f"{seed}\t{source_key}"))
                self._parents.append(row)
                for key in (f"source\t{source_key}", f"target\t{match_key(target)}"):
                    self._link(row, owners.setdefault(hash64(key), row))
                if part_of(pair_id) in self.given:
                    self.given[part_of(pair_id)].append(row)
                offset += len(line)

    def __len__(self) -> int:
        return len(self.offsets)

    def group(self, row: int) -> int:
        """The row that stands for all rows linked with ``row``."""
        parents = self._parents
        while parents[row] != row:
            parents[row] = parents[parents[row]]
            row = parents[row]
        return row

    def _link(self, row: int, other: int) -> None:
        low, high = sorted((self.group(row), self.group(other)))
        self._parents[high] = low

    def texts(self, rows: list[int]) -> Iterator[list[str]]:
        """The columns of ``rows``, in this order."""
        with self.path.open("rb") as file:
            for row in rows:
                file.seek(self.offsets[row])
                yield file.readline().decode().rstrip("\n").split("\t")


def hash64(text: str) -> int:
    """The first eight bytes of a text's SHA-256 as a number."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def take_given(corpus: Corpus, name: str, size: int | None) -> list[int]:
    """The rows of a part that the user gave, in their order: all, or ``size`` of them drawn by
    rank.

    Raises:
        UserError: ``size`` is larger than the part.
    """
    rows = corpus.given[name]
    if size is None or size == len(rows):
        return rows
    if size > len(rows):
        raise UserError(f"splits.{name}: {size:,} wanted, the {name} part that was given has {len(rows):,}")
    return sorted(sorted(rows, key=lambda row: (corpus.ranks[row], row))[:size])


class Drawing:
    """The groups of linked rows that are still free, in the order in which they are drawn."""

    def __init__(self, corpus: Corpus) -> None:
        self._ranks = corpus.ranks
        taken = {corpus.group(row) for rows in corpus.given.values() for row in rows}
        lowest: dict[int, int] = {}
        self._members: dict[int, list[int]] = {}
        for row, rank in enumerate(corpus.ranks):
            group = corpus.group(row)
            if group in taken:
                continue
            if group in lowest:
                self._members.setdefault(group, [group]).append(row)
            lowest[group] = min(lowest.get(group, rank), rank)
        # Hashed again: the lowest rank itself would draw large groups first.
        order = sorted(lowest, key=lambda group: (hash64(f"group\t{lowest[group]}"), group))
        self._groups = deque(order)
        self.available = sum(len(self._rows(group)) for group in order)
        """rows that are free"""

    def draw(self, size: int) -> list[int]:
        """``size`` of the rows that are free, group by group.

        If the last group is larger than what is missing, the rest of it goes nowhere: so what is
        drawn for a larger size begins with what is drawn for a smaller one.
        """
        rows: list[int] = []
        while len(rows) < size:
            members = sorted(self._rows(self._groups.popleft()), key=self._order)
            rows += members[: size - len(rows)]
            self.available -= len(members)
        return rows

    def _rows(self, group: int) -> list[int]:
        return self._members.get(group, [group])

    def _order(self, row: int) -> tuple[int, int]:
        return self._ranks[row], row


def assign(corpus: Corpus, splits: dict[str, Split], given: Collection[str], table: Path) -> dict[str, list[int]]:
    """The rows of every split.

    Args:
        corpus: the clean corpus.
        splits: all four, by name.
        given: the parts that the user gave, of which some pair must be left.
        table: the table that says what cleaning left out, for messages.

    Raises:
        UserError: there are not as many rows as are wanted, or none of a given part.
    """
    rows: dict[str, list[int]] = {}
    drawing = Drawing(corpus)
    for name in DRAWN_IN_ORDER:
        size = splits[name].size
        if name in given and not corpus.given[name]:
            raise UserError(
                f"splits.{name}: cleaning left no pair of the {name} part that was given: all were empty or in another "
                f"given part (see {table}); mend its files, or give no {name} part and it is cut from the training text"
            )
        if corpus.given.get(name):
            rows[name] = take_given(corpus, name, size)
            continue
        if size is None:
            raise UserError(f"splits.{name}: no size, and corpus.{name} is not given; say how many pairs")
        if size > drawing.available:
            before = ", ".join(f"{done} {len(taken):,}" for done, taken in rows.items())
            raise UserError(
                f"splits.{name}: {size:,} pairs wanted, {drawing.available:,} left of "
                f"{len(corpus):,}{f' after {before}' if before else ''}; lower a split, or see in "
                f"{table} why cleaning left pairs out"
            )
        rows[name] = drawing.draw(size)
    return rows


def parse_split(name: str, size: str, output: str) -> Split:
    """A split as the command line gives it.

    Raises:
        UserError: the name or the size is not allowed.
    """
    if name not in DRAWN_IN_ORDER:
        raise UserError(f"splits: {name!r} is none of {', '.join(DRAWN_IN_ORDER)}")
    if size == ALL and name in GIVEN_PARTS:
        return Split(None, Path(output))
    if not (size.isascii() and size.isdigit()):
        raise UserError(f"splits.{name}: {size!r} is no number of pairs")
    return Split(int(size), Path(output))


def main(arguments: argparse.Namespace) -> None:
    splits = {values[0]: parse_split(*values) for values in arguments.split}
    missing = [name for name in DRAWN_IN_ORDER if name not in splits]
    if missing:
        raise UserError(f"splits: no {missing[0]}")
    corpus = Corpus(arguments.clean, arguments.seed)
    rows = assign(corpus, splits, arguments.given, arguments.table)
    for name, split in splits.items():
        write_rows(split.output, COLUMNS, corpus.texts(rows[name]))
    sizes = ", ".join(f"{name} {len(rows[name]):,}" for name in splits)
    say(f"{sizes}; {len(corpus) - sum(map(len, rows.values())):,} of {len(corpus):,} pairs not used")


if __name__ == "__main__":
    parser = script_parser(__doc__)
    parser.add_argument("--clean", required=True, type=Path, help="clean.tsv")
    parser.add_argument("--table", required=True, type=Path, help="cleaning.tsv, for messages")
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument(
        "--split",
        required=True,
        action="append",
        nargs=3,
        metavar=("NAME", "SIZE", "OUTPUT"),
        help=f"{', '.join(DRAWN_IN_ORDER)}: each once; '{ALL}' for the size of a given part",
    )
    parser.add_argument(
        "--given",
        required=True,
        nargs="*",
        choices=GIVEN_PARTS,
        metavar="PART",
        help=f"the parts that the user gave, of {' and '.join(GIVEN_PARTS)}; an error if no pair of one is left",
    )
    run_script(parser, main)
