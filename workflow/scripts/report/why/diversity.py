"""How lexically diverse a text is beside human text, in sentences; at equal token counts.

Differences are in per cent of the human value and turned so that positive means more diverse, whatever the measure's
direction. What is said needs an interval without zero and a p-value below 0.05 after Holm's correction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from report.analysis_tables import DiversityRow
from report.judged import diversity_standing, per_cent, shown_diversity
from report.text.findings import MANY, Said, most_often, said_of_texts, subject_of
from report.text.measures import measure_name
from report.text.numbers import count, listing, points, span

_SPELT_OUT = 3


def diversity_said(rows: Sequence[DiversityRow], people: Collection[str], baseline: str = "") -> Said:
    """What there is to say of the pool's texts, or of what learners write at their largest size.

    Args:
        rows: of one scope.
        people: generators that are second human references.
        baseline: condition that trains on human text, where the scope is ``test``.
    """
    return said_of_texts(shown_diversity(rows), people, baseline, _sentence, _short)


def _sentence(rows: list[DiversityRow], people: Collection[str], baseline: str) -> str:
    row = rows[0]
    subject = subject_of(row, people, baseline)
    parts = [
        f"{side} diverse than human text by {_named([r for r in rows if diversity_standing(r) == sign])}"
        for side, sign in (("more", 1), ("less", -1))
        if any(diversity_standing(r) == sign for r in rows)
    ]
    open_ = [measure_name(r.measure) for r in rows if not diversity_standing(r)]
    if open_:
        parts.append(f"not told apart from {'it' if parts else 'human text'} by {listing(open_)}")
    tokens = sorted({r.tokens for r in rows})
    equal = f"{tokens[0]:,}" if len(tokens) == 1 else f"{tokens[0]:,} to {tokens[-1]:,}"
    chrf = "" if row.chrf is None else f"; its adequacy, chrF to the human targets, is {points(row.chrf)}"
    return f"{subject}, at {equal} tokens each, is {'; '.join(parts)}{chrf}."


def _named(rows: list[DiversityRow]) -> str:
    """The first measures with numbers, the others by name."""
    spelt = [f"{measure_name(row.measure)} ({_difference(row)})" for row in rows[:_SPELT_OUT]]
    return listing(spelt + [measure_name(row.measure) for row in rows[_SPELT_OUT:]])


def _difference(row: DiversityRow) -> str:
    found = per_cent(row)
    if found is None:
        return "difference unknown"
    value, low, high = found
    return f"{points(value, signed=True)} %, {span(low, high, signed=True)}"


def _short(rows: list[DiversityRow], machines: list[str], baseline: str) -> str:
    """The machine texts in a clause, one by one, or counted where they are many; then the baseline's."""
    what = "lexical diversity" if rows[0].scope == "pool" else "lexical diversity of what learners write"
    if len(machines) > MANY:
        sides = {side: [r for r in rows if diversity_standing(r) == side and r.text in machines] for side in (-1, 1)}
        less, more = ({row.text for row in found} for found in sides.values())
        parts = [
            f"of {count(len(machines), 'text')}, {len(less)} {'is' if len(less) == 1 else 'are'} less diverse than "
            f"human text by some measure{most_often(sides[-1])}, {len(more)} more diverse by some"
            f"{most_often(sides[1])}, {len(set(machines) - less - more)} neither"
        ]
    else:
        parts = [_counts(name, [row for row in rows if row.text == name]) for name in machines]
    base = [row for row in rows if row.text == baseline and row.scope == "test"]
    if base:
        parts.append(_counts(f"{baseline}, the baseline,", base))
    return f"{what}: {'; '.join(parts)}"


def _counts(name: str, rows: list[DiversityRow]) -> str:
    of = f" of {count(len(rows), 'measure')}"
    parts = []
    for side, sign in (("less", -1), ("more", 1)):
        found = [row for row in rows if diversity_standing(row) == sign]
        if found:
            start = (
                f"{side} diverse by {len(found)}" if parts else f"{side} diverse than human text by {len(found)}{of}"
            )
            parts.append(f"{start} (such as {measure_name(found[0].measure)}: {_difference(found[0])})")
    verdict = " and ".join(parts) or f"not told apart from human text by any{of}"
    chrf = "" if rows[0].chrf is None else f", and has chrF {points(rows[0].chrf)}"
    return f"{name} is {verdict}{chrf}"
