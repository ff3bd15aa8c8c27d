"""Tab-separated tables as the workflow writes them: UTF-8, a header, ``\\n`` line ends, no quoting.

Fields never hold a tab or a line break: texts are made :func:`workbench.text.one_line` where they enter the
workflow. So every table can be read with ``cut``, ``grep`` and ``pandas.read_csv(sep="\\t", quoting=3)`` alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from workbench.cli import UserError
from workbench.files import atomic_path


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the named columns of every row of ``path`` as text, one row at a time.

    Raises:
        UserError: a column is missing or a row has another number of fields than the header.
    """
    with path.open(encoding="utf-8", newline="\n") as file:
        header = file.readline().rstrip("\n").split("\t")
        missing = [column for column in columns if column not in header]
        if missing:
            raise UserError(f"{path}: no column {missing[0]!r}; it has {', '.join(header)}")
        places = [header.index(column) for column in columns]
        for number, line in enumerate(file, start=2):
            fields = line.rstrip("\n").split("\t")
            if len(fields) != len(header):
                raise UserError(f"{path}, line {number}: {len(fields)} fields where the header has {len(header)}")
            yield tuple(fields[place] for place in places)


@contextmanager
def row_writer(path: Path, columns: Sequence[str]) -> Iterator[Callable[[Sequence[object]], None]]:
    """A function that adds a row under the header ``columns`` to a table, which appears when the block ends well.

    The function raises ValueError for a field that holds a tab or a line break and for a row with another number of
    fields than ``columns``.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:

        def write(row: Sequence[object]) -> None:
            fields = [str(field) for field in row]
            if len(fields) != len(columns) or any("\t" in f or "\n" in f for f in fields):
                raise ValueError(f"not a row of {columns}: {fields}")
            file.write("\t".join(fields) + "\n")

        file.write("\t".join(columns) + "\n")
        yield write


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write ``rows`` under the header ``columns``, atomically, and return how many there were.

    Raises:
        ValueError: a field holds a tab or a line break, or a row has another number of fields than ``columns``.
    """
    count = 0
    with row_writer(path, columns) as write:
        for row in rows:
            write(row)
            count += 1
    return count
