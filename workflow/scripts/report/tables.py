"""Tables of a page, rendered from descriptions of their columns."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from report.text.formatting import NOTHING
from workbench.intervals import Interval

INTERVAL = "95 % interval"


@dataclass(frozen=True)
class Cell:
    """A field of a table: text, small print below it, and a class of the style sheet."""

    text: str
    below: str = ""
    style: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    header: str  # heading
    # An attribute of a row, or a function of it: anything that ``format`` takes, an interval of such values, a cell, or
    # None for a dash
    value: str | Callable[[Any], object]
    # Writes a number, which is aligned to the right; None for a column of text
    format: Callable[[Any], str] | None = None
    note: str = ""  # small print below the heading

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
    """A table of a page."""

    caption: str  # what it shows
    columns: Sequence[Column]  # the first heads its row
    rows: Collection[Any]  # what the columns are written from
    folded: bool = False  # whether the page shows it only on request
    is_marked: Callable[[Any], bool] = lambda row: False  # whether a row is highlighted
