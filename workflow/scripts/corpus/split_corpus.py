"""Split the clean corpus into pretrain, pool, valid and test, which share no source and no target.

Rows with the same source or the same target, in the sense of :func:`workbench.text.match_key`, are linked, directly or
through other rows, and go into the same split. Groups of linked rows are drawn in the order of a hash of the seed and
their text: first for ``test``, then for ``valid``, ``pretrain`` and ``pool``. The result therefore does not depend on
the order of the corpus or on neighbouring rows. A larger split begins with the smaller one, and the size of a split
does not change those drawn before it. If the user gave a ``valid`` or ``test`` part, it is that split; an error is
raised if cleaning left nothing of it.

Memory: about 0.3 kB a row; the texts stay in the file.
"""

import argparse
from array import array
from collections import deque
from collections.abc import Collection, Iterator
from pathlib import Path

from corpus.raw_table import COLUMNS, GIVEN_PARTS, part_of
from workbench.cli import UserError, add_repeatable, run_script, say, script_parser
from workbench.files import checked, damaged
from workbench.tables import write_rows
from workbench.text import hash64, match_key

DRAWN_IN_ORDER = ("test", "valid", "pretrain", "pool")
ALL = "all"


class LinkedRows:
    """The rows of the clean corpus: their positions in the file, the links between them and their random order.

    Attributes:
        offsets: where each row begins in the file, in bytes.
        ranks: random numbers; rows are drawn in the order of their ranks.
        given: the rows of the parts that the user gave.
    """

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self.offsets = array("Q")
        self.ranks = array("Q")
        self.given: dict[str, list[int]] = {part: [] for part in GIVEN_PARTS}
        self._parents = array("Q")  # a forest of disjoint sets: the root of a row represents its group
        owners: dict[int, int] = {}
        with checked(path).open("rb") as file:
            columns = file.readline().decode().rstrip("\n").split("\t")
            if tuple(columns) != COLUMNS:
                raise damaged(path, f"its columns are {', '.join(columns)} instead of {', '.join(COLUMNS)}")
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
        """The row that represents all rows linked with ``row``."""
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


def take_given(corpus: LinkedRows, name: str, size: int | None) -> list[int]:
    """The rows of a part that the user gave, in the file's order: all, or the ``size`` rows of lowest rank.

    Raises:
        UserError: the part has fewer than ``size`` rows.
    """
    rows = corpus.given[name]
    if size is None or size == len(rows):
        return rows
    if size > len(rows):
        raise UserError(f"splits.{name}: {size:,} wanted, the {name} part that was given has {len(rows):,}")
    return sorted(sorted(rows, key=corpus.ranks.__getitem__)[:size])


class Drawing:
    """Draws rows without replacement, one group of linked rows after another; given parts are excluded.

    Attributes:
        available: the number of rows not drawn yet.
    """

    def __init__(self, corpus: LinkedRows) -> None:
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
        # Hashed again, because sorting by the lowest rank itself would draw large groups first.
        self._groups = deque(sorted(lowest, key=lambda group: hash64(f"group\t{lowest[group]}")))
        self.available = sum(len(self._rows(group)) for group in self._groups)

    def draw(self, size: int) -> list[int]:
        """Draw ``size`` of the available rows, group by group.

        If the last group has more rows than are missing, its remaining rows are discarded. The rows drawn for a larger
        size therefore begin with those drawn for a smaller one.
        """
        rows: list[int] = []
        while len(rows) < size:
            members = sorted(self._rows(self._groups.popleft()), key=self._ranks.__getitem__)
            rows += members[: size - len(rows)]
            self.available -= len(members)
        return rows

    def _rows(self, group: int) -> list[int]:
        return self._members.get(group, [group])


def assign(
    corpus: LinkedRows, sizes: dict[str, int | None], given: Collection[str], table: Path
) -> dict[str, list[int]]:
    """The rows of every split.

    Args:
        corpus: the clean corpus.
        sizes: the number of rows wanted for each split; None for all of a given part.
        given: the parts that the user gave; each must have a pair left.
        table: the table of reasons that cleaning wrote, for messages.

    Raises:
        UserError: the corpus has too few rows, or none of a given part.
    """
    rows: dict[str, list[int]] = {}
    drawing = Drawing(corpus)
    for name in DRAWN_IN_ORDER:
        size = sizes[name]
        if name in given and not corpus.given[name]:
            raise UserError(
                f"splits.{name}: cleaning left no pair of the {name} part that was given: all were empty or in another "
                f"given part (see {table}); mend its files, or remove the part to split {name} off the training text"
            )
        if corpus.given.get(name):
            rows[name] = take_given(corpus, name, size)
            continue
        if size is None:
            raise UserError(f"splits.{name}: no size, and corpus.{name} is not given; say how many pairs")
        if size > drawing.available:
            before = ", ".join(f"{done} {len(taken):,}" for done, taken in rows.items())
            raise UserError(
                f"splits.{name}: {size:,} pairs wanted, {drawing.available:,} left of {len(corpus):,}"
                f"{f' after {before}' if before else ''}; lower a split, or see in {table} why cleaning left pairs out"
            )
        rows[name] = drawing.draw(size)
    return rows


def main(arguments: argparse.Namespace) -> None:
    """Write the four splits."""
    sizes = {name: None if size == ALL else int(size) for name, size, _ in arguments.split}
    corpus = LinkedRows(arguments.clean, arguments.seed)
    rows = assign(corpus, sizes, arguments.given, arguments.table)
    for name, _, output in arguments.split:
        write_rows(Path(output), COLUMNS, corpus.texts(rows[name]))
    counts = ", ".join(f"{name} {len(rows[name]):,}" for name in sizes)
    say(f"{counts}; {len(corpus) - sum(map(len, rows.values())):,} of {len(corpus):,} pairs not used")


PARSER = script_parser(__doc__)
PARSER.add_argument("--clean", required=True, type=Path, help="clean.tsv")
PARSER.add_argument("--table", required=True, type=Path, help="cleaning.tsv, for messages")
PARSER.add_argument("--seed", required=True, type=int)
SPLITS = f"{', '.join(DRAWN_IN_ORDER)}: each once; the size '{ALL}' is for given parts"
add_repeatable(PARSER, "--split", ("NAME", "SIZE", "OUTPUT"), SPLITS, required=True)
PARSER.add_argument(
    "--given",
    required=True,
    nargs="*",
    choices=GIVEN_PARTS,
    metavar="PART",
    help=f"the parts that the user gave ({' or '.join(GIVEN_PARTS)}); it is an error if one has no pair left",
)


if __name__ == "__main__":
    run_script(PARSER, main)
