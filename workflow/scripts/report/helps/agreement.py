"""Which quality metrics rank a generator's targets as the oracle does: sentences, and the topic of a page.

The oracle ranks by chrF to the human target, which nobody has in practice. A metric agrees with it if the 95 %
interval of Spearman's correlation lies above zero, and is negatively correlated with it if the interval lies below.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from functools import partial
from pathlib import Path

from report.page import Topic, figure
from report.rows import AgreementRow, grouped
from report.tables import INTERVAL, Cell, Column, Table
from report.text.findings import Findings
from report.text.formatting import decimal, listing, points, thousands, verb

_TITLE = "Which quality metrics are informative"
_NO_METRIC = "Nothing to show: no quality metric was computed. Name some under quality."


def correlation_text(row: AgreementRow) -> str:
    """Spearman's correlation with its interval, such as ``0.45 (0.42 to 0.48)``."""
    if row.spearman is None:
        return "(undefined)"
    value, low, high = (decimal(number, 2) for number in astuple(row.spearman))
    return f"{value} ({low} to {high})"


def agreement_findings(rows: Sequence[AgreementRow]) -> Findings:
    """How the metrics that need no human target agree with the oracle: a sentence for each generator."""
    rows = [row for row in rows if row.practical == "yes"]
    generators = grouped(rows, lambda row: row.generator)
    sentences = [_sentence(name, own) for name, own in generators.items()]
    return Findings(_summary(rows, len(generators)) if rows else "", sentences)


def _sentence(generator: str, rows: Sequence[AgreementRow]) -> str:
    agree = sorted((row for row in rows if row.sign > 0), key=_correlation, reverse=True)
    contrary = sorted((row for row in rows if row.sign < 0), key=_correlation)
    unclear = [row for row in rows if not row.sign]
    parts = []
    if agree:
        parts.append(f"{_correlations(agree)} {_agree(agree)}{_halves(agree[0])}")
    if contrary:
        parts.append(f"{_correlations(contrary)} {_contradict(contrary)}")
    if unclear:
        parts.append(f"it is unclear whether {_correlations(unclear)} {_agree(unclear)}")
    return f"On the targets of {generator} (Spearman, 95 % interval): {'; '.join(parts)}."


def _correlation(row: AgreementRow) -> float:
    return row.spearman.value if row.spearman else -2


def _correlations(rows: Sequence[AgreementRow]) -> str:
    return listing([f"{row.quality} {correlation_text(row)}" for row in rows])


def _agree(metrics: Sequence[object]) -> str:
    return f"{verb(len(metrics), 'agrees', 'agree')} with the oracle"


def _contradict(metrics: Sequence[object]) -> str:
    return f"{verb(len(metrics), 'is', 'are')} negatively correlated with the oracle"


def _halves(row: AgreementRow) -> str:
    if row.top_half_oracle is None or row.bottom_half_oracle is None:
        return ""
    return (
        f" (the mean chrF to the human target is {points(row.top_half_oracle)} in the half that {row.quality} ranks "
        f"first, and {points(row.bottom_half_oracle)} in the other half)"
    )


def _summary(rows: Sequence[AgreementRow], generators: int) -> str:
    """The metrics that agree with the oracle, that contradict it, and that are unclear, and for which generators."""
    signs = {name: {row.sign for row in own} for name, own in grouped(rows, lambda row: row.quality).items()}
    where = {1: "", 2: " on the targets of both generators"}.get(
        generators, f" on the targets of all {generators} generators"
    )
    parts, agreeing = [], []
    for sign, text in ((1, _agree), (-1, _contradict)):
        always = [name for name, found in signs.items() if found == {sign}]
        sometimes = [name for name, found in signs.items() if sign in found and found != {sign}]
        parts += [f"{listing(always)} {text(always)}{where}"] if always else []
        parts += [f"{listing(sometimes)} {text(sometimes)} for some generators only"] if sometimes else []
        agreeing += always if sign > 0 else []
    unclear = [name for name, found in signs.items() if not any(found)]
    if unclear:
        any_generator = " for any generator" if generators > 1 else ""
        parts.append(f"it is unclear whether {listing(unclear)} {_agree(unclear)}{any_generator}")
    best = max(rows, key=_correlation)
    closest = f" (closest: {best.quality} on {best.generator}, Spearman {correlation_text(best)})" if agreeing else ""
    return f"of the quality metrics that need no human target, {'; '.join(parts)}{closest}"


def agreement_topic(rows: Sequence[AgreementRow], figures: Mapping[str, Path]) -> Topic:
    """Which quality metrics are informative; nothing to show without rows."""
    if not rows:
        return Topic(key="agreement", title=_TITLE, nothing=_NO_METRIC)
    columns = [
        Column("Metric", lambda row: Cell(row.quality, "" if row.quality == row.metric else row.metric)),
        Column("Generator", "generator"),
        Column("Needs no human target", "practical"),
        Column("Scored", lambda row: Cell(thousands(row.scored), thousands(row.targets)), str, "of all targets"),
        Column("Spearman", "spearman", partial(decimal, digits=2), INTERVAL),
        Column("chrF of the better half", "top_half_oracle", points),
        Column("of the other half", "bottom_half_oracle", points),
    ]
    caption = "How each quality metric’s ranking agrees with the oracle’s"
    return Topic(
        key="agreement",
        title=_TITLE,
        sentences=agreement_findings(rows).sentences,
        notes=["The oracle is chrF to the human target: an upper bound that nobody has in practice."],
        figures=figure(figures.get("agreement"), "agreement", "Dot plots", caption),
        tables=[Table(f"{caption}.", columns, rows)],
    )
