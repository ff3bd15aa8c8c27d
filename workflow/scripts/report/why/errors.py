"""Which errors a text has more or fewer of than human text, in sentences.

The human floor is the same measure on human targets. A text is above or below it if the difference is significant, with
Holm's correction over the measures of the text: see :func:`report.rows.significant_sign`.
"""

from collections.abc import Collection, Sequence

from report.rows import ANY, ErrorRow
from report.text.findings import Findings
from report.text.formatting import capital, clauses, limits, listing, points, signed_points
from report.text.names import measure_name
from report.why.texts import Wording, sides_details, sides_summary, text_findings

_MANY_TEXTS = {1: ("exceeds the human floor", "exceed the human floor"), -1: ("is below it", "are below it")}
_SIDES = {1: ("above the human floor in", "above it in"), -1: ("below the human floor in", "below it in")}
_FLOOR = "the human floor"


def error_findings(rows: Sequence[ErrorRow], people: Collection[str], baseline: str = "") -> Findings:
    """What was found about errors; arguments as for :func:`report.why.texts.text_findings`."""
    return text_findings(rows, people, baseline, Wording("errors", _details, _summary, _MANY_TEXTS))


def _details(rows: Sequence[ErrorRow], name: str) -> str:
    """One text: any error first, then measures above the floor, below it, not significantly different, without one."""
    single = [row for row in rows if row.measure != ANY]
    known = sorted(
        (row for row in single if row.difference is not None), key=lambda row: -_clarity(row) if row.sign else 0
    )
    parts = sides_details(known, _SIDES, _FLOOR, _rates)
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
    sides = sides_summary([row for row in rows if row.measure != ANY], _SIDES, _FLOOR, _clearest)
    return _joined([*_any_error(rows, name), f"{name} is {sides}"])


def _clearest(rows: Sequence[ErrorRow], is_first: bool) -> str:
    return ("most clearly " if is_first else "") + measure_name(max(rows, key=_clarity).measure)


def _any_error(rows: Sequence[ErrorRow], name: str) -> list[str]:
    """How many segments contain any error, and how many of human text; empty if that was not measured."""
    written = name.removeprefix("text ") if name.startswith("text ") else f"of {name}"
    found = []
    for row in rows:
        if row.measure == ANY:
            text = f"{points(row.rate.value)} of 1,000 segments {written} contain an error"
            if row.floor and row.difference:
                difference = f"difference {signed_points(row.difference.value)}"
                difference += f", 95 % interval {limits(row.difference, signed=True)}"
                text += f"; {points(row.floor.value)} of 1,000 human segments do ({difference})"
            found.append(text)
    return found


def _rates(row: ErrorRow) -> str:
    """A rate and its floor, with the interval of the difference."""
    per = "" if row.unit == "per 1,000 segments" else f" {row.unit}"
    if not (row.floor and row.difference):
        return f"{points(row.rate.value)}{per}"
    return f"{points(row.rate.value)} instead of {points(row.floor.value)}{per}; {limits(row.difference, signed=True)}"


def _clarity(row: ErrorRow) -> float:
    """How large a difference is relative to the width of its interval, since measures differ in scale."""
    if row.difference is None:
        return 0.0
    width = row.difference.high - row.difference.low
    return abs(row.difference.value) / width if width else float("inf")
