"""Columns of text that are too long for lists of Python's strings: whole pools of millions of sources.

A string of Python takes some fifty bytes besides its characters, and one that is not ASCII up to four bytes a
character. These keep the UTF-8 bytes of all texts in one block and decode a text when it is asked for.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import overload

from workbench.tables import read_rows


class TextColumn(Sequence[str]):
    """Texts by position, in the memory of their UTF-8 bytes and eight bytes each."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._bytes = bytearray()
        self._ends = array("Q", [0])
        self.extend(texts)

    def append(self, text: str) -> None:
        """Add a text at the end."""
        self._bytes += text.encode()
        self._ends.append(len(self._bytes))

    def extend(self, texts: Iterable[str]) -> None:
        """Add texts at the end."""
        for text in texts:
            self.append(text)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        place %= len(self)
        return self._bytes[self._ends[place] : self._ends[place + 1]].decode()


class TextsById(Mapping[str, str]):
    """Texts by id, in the order in which the ids were read.

    Args:
        places: the position of each id's text.
        texts: the column that they are in.
    """

    def __init__(self, places: Mapping[str, int], texts: TextColumn) -> None:
        self._places = places
        self._texts = texts

    def __getitem__(self, name: str) -> str:
        return self._texts[self._places[name]]

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def read_by_id(path: Path, columns: Sequence[str], only: Container[str] | None = None) -> list[TextsById]:
    """The named columns of a table, each by the table's column ``id``; of rows with one id the last counts.

    With ``only``, the rows of these ids.

    Raises:
        UserError: as :func:`workbench.tables.read_rows`.
    """
    places: dict[str, int] = {}
    texts = [TextColumn() for _ in columns]
    rows = (row for row in read_rows(path, ["id", *columns]) if only is None or row[0] in only)
    for number, (name, *fields) in enumerate(rows):
        places[sys.intern(name)] = number  # tables of one study share their ids
        for column, field in zip(texts, fields, strict=True):
            column.append(field)
    return [TextsById(places, column) for column in texts]
