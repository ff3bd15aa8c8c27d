"""Read and write tab-separated tables: UTF-8, a header, ``\\n`` line ends, no quoting.

Fields never contain a tab or a line break, because :func:`workbench.text.one_line` is applied to all text that enters
the workflow. Every table can therefore be read with ``cut``, ``grep`` and ``pandas.read_csv(sep="\\t", quoting=3)``.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from workbench.files import atomic_path, checked, damaged


def read_header(path: Path) -> list[str]:
    """The names of a table's columns."""
    with checked(path).open(encoding="utf-8", errors="replace", newline="\n") as file:
        return file.readline().rstrip("\n").split("\t")


def count_rows(path: Path) -> int:
    """The number of a table's rows below the header."""
    with checked(path).open("rb") as file:
        return sum(1 for _ in file) - 1


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the named columns of every row of ``path`` as text, one row at a time.

    Raises:
        UserError: the table is damaged: its content has changed, a column is missing, or a row and the header have
            different numbers of fields.
    """
    header = read_header(path)
    if missing := [column for column in columns if column not in header]:
        raise damaged(
            path, f"there is no column {missing[0]!r}, only {', '.join(repr(name[:40]) for name in header[:20])}"
        )
    places = [header.index(column) for column in columns]
    with path.open(encoding="utf-8", newline="\n") as file:
        try:
            for number, line in enumerate(file, start=1):
                fields = line.rstrip("\n").split("\t")
                if len(fields) != len(header):
                    raise damaged(path, f"line {number} has {len(fields)} fields where the header has {len(header)}")
                if number > 1:
                    yield tuple(fields[place] for place in places)
        except UnicodeDecodeError as error:
            raise damaged(path, f"it is not UTF-8 ({error.reason})") from error


@contextmanager
def row_writer(path: Path, columns: Sequence[str]) -> Iterator[Callable[[Sequence[object]], None]]:
    """A function that adds one row to a table with the header ``columns``; the file appears if the block succeeds.

    A field that is None is empty. The function raises ValueError if a field contains a tab or a line break, or if the
    number of fields is not that of ``columns``.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:

        def write(row: Sequence[object]) -> None:
            fields = ["" if field is None else str(field) for field in row]
            if len(fields) != len(columns) or any("\t" in f or "\n" in f for f in fields):
                raise ValueError(f"not a row of {columns}: {fields}")
            file.write("\t".join(fields) + "\n")

        file.write("\t".join(columns) + "\n")
        yield write


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write ``rows`` under the header ``columns``, atomically, and return their number.

    Raises:
        ValueError: as the function of :func:`row_writer`.
    """
    count = 0
    with row_writer(path, columns) as write:
        for row in rows:
            write(row)
            count += 1
    return count


def score_text(value: float | None) -> str:
    """A score or a difference of scores with four decimals, the same on every machine; empty for ``None``."""
    return "" if value is None else f"{value:.4f}".replace("-0.0000", "0.0000")


def p_text(value: float | None) -> str:
    """A p-value with six decimals; empty for ``None``."""
    return "" if value is None else f"{value:.6f}"
