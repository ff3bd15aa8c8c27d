"""Tables whose rows are dataclasses: a column a field, in the fields' order.

Fields are ``str``, ``int``, ``float`` or ``float | None``; ``None`` is empty in the file. p-values (``p_...``,
``..._p``) have six decimals, other numbers four.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, astuple, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from workbench.formats import p_text, score_text
from workbench.tables import read_rows, write_rows

Row = TypeVar("Row")


def columns_of(kind: type[Any]) -> tuple[str, ...]:
    """The columns of a table of ``kind``, a dataclass."""
    return tuple(field.name for field in fields(kind))


def write_records(path: Path, kind: type[Row], rows: Iterable[Row]) -> int:
    """Write the table, atomically, and return its number of rows."""
    columns, hints = columns_of(kind), get_type_hints(kind)

    def cells(row: Any) -> list[object]:
        return [_cell(name, hints[name], value) for name, value in zip(columns, astuple(row), strict=True)]

    return write_rows(path, columns, map(cells, rows))


def read_records(path: Path, kind: type[Row]) -> list[Row]:
    """Read what :func:`write_records` wrote, in the file's order; a field with a default may have no column."""
    with path.open(encoding="utf-8") as file:
        header = file.readline().rstrip("\n").split("\t")
    optional = {field.name for field in fields(kind) if field.default is not MISSING}  # type: ignore[arg-type]
    columns = [name for name in columns_of(kind) if name in header or name not in optional]
    hints = get_type_hints(kind)
    return [
        kind(**{name: _value(hints[name], text) for name, text in zip(columns, row, strict=True)})
        for row in read_rows(path, columns)
    ]


def _cell(name: str, hint: Any, value: Any) -> object:
    if hint in (str, int):
        return value
    return p_text(value) if name.startswith("p_") or name.endswith("_p") else score_text(value)


def _value(hint: Any, text: str) -> str | int | float | None:
    if hint is str:
        return text
    if hint is int:
        return int(text)
    return float(text) if text else None
