"""Numbers that are on only one side of a pair.

Numbers are compared by value, however their digits are grouped: 10.000, 10,000 and 10 000 are equal, and so are 3,5 and
3.50. Dates and times are compared part by part, without leading zeros and in any order: 19:15 agrees with 7:15 if one
side says a.m. or p.m., 1919 agrees with 19, and the month of a date may be a word. A number that a hyphen attaches to
letters before it (Covid-19) belongs to a name and may be missing. Numbers written as words are not read. Writers spell
out small numbers, so these count only if they were exchanged: if the other side has an unmatched number too. Endless
digits, as models in a loop write them, are read in pieces.

The definition is ours.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

_NUMBER = re.compile(r"(?<!\d)\d{1,3}(?: \d{3}){1,9}(?!\d)|\d{1,30}(?:[.,:/'’]\d{1,30}){0,9}")
_PAIR_DATE = re.compile(r"\d{1,2}\.\d{1,2}")  # followed by a full stop: 16.3.
_LONG_DATE = re.compile(r"\d{1,4}([./])\d{1,2}\1\d{1,4}")
_TIED = re.compile(r"[^\W\d_]-")
_TWELVE_HOURS = re.compile(r"\d ?[ap]\.? ?m\b", re.IGNORECASE)
_GROUPING = {".", ",", "'", "’", " "}
_YEARS = range(1000, 3000)
_DECIMAL = {".", ","}


@dataclass(frozen=True)
class Number:
    """A number as written."""

    value: str | None  # canonical decimal spelling; None if it has parts but no value, such as a date
    parts: tuple[int, ...]  # the whole numbers between its separators; one for a plain or grouped number
    is_date: bool = False  # whether it looks like a date
    is_name: bool = False  # whether it is part of a name

    def is_below(self, limit: int) -> bool:
        """Whether it is a simple whole number below ``limit``."""
        return len(self.parts) == 1 and self.parts[0] < limit


class NumberMismatch(NamedTuple):
    """How many numbers of a source are missing from its target, and how many numbers of the target it lacks."""

    missing: int
    added: int


def number_mismatch(source: str, target: str, spelt_below: int) -> NumberMismatch:
    """Compare the numbers of a source and its target; a repeated number counts once.

    Args:
        spelt_below: whole numbers below this one may be spelled out on the other side: they count only if both sides
            have a number that the other lacks.
    """
    of_source, of_target = read_numbers(source), read_numbers(target)
    twelve_hours = bool(_TWELVE_HOURS.search(source) or _TWELVE_HOURS.search(target))
    missing = _unmatched(of_source, of_target, twelve_hours, spelt_below)
    added = _unmatched(of_target, of_source, twelve_hours, spelt_below)
    if not (missing and added):
        missing, added = ([n for n in side if not n.is_below(spelt_below)] for side in (missing, added))
    return NumberMismatch(len(missing), len(added))


def read_numbers(text: str) -> list[Number]:
    """The distinct numbers of a text, in order."""
    numbers = []
    for found in _NUMBER.finditer(text):
        number = _read(found.group(), before_stop=text.startswith(".", found.end()))
        is_name = _TIED.fullmatch(text[max(0, found.start() - 2) : found.start()]) is not None
        numbers.append(replace(number, is_name=is_name))
    return list(dict.fromkeys(numbers))


def _read(written: str, before_stop: bool) -> Number:
    digits = re.split(r"\D", written)
    separators = re.findall(r"\D", written)
    grouped = _grouped(digits, separators)
    if grouped is not None:
        return Number(str(grouped), (grouped,))
    parts = tuple(map(int, digits))
    if _LONG_DATE.fullmatch(written) or (before_stop and _PAIR_DATE.fullmatch(written)):
        return Number(None, parts, is_date=True)
    *groups, last = separators
    whole = _grouped(digits[:-1], groups)
    if whole is not None and last in _DECIMAL and last not in groups:
        fraction = digits[-1].rstrip("0")
        return Number(f"{whole}.{fraction}" if fraction else str(whole), parts)
    return Number(None, parts)


def _grouped(digits: list[str], separators: list[str]) -> int | None:
    """The whole number that groups of three digits form; None if they do not form one."""
    if len(digits) == 1:
        return int(digits[0])
    alike = len(set(separators)) == 1 and separators[0] in _GROUPING
    threes = 1 <= len(digits[0]) <= 3 and digits[0] != "0" and all(len(group) == 3 for group in digits[1:])
    return int("".join(digits)) if alike and threes else None


def _unmatched(numbers: Iterable[Number], others: list[Number], twelve_hours: bool, spelt_below: int) -> list[Number]:
    """The ``numbers`` that ``others`` do not contain, neither by value nor by parts."""
    values = {number.value for number in others if number.value is not None}
    parts = {part for number in others for part in number.parts}
    years = parts.intersection(_YEARS)

    def is_there(part: int, number: Number) -> bool:
        if part in parts or (part == 0 and len(number.parts) > 1):
            return True
        if 10 <= part < 100 and any(part == year % 100 for year in years):
            return True
        if part in _YEARS and part % 100 >= 10 and part % 100 in parts:
            return True
        return twelve_hours and part <= 24 and not parts.isdisjoint({part - 12, part + 12})

    def agrees(number: Number) -> bool:
        if number.is_name or number.value in values:
            return True
        absent = [part for part in number.parts if not is_there(part, number)]
        if number.is_date and len(absent) < len(number.parts):
            return all(part < spelt_below for part in absent)
        return not absent

    return [number for number in numbers if not agrees(number)]
