"""Read and write tables whose rows are dataclasses: one column for each field, in the fields' order.

Fields are ``str``, ``int``, ``float`` or ``float | None``; ``None`` is empty in the file. p-values (``p_...``,
``..._p``) have six decimals, other numbers four.
"""

from collections.abc import Container, Iterable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from workbench.files import damaged
from workbench.tables import p_text, read_header, read_rows, score_text, write_rows

Row = TypeVar("Row")


def columns_of(kind: type[Any]) -> tuple[str, ...]:
    """The columns of a table of ``kind``, a dataclass."""
    return tuple(field.name for field in fields(kind))


def write_records(path: Path, kind: type[Row], rows: Iterable[Row], leave_out: Container[str] = ()) -> int:
    """Write the table, without the columns in ``leave_out``, atomically; return its number of rows."""
    hints = get_type_hints(kind)
    columns = [name for name in columns_of(kind) if name not in leave_out]
    return write_rows(
        path, columns, ([_cell(name, hints[name], getattr(row, name)) for name in columns] for row in rows)
    )


def read_records(path: Path, kind: type[Row]) -> list[Row]:
    """Read a table, in the file's order; the column of a field with a default may be missing.

    Raises:
        UserError: the table is damaged.
    """
    header = read_header(path)
    optional = {field.name for field in fields(kind) if field.default is not MISSING}  # type: ignore[arg-type]
    columns = [name for name in columns_of(kind) if name in header or name not in optional]
    hints = get_type_hints(kind)
    try:
        return [
            kind(**{name: _value(hints[name], text) for name, text in zip(columns, row, strict=True)})
            for row in read_rows(path, columns)
        ]
    except ValueError as error:
        raise damaged(path, f"a field is not a number ({error})") from error


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
