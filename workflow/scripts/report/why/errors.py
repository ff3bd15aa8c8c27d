"""Which errors a text has more or fewer of than the human floor, in sentences.

The floor is the same measure on human targets. What is said needs an interval of the difference without zero and a
p-value below 0.05 after Holm's correction over the measures of the text.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from report.analysis_tables import ErrorRow
from report.judged import error_standing, shown_errors
from report.text.findings import MANY, Said, most_often, said_of_texts, subject_of
from report.text.measures import ANY, measure_name, unit
from report.text.numbers import count, listing, points, span

_SPELT_OUT = 3


def errors_said(rows: Sequence[ErrorRow], people: Collection[str], baseline: str = "") -> Said:
    """What there is to say of the errors of the pool's texts, or of what learners write at their largest size.

    Args:
        rows: of one scope.
        people: generators that are second human references.
        baseline: condition that trains on human text, where the scope is ``test``.
    """
    return said_of_texts(shown_errors(rows), people, baseline, _sentence, _short)


def _sentence(rows: list[ErrorRow], people: Collection[str], baseline: str) -> str:
    """One text: any error first, then measures above the floor, below it, not told from it, and without one."""
    row = rows[0]
    subject = subject_of(row, people, baseline)
    single = [row for row in rows if row.measure != ANY]
    parts = []
    for side, words in ((1, "is above the human floor in"), (-1, "is below the human floor in")):
        found = sorted((row for row in single if error_standing(row) == side), key=_clearness, reverse=True)
        if found:
            named = [f"{measure_name(row.measure)} ({_rates(row)})" for row in found[:_SPELT_OUT]]
            parts.append(f"{words} {listing(named + [measure_name(row.measure) for row in found[_SPELT_OUT:]])}")
    open_ = [measure_name(row.measure) for row in single if row.difference is not None and not error_standing(row)]
    if open_:
        parts.append(f"is not told apart from the human floor in {listing(open_)}")
    bare = [measure_name(row.measure) for row in single if row.difference is None]
    if bare:
        parts.append(f"has no human floor to compare with in {listing(bare)}")
    first = "".join(f" has an error in {_any(row, '95 % interval ')}, and" for row in rows if row.measure == ANY)
    return f"{subject}{first} {'; '.join(parts)}."


def _any(row: ErrorRow, of_interval: str = "") -> str:
    """Segments with any error, beside the human floor."""
    text = f"{points(row.rate)} of 1,000 segments"
    if row.floor is None or row.difference is None or row.difference_low is None or row.difference_high is None:
        return text
    return (
        f"{text}, human text in {points(row.floor)} (difference {points(row.difference, signed=True)}, {of_interval}"
        f"{span(row.difference_low, row.difference_high, signed=True)})"
    )


def _rates(row: ErrorRow) -> str:
    """A rate and its floor, with the interval of the difference."""
    per = "" if unit(row.measure) == "per 1,000 segments" else f" {unit(row.measure)}"
    interval = span(row.difference_low or 0, row.difference_high or 0, signed=True)
    return f"{points(row.rate)} instead of {points(row.floor or 0)}{per}; {interval}"


def _clearness(row: ErrorRow) -> float:
    """How far a rate is from its floor for what the interval leaves open, since measures differ in scale."""
    width = (row.difference_high or 0) - (row.difference_low or 0)
    return abs(row.difference or 0) / width if width else float("inf")


def _short(rows: list[ErrorRow], machines: list[str], baseline: str) -> str:
    """The machine texts in a clause, one by one, or counted where they are many; then the baseline's."""
    tested = [row for row in rows if row.difference is not None]
    what = "errors" if rows[0].scope == "pool" else "errors in what learners write"
    if not any(row.text in machines for row in tested):
        return f"{what}: there is no human floor to compare with"
    if len(machines) > MANY:
        sides = {side: [r for r in tested if error_standing(r) == side and r.text in machines] for side in (1, -1)}
        above, below = ({row.text for row in found} for found in sides.values())
        parts = [
            f"of {count(len(machines), 'text')}, {len(above)} {_verb(above, 'exceed')} the human floor in some measure"
            f"{most_often(sides[1])}, {len(below)} {_verb(below, 'stay')} below it in some{most_often(sides[-1])}, "
            f"{len(set(machines) - above - below)} in neither"
        ]
    else:
        parts = [_counts(name, [row for row in tested if row.text == name]) for name in machines]
    base = [row for row in tested if row.text == baseline and row.scope == "test"]
    if base:
        parts.append(_counts(f"{baseline}, the baseline,", base))
    return f"{what}: {'; '.join(parts)}"


def _counts(name: str, rows: list[ErrorRow]) -> str:
    """One text: segments with any error, and how many measures are on which side of the floor."""
    single = [row for row in rows if row.measure != ANY]
    any_ = "".join(f"has one in {_any(row)}, and " for row in rows if row.measure == ANY)
    of = f" of {count(len(single), 'measure')}"
    sides = []
    for words, side in (("above", 1), ("below", -1)):
        found = [row for row in single if error_standing(row) == side]
        if found:
            clearest = measure_name(max(found, key=_clearness).measure)
            sides.append(
                f"{words} it in {len(found)} ({clearest})"
                if sides
                else f"{words} the human floor in {len(found)}{of} (most clearly {clearest})"
            )
    return f"{name} {any_}is {', '.join(sides) or f'not told apart from the human floor in any{of}'}"


def _verb(texts: Collection[str], verb: str) -> str:
    return f"{verb}s" if len(texts) == 1 else verb
