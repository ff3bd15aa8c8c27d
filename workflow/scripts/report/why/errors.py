"""Which errors a text has more or fewer of than human text, in sentences.

The human floor is the same measure on human targets. A text is above or below it if the interval of the difference
excludes zero and the p-value, after Holm's correction over the measures of the text, is below 0.05.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from report.analysis_tables import ANY, ErrorRow
from report.text.findings import Findings
from report.text.formatting import capital, clauses, count, known_interval_of, listing, points, signed_points
from report.text.names import measure_name
from report.why.texts import Wording, measures_text, text_findings

_SIDES = {1: ("exceeds the human floor", "exceed the human floor"), -1: ("is below it", "are below it")}


def error_findings(rows: Sequence[ErrorRow], people: Collection[str], baseline: str = "") -> Findings:
    """What was found about errors; arguments as for :func:`report.why.texts.text_findings`."""
    return text_findings(rows, people, baseline, Wording("errors", _details, _summary, _SIDES))


def _details(rows: Sequence[ErrorRow], name: str) -> str:
    """One text: any error first, then measures above the floor, below it, not significantly different, without one."""
    single = [row for row in rows if row.measure != ANY]
    parts: list[str] = []
    for side, sign in (("above", 1), ("below", -1)):
        found = sorted((row for row in single if row.sign == sign), key=_clarity, reverse=True)
        if found:
            parts.append(f"{side} {_floor(parts)} in {measures_text(found, _rates)}")
    same = [measure_name(row.measure) for row in single if row.difference is not None and not row.sign]
    if same:
        parts.append(f"not significantly different from {_floor(parts)} in {listing(same)}")
    sentences = [*_any_error(rows, name), *([f"{name} is {clauses(parts)}"] if parts else [])]
    unknown = [measure_name(row.measure) for row in single if row.difference is None]
    if unknown:
        subject = "there is no human floor for" if parts else f"{name} has no human floor to compare with in"
        sentences.append(f"{subject} {listing(unknown)}")
    return f"{_joined(sentences)}."


def _joined(sentences: Sequence[str]) -> str:
    """Sentences without the last full stop; the first capital is left to what comes before."""
    first, *others = sentences
    return ". ".join([first, *map(capital, others)])


def _summary(rows: Sequence[ErrorRow], name: str) -> str:
    """One text: segments with any error, and how many measures are on which side of the floor."""
    rows = [row for row in rows if row.difference is not None]
    single = [row for row in rows if row.measure != ANY]
    of = f" of {count(len(single), 'measure')}"
    parts: list[str] = []
    for side, sign in (("above", 1), ("below", -1)):
        found = [row for row in single if row.sign == sign]
        if found:
            clearest = measure_name(max(found, key=_clarity).measure)
            parts.append(
                f"{side} it in {len(found)} ({clearest})"
                if parts
                else f"{side} the human floor in {len(found)}{of} (most clearly {clearest})"
            )
    sides = f"{name} is {listing(parts) or f'not significantly different from the human floor in any{of}'}"
    return _joined([*_any_error(rows, name), sides])


def _floor(parts: Sequence[str]) -> str:
    """The human floor, by its name when it is first mentioned."""
    return "it" if parts else "the human floor"


def _any_error(rows: Sequence[ErrorRow], name: str) -> list[str]:
    """How many segments contain any error, and how many of human text; empty if that was not measured."""
    written = name.removeprefix("text ") if name.startswith("text ") else f"of {name}"
    found = []
    for row in rows:
        if row.measure == ANY:
            text = f"{points(row.rate)} of 1,000 segments {written} contain an error"
            if row.floor is not None and row.interval is not None:
                difference = f"difference {signed_points(row.interval.value)}"
                difference += f", 95 % interval {row.interval.range(signed=True)}"
                text += f"; {points(row.floor)} of 1,000 human segments do ({difference})"
            found.append(text)
    return found


def _rates(row: ErrorRow) -> str:
    """A rate and its floor, with the interval of the difference."""
    per = "" if row.unit == "per 1,000 segments" else f" {row.unit}"
    interval = known_interval_of(row, "difference").range(signed=True)
    return f"{points(row.rate)} instead of {points(row.floor or 0)}{per}; {interval}"


def _clarity(row: ErrorRow) -> float:
    """How large a difference is relative to the width of its interval, since measures differ in scale."""
    difference = known_interval_of(row, "difference")
    width = difference.high - difference.low
    return abs(difference.value) / width if width else float("inf")
