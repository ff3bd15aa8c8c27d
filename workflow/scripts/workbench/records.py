"""Read and write tables whose rows are dataclasses: one column for each field, in the fields' order.

Fields are ``str``, ``int``, ``float`` or ``float | None``; ``None`` is empty in the file. An :class:`Interval` or
``Interval | None`` has three columns: its own name for the value, ``NAME_low`` and ``NAME_high``. p-values (``p_...``,
``..._p``) have six decimals, other numbers four.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from workbench.files import damaged
from workbench.intervals import Interval
from workbench.tables import p_text, read_header, read_rows, score_text, write_rows

Row = TypeVar("Row")
_INTERVALS = (Interval, Interval | None)


def columns_of(kind: type[Any], names: Iterable[str] | None = None) -> list[str]:
    """The columns of a table of ``kind``, a dataclass, or those of the fields called ``names``."""
    hints = get_type_hints(kind)
    ends = {name: ("", "_low", "_high") if hints[name] in _INTERVALS else ("",) for name in names or _names(kind)}
    return [name + end for name in ends for end in ends[name]]


def _names(kind: type[Any]) -> list[str]:
    return [field.name for field in fields(kind)]


def write_records(path: Path, kind: type[Row], rows: Iterable[Row], leave_out: Container[str] = ()) -> int:
    """Write the table, without the fields in ``leave_out``, atomically; return its number of rows."""
    hints = get_type_hints(kind)
    names = [name for name in _names(kind) if name not in leave_out]
    cells = ([cell for name in names for cell in _cells(name, hints[name], getattr(row, name))] for row in rows)
    return write_rows(path, columns_of(kind, names), cells)


def read_records(path: Path, kind: type[Row]) -> list[Row]:
    """Read a table, in the file's order; the column of a field with a default may be missing.

    Raises:
        UserError: the table is damaged.
    """
    header = read_header(path)
    optional = {field.name for field in fields(kind) if field.default is not MISSING}  # type: ignore[arg-type]
    names = [name for name in _names(kind) if name in header or name not in optional]
    hints = get_type_hints(kind)
    try:
        return [
            kind(**{name: _value(hints[name], cells) for name in names})
            for cells in map(iter, read_rows(path, columns_of(kind, names)))
        ]
    except ValueError as error:
        raise damaged(path, f"a field is not a number ({error})") from error


def _cells(name: str, hint: Any, value: Any) -> Iterable[object]:
    if hint in (str, int):
        return [value]
    if hint in _INTERVALS:
        return map(score_text, (value.value, value.low, value.high) if value else (None,) * 3)
    return [p_text(value) if name.startswith("p_") or name.endswith("_p") else score_text(value)]


def _value(hint: Any, cells: Iterator[str]) -> Any:
    """The value of a field from the next of a row's cells."""
    text = next(cells)
    if hint in (str, int):
        return hint(text)
    if hint in _INTERVALS:
        limits = (text, next(cells), next(cells))
        return Interval(*map(float, limits)) if all(limits) or hint is Interval else None
    return float(text) if text else None
