"""Numbers that are on one side only."""

from __future__ import annotations

import pytest

from analyse.errors.number_mismatch import NumberMismatch, number_mismatch

SAME = [
    ("10.000 Leute", "10,000 people"),
    ("10 000 Leute", "10,000 people"),
    ("1.234.567,50 Euro", "1,234,567.5 euros"),
    ("3,50 Euro", "3.5 euros"),
    ("2,0 Liter", "2 litres"),
    ("am 01.09.2004", "on 1 September 2004"),
    ("am 12.12.19", "on 12/12/2019"),
    ("am 16.3. gestartet", "started on March 16th"),
    ("um 19:15 Uhr", "at 7:15 p.m."),
    ("um 19.15 Uhr", "at 7:15 PM"),
    ("um 14:00 Uhr", "at 2 pm"),
    ("etwa um 0:30", "about 12:30 AM"),
    ("die 90er-Jahre", "the 1990s"),
    ("die Impfung", "the COVID-19 vaccination"),
    ("an Covid-19 erkrankt", "ill with Covid 19"),
    ("Mitte 1969", "in mid-1969"),
    ("4 Kinder", "four children"),
    ("zehn Minuten", "10 minutes"),
    ("5 von 5", "5 of 5 and 5"),
    ("keine Zahl", "no number"),
]
OTHER = [
    ("max. 43 °C", "max. 430 C", 1, 1),
    ("um 14 Uhr", "at 4 pm", 1, 1),
    ("3 Dateien", "4 files", 1, 1),
    ("3,5 Prozent", "35 percent", 1, 1),
    ("50 Termine", "fifty dates", 1, 0),
    ("Version 2.7", "version", 1, 0),
    ("Fehler", "error 404", 0, 1),
    ("1995 und 1996", "1995 and 1997", 1, 1),
    ("12 345 678 Stück", "12,345 pieces", 1, 1),
]


@pytest.mark.parametrize(("source", "target"), SAME)
def test_other_spellings_of_the_same_numbers_agree_both_ways(source: str, target: str) -> None:
    assert number_mismatch(source, target, 13) == NumberMismatch(0, 0)
    assert number_mismatch(target, source, 13) == NumberMismatch(0, 0)


@pytest.mark.parametrize(("source", "target", "missing", "added"), OTHER)
def test_other_numbers_count_and_sides_exchange_them(source: str, target: str, missing: int, added: int) -> None:
    assert number_mismatch(source, target, 13) == NumberMismatch(missing, added)
    assert number_mismatch(target, source, 13) == NumberMismatch(added, missing)


def test_the_limit_of_what_writers_spell_out_is_the_callers() -> None:
    assert number_mismatch("4 Kinder", "four children", 0) == NumberMismatch(1, 0)
    assert number_mismatch("50 Kinder", "fifty children", 51) == NumberMismatch(0, 0)


@pytest.mark.parametrize("loop", ["1" * 9000, "1." * 9000, "111," * 9000, "111 " * 9000])
def test_digits_without_end_are_numbers_too_many(loop: str) -> None:
    assert number_mismatch("Seite", loop, 13).added > 0
