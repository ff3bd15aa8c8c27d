"""How lexically diverse a text is compared with human text at equal token counts, in sentences.

Differences are in per cent of the human value, and positive means more diverse for every measure. A text is more or
less diverse if the difference is significant: see :func:`report.rows.significant_sign`.
"""

from collections.abc import Collection, Sequence

from report.rows import DiversityRow
from report.text.findings import Findings
from report.text.formatting import clauses, limits, points, signed_points, thousands
from report.text.names import measure_name
from report.why.texts import Wording, sides_details, sides_summary, text_findings

_MANY_TEXTS = {
    -1: ("is less diverse than human text", "are less diverse than human text"),
    1: ("is more diverse", "are more diverse"),
}
_MORE = ("more diverse than human text by", "more diverse by")
_LESS = ("less diverse than human text by", "less diverse by")


def diversity_findings(rows: Sequence[DiversityRow], people: Collection[str], baseline: str = "") -> Findings:
    """What was found about diversity; arguments as for :func:`report.why.texts.text_findings`."""
    return text_findings(rows, people, baseline, Wording("lexical diversity", _details, _summary, _MANY_TEXTS))


def _details(rows: Sequence[DiversityRow], name: str) -> str:
    parts = sides_details(rows, {1: _MORE, -1: _LESS}, "human text", _difference)
    tokens = {row.tokens for row in rows}
    equal = " to ".join(map(thousands, sorted({min(tokens), max(tokens)})))
    chrf = rows[0].chrf
    adequacy = "" if chrf is None else f"; its adequacy, chrF to the human targets, is {points(chrf)}"
    return f"at {equal} tokens each, {name} is {clauses(parts)}{adequacy}."


def _summary(rows: Sequence[DiversityRow], name: str) -> str:
    chrf = "" if rows[0].chrf is None else f", and its chrF is {points(rows[0].chrf)}"
    return f"{name} is {sides_summary(rows, {-1: _LESS, 1: _MORE}, 'human text', _example)}{chrf}"


def _example(rows: Sequence[DiversityRow], is_first: bool) -> str:
    return f"such as {measure_name(rows[0].measure)}: {_difference(rows[0], '95 % interval ')}"


def _difference(row: DiversityRow, label: str = "") -> str:
    """The difference from human text in per cent, and its interval after ``label``."""
    found = row.per_cent
    if found is None:
        return "difference unknown"
    return f"{signed_points(found.value)} %, {label}{limits(found, signed=True)}"
