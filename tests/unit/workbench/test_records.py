"""Tables of records: a value with its interval is three columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from workbench.cli import UserError
from workbench.intervals import Interval
from workbench.records import columns_of, read_records, write_records


@dataclass(frozen=True)
class Measured:
    name: str
    score: Interval
    difference: Interval | None
    p_value: float | None


def test_intervals_are_three_columns_and_come_back(tmp_path: Path) -> None:
    rows = [
        Measured("a", Interval(2.5, 1.25, 3), Interval(-1, -2, 0), 0.25),
        Measured("b", Interval(0, 0, 0), None, None),
    ]
    write_records(tmp_path / "t.tsv", Measured, rows)
    header, first, second = (tmp_path / "t.tsv").read_text().splitlines()
    assert header.split("\t") == columns_of(Measured)
    assert columns_of(Measured)[1:5] == ["score", "score_low", "score_high", "difference"]
    assert first.split("\t") == ["a", "2.5000", "1.2500", "3.0000", "-1.0000", "-2.0000", "0.0000", "0.250000"]
    assert second.split("\t") == ["b", *["0.0000"] * 3, *[""] * 4]
    assert read_records(tmp_path / "t.tsv", Measured) == rows


def test_only_an_interval_that_may_be_missing_may_be_empty(tmp_path: Path) -> None:
    columns = "\t".join(columns_of(Measured))
    (tmp_path / "t.tsv").write_text(f"{columns}\na\t1\t0\t2\t1\t\t\t\n")
    assert read_records(tmp_path / "t.tsv", Measured)[0].difference is None
    (tmp_path / "t.tsv").write_text(f"{columns}\na\t1\t\t\t1\t0\t2\t\n")
    with pytest.raises(UserError, match="not a number"):
        read_records(tmp_path / "t.tsv", Measured)
