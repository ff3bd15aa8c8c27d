"""Tables of a page, rendered from descriptions of their columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from report.text.formatting import NOTHING, Interval, interval_of, points, signed_points

SIGNED = signed_points
INTERVAL = "95 % interval"


@dataclass(frozen=True)
class Cell:
    """A field of a table: text, small print below it, and a class of the style sheet."""

    text: str
    below: str = ""
    style: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        header: heading.
        value: an attribute of a row, or a function of it: anything that ``format`` takes, an interval of such values, a
            cell, or None for a dash.
        format: writes a number; None for a column of text.
        note: small print below the heading.
    """

    header: str
    value: str | Callable[[Any], object]
    format: Callable[[Any], str] | None = None
    note: str = ""

    @property
    def is_number(self) -> bool:
        """Whether the column holds numbers, which are aligned to the right."""
        return self.format is not None

    def cell(self, row: object) -> Cell:
        """The field of one row."""
        value = getattr(row, self.value) if isinstance(self.value, str) else self.value(row)
        write = self.format or str
        if isinstance(value, Cell):
            return value
        if isinstance(value, Interval):
            return Cell(write(value.value), f"{write(value.low)} to {write(value.high)}")
        return Cell(NOTHING if value is None else write(value))


@dataclass(frozen=True)
class Table:
    """A table of a page.

    Attributes:
        caption: what it shows.
        head: a cell for each column.
        numbers: for each column, whether it holds numbers.
        rows: a cell for each column; the first heads its row.
        folded: whether the page shows it only on request.
        marked: places of the rows that are highlighted.
    """

    caption: str
    head: Sequence[Cell]
    numbers: Sequence[bool]
    rows: Sequence[Sequence[Cell]]
    folded: bool = False
    marked: Sequence[int] = ()


def table(
    caption: str,
    columns: Sequence[Column],
    rows: Iterable[Any],
    folded: bool = False,
    is_marked: Callable[[Any], bool] = lambda row: False,
) -> Table:
    """Write ``rows`` as a table; arguments as for :class:`Table`."""
    rows = list(rows)
    return Table(
        caption=caption,
        head=[Cell(column.header, column.note) for column in columns],
        numbers=[column.is_number for column in columns],
        rows=[[column.cell(row) for column in columns] for row in rows],
        folded=folded,
        marked=[place for place, row in enumerate(rows) if is_marked(row)],
    )


def interval_column(header: str, name: str, format: Callable[[Any], str] = points, note: str = INTERVAL) -> Column:
    """A column of the field ``name``, with its interval in small print: see :func:`interval_of`."""
    return Column(header, lambda row: interval_of(row, name), format, note)
