"""Tables of work that a provider carries out over hours: batches, fine-tuning jobs and uploaded files."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from llm.journal.calls import storable

if TYPE_CHECKING:
    from llm.journal import Journal


class _Row(Protocol):
    @property
    def id(self) -> int: ...


R = TypeVar("R", bound=_Row)


class RemoteTable(Generic[R]):
    """One table of the journal and its rows as named tuples.

    Args:
        name: of the table.
        noun: what to call one of its rows in a message.
        make: the row's class.
        columns: of the table, in the order of the class's fields.
    """

    def __init__(self, name: str, noun: str, make: Callable[..., R], columns: Sequence[str]) -> None:
        self._name = name
        self._noun = noun
        self._make = make
        self._select = f"SELECT {', '.join(columns)} FROM {name} WHERE"

    def exists(self, journal: Journal) -> bool:
        """Whether the journal has the table; one that no newer workbench has written to may lack it."""
        return bool(journal.read("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (self._name,)))

    def rows(
        self, journal: Journal, condition: str = "1", parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[R]:
        """The rows that meet an SQL condition, oldest first."""
        if not self.exists(journal):
            return []
        return [self._make(*row) for row in journal.read(f"{self._select} {condition} ORDER BY id", parameters)]

    def first(self, journal: Journal, condition: str, parameters: Sequence[Any] | Mapping[str, Any]) -> R | None:
        """The oldest row that meets an SQL condition, None if no row does."""
        return next(iter(self.rows(journal, condition, parameters)), None)

    def named(self, journal: Journal, name: str) -> R | None:
        """The newest row with this name of the provider's or of ours, or with this number; None if there is none."""
        found = self.rows(journal, "remote_id = :name OR intent = :name OR CAST(id AS TEXT) = :name", {"name": name})
        return found[-1] if found else None

    def is_known(self, journal: Journal, remote_id: str) -> bool:
        """Whether a row has the provider's name ``remote_id``."""
        return self.first(journal, "remote_id = ?", (remote_id,)) is not None

    def row(self, db: sqlite3.Connection, number: int) -> R:
        """The row with this number."""
        return self._make(*db.execute(f"{self._select} id = ?", (number,)).fetchone())

    def insert(self, db: sqlite3.Connection, columns: Mapping[str, object]) -> R:
        """Add a row and return it."""
        places = ", ".join(f":{name}" for name in columns)
        values = {name: storable(value) for name, value in columns.items()}
        cursor = db.execute(f"INSERT INTO {self._name}({', '.join(columns)}) VALUES ({places})", values)
        return self.row(db, cursor.lastrowid or 0)

    def move(self, db: sqlite3.Connection, row: R, before: Collection[str], **columns: object) -> R:
        """Change a row that is in one of the states ``before``, and return it.

        Raises:
            RuntimeError: it is in another state, which is a defect.
        """
        setting = ", ".join(f"{name} = ?" for name in columns)
        places = ", ".join("?" * len(before))
        query = f"UPDATE {self._name} SET {setting} WHERE id = ? AND state IN ({places})"
        if not db.execute(query, (*map(storable, columns.values()), row.id, *before)).rowcount:
            raise RuntimeError(f"{self._noun} {row.id} is not {' or '.join(before)}")
        return self.row(db, row.id)
