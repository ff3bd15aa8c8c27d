"""How lexically diverse a text is compared with human text at equal token counts, in sentences.

Differences are in per cent of the human value, and positive means more diverse for every measure. A text is more or
less diverse if the interval excludes zero and the p-value, after Holm's correction, is below 0.05.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from report.analysis_tables import DiversityRow
from report.text.findings import Findings
from report.text.formatting import clauses, count, listing, points, signed_points, thousands
from report.text.names import measure_name
from report.why.texts import Wording, measures_text, text_findings

_SIDES = {
    -1: ("is less diverse than human text", "are less diverse than human text"),
    1: ("is more diverse", "are more diverse"),
}


def diversity_findings(rows: Sequence[DiversityRow], people: Collection[str], baseline: str = "") -> Findings:
    """What was found about diversity; arguments as for :func:`report.why.texts.text_findings`."""
    return text_findings(rows, people, baseline, Wording("lexical diversity", _details, _summary, _SIDES))


def _details(rows: Sequence[DiversityRow], name: str) -> str:
    parts: list[str] = []
    for side, sign in (("more", 1), ("less", -1)):
        found = [row for row in rows if row.sign == sign]
        if found:
            parts.append(f"{side} diverse{'' if parts else ' than human text'} by {measures_text(found, _difference)}")
    same = [measure_name(row.measure) for row in rows if not row.sign]
    if same:
        parts.append(f"not significantly different from {'it' if parts else 'human text'} in {listing(same)}")
    tokens = sorted({row.tokens for row in rows})
    equal = " to ".join(map(thousands, tokens if len(tokens) == 1 else (tokens[0], tokens[-1])))
    chrf = rows[0].chrf
    adequacy = "" if chrf is None else f"; its adequacy, chrF to the human targets, is {points(chrf)}"
    return f"at {equal} tokens each, {name} is {clauses(parts)}{adequacy}."


def _summary(rows: Sequence[DiversityRow], name: str) -> str:
    of = f" of {count(len(rows), 'measure')}"
    parts: list[str] = []
    for side, sign in (("less", -1), ("more", 1)):
        found = [row for row in rows if row.sign == sign]
        if found:
            compared = f" by {len(found)}" if parts else f" than human text by {len(found)}{of}"
            example = f"such as {measure_name(found[0].measure)}: {_difference(found[0], '95 % interval ')}"
            parts.append(f"{side} diverse{compared} ({example})")
    chrf = "" if rows[0].chrf is None else f", and its chrF is {points(rows[0].chrf)}"
    return f"{name} is {' and '.join(parts) or f'not significantly different from human text in any{of}'}{chrf}"


def _difference(row: DiversityRow, label: str = "") -> str:
    """The difference from human text in per cent, and its interval after ``label``."""
    found = row.per_cent
    if found is None:
        return "difference unknown"
    return f"{signed_points(found.value)} %, {label}{found.range(signed=True)}"
