"""Compact columns of text behave like lists and dicts of the same texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.columns import TextColumn, read_by_id
from workbench.tables import write_rows

TEXTS = ["eins", "", "Zwölf “Äpfel”", "三つ", "𝔵 five"]


def test_a_column_holds_what_a_list_holds() -> None:
    column = TextColumn(TEXTS[:2])
    for text in TEXTS[2:]:
        column.append(text)
    assert list(column) == TEXTS
    assert len(column) == 5
    assert (column[-1], column[2], column[1:4]) == (TEXTS[-1], TEXTS[2], TEXTS[1:4])
    for place in (5, -6):
        with pytest.raises(IndexError):
            column[place]


def test_a_table_by_id_holds_what_a_dict_holds(tmp_path: Path) -> None:
    rows = [(f"t:{number}", text, text.upper()) for number, text in enumerate(TEXTS)]
    write_rows(tmp_path / "table.tsv", ["id", "text", "loud"], [*rows, ("t:1", "again", "AGAIN")])
    loud, texts = read_by_id(tmp_path / "table.tsv", ["loud", "text"])
    assert dict(texts) == {name: text for name, text, _ in rows} | {"t:1": "again"}
    assert list(loud) == [name for name, _, _ in rows]
    assert len(texts) == 5
    assert ("t:2" in texts, "t:9" in texts, texts.get("t:9")) == (True, False, None)
