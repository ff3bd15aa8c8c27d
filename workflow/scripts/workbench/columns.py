"""Keep columns of text compactly in memory, such as pools of millions of sources.

A Python string takes some fifty bytes besides its characters, and up to four bytes a character if it is not ASCII. The
classes here keep the UTF-8 bytes of all texts in one block and decode a text on access.
"""

import sys
from array import array
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import overload

from workbench.tables import read_rows


class TextColumn(Sequence[str]):
    """Texts by position; each takes its UTF-8 bytes and eight more."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._bytes = bytearray()
        self._ends = array("Q", [0])
        for text in texts:
            self.append(text)

    def append(self, text: str) -> None:
        """Add a text at the end."""
        self._bytes += text.encode()
        self._ends.append(len(self._bytes))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, position: int) -> str: ...

    @overload
    def __getitem__(self, position: slice) -> list[str]: ...

    def __getitem__(self, position: int | slice) -> str | list[str]:
        if isinstance(position, slice):
            return [self[number] for number in range(*position.indices(len(self)))]
        if not -len(self) <= position < len(self):
            raise IndexError(position)
        position %= len(self)
        return self._bytes[self._ends[position] : self._ends[position + 1]].decode()


class TextsById(Mapping[str, str]):
    """Texts by id, in the order in which the ids were read.

    Args:
        positions: the position of each id's text.
        texts: the column that holds the texts.
    """

    def __init__(self, positions: Mapping[str, int], texts: TextColumn) -> None:
        self._positions = positions
        self._texts = texts

    def __getitem__(self, name: str) -> str:
        return self._texts[self._positions[name]]

    def __contains__(self, name: object) -> bool:
        return name in self._positions

    def __iter__(self) -> Iterator[str]:
        return iter(self._positions)

    def __len__(self) -> int:
        return len(self._positions)


def read_by_id(path: Path, columns: Sequence[str], only: Container[str] | None = None) -> list[TextsById]:
    """The named columns of a table, each by the table's column ``id``; the last of several rows with one id counts.

    With ``only``, rows of other ids are skipped.

    Raises:
        UserError: as :func:`workbench.tables.read_rows`.
    """
    positions: dict[str, int] = {}
    texts = [TextColumn() for _ in columns]
    rows = (row for row in read_rows(path, ["id", *columns]) if only is None or row[0] in only)
    for number, (name, *fields) in enumerate(rows):
        positions[sys.intern(name)] = number  # tables of one study share their ids
        for column, field in zip(texts, fields, strict=True):
            column.append(field)
    return [TextsById(positions, column) for column in texts]
