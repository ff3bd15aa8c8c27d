"""The section of a page that answers "What helps, and how much?": remedies with their controls, and quality metrics."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from evaluate.results import ConditionSummary, Contrast, Remedy
from report.helps.agreement import agreement_findings, agreement_topic, read_agreement
from report.helps.remedies import KINDS, JudgedRemedy, judged_remedies, share_text
from report.helps.remedy_sentences import remedy_findings
from report.page import Section, Topic, figure
from report.study import Condition
from report.tables import INTERVAL, SIGNED, Cell, Column, Table, table
from report.text.findings import paragraph
from report.text.formatting import NOTHING, interval_of, listing, thousands
from workbench.records import read_records

_NO_REMEDY = (
    "Nothing to show: no condition remedies another. Give one an order (order: quality:NAME or human_like), several "
    "generators or human text in its mixture, and name the condition that it remedies (remedies)."
)
_EFFECT = {1: "helps", 0: "unclear", -1: "harms"}
_ORDERING = {1: "beats its reverse", 0: "unclear", -1: "loses to its reverse"}


def helps_section(
    tables: Mapping[str, Path],
    figures: Mapping[str, Path],
    conditions: Mapping[str, Condition],
    metric: ConditionSummary,
    low: Mapping[tuple[str, int], str],
    equal_updates: Collection[str],
) -> Section:
    """What helps, and how much.

    Args:
        tables: ``remedies``, ``contrasts`` and ``agreement``; those that a study does not have are left out.
        figures: SVG files by name: ``remedies``, ``agreement``.
        conditions: each condition's settings, by name.
        metric: any row of the summary in the metric of the answer.
        low: why nothing is compared, for each learner and size whose baseline is below the floor.
        equal_updates: learners whose trainings of all sizes make as many updates.
    """
    remedies = read_records(tables["remedies"], Remedy) if "remedies" in tables else []
    contrasts = read_records(tables["contrasts"], Contrast) if "contrasts" in tables else []
    found = judged_remedies(remedies, contrasts, conditions, metric.metric, metric.better)
    findings = remedy_findings(found, metric.name, low)
    line = paragraph([findings, agreement_findings(read_agreement(tables))])
    caption = f"What each remedy and its reverse win back, {metric.name}, by size"
    topic = Topic(
        key="remedies",
        title="Remedies",
        sentences=findings.sentences,
        notes=_notes(found, conditions, equal_updates) if found else [],
        figures=figure(figures.get("remedies"), "remedies", "Forest plot", caption) if found else [],
        tables=[remedies_table(found, metric.name, low)] if found else [],
        nothing="" if found else _NO_REMEDY,
    )
    return Section(line if found else f"{_NO_REMEDY} {line}".strip(), [topic, agreement_topic(tables, figures)])


def _notes(
    found: Sequence[JudgedRemedy], conditions: Mapping[str, Condition], equal_updates: Collection[str]
) -> list[str]:
    """How to read the sentences about remedies."""
    notes = [
        "Won: the remedy’s score minus that of the condition it remedies, at equal size; positive is better. Gap: the "
        "baseline’s score minus that of the remedied condition; without a gap, there is nothing to close and the share "
        "is undefined. A remedy that is an ordering gets the credit only if it beats its own reverse."
    ]
    if any(remedy.is_same_runs for remedy in found):
        notes.append(
            "An ordering selects nothing when the whole pool is used, and all orderings then share their runs. The "
            "sentences compare each at the largest size at which its runs are its own."
        )
    stepwise = [
        name
        for name in dict.fromkeys(remedy.row.condition for remedy in found if remedy.row.learner in equal_updates)
        if conditions[name].get("schedule") == "incremental"
    ]
    if stepwise:
        notes.append(
            f"Trained incrementally: {listing(stepwise)}. Each step made as many updates as a whole training. Beyond "
            "the smallest size, these conditions therefore had more updates in all than one that is trained at once."
        )
    return notes


def remedies_table(found: Sequence[JudgedRemedy], name: str, low: Mapping[tuple[str, int], str]) -> Table:
    """Every remedy at every size, each followed by its control; arguments as for :func:`remedy_findings`."""
    several = len({remedy.row.learner for remedy in found}) > 1

    def lines() -> Iterator[tuple[Remedy, Cell, str, str]]:
        """A row of the table of remedies, the condition, the effect and the ordering's."""
        ordered = sorted(found, key=lambda one: (one.row.learner, -one.row.size, list(KINDS).index(one.kind)))
        for remedy in ordered:
            row = remedy.row
            kind = KINDS[remedy.kind].lower() + (f", learner {row.learner}" if several else "")
            effect, ordering = _verdicts(remedy, (row.learner, row.size) in low)
            yield row, Cell(row.condition, kind), effect, ordering
            if remedy.control:
                control = Cell(remedy.control.condition, f"control: {row.condition} reversed")
                yield remedy.control, control, NOTHING, NOTHING

    columns = [
        Column("Condition", lambda line: line[1], note="what it does"),
        Column("Remedies", lambda line: line[0].remedied),
        Column("Verdict", lambda line: line[2], note="Holm’s p < 0.05"),
        Column("Its ordering", lambda line: line[3]),
        Column("Instances", lambda line: line[0].size, thousands),
        Column(f"Won, {name}", lambda line: interval_of(line[0], "won"), SIGNED, INTERVAL),
        Column("Gap", lambda line: interval_of(line[0], "gap"), SIGNED, INTERVAL),
        Column("Share of the gap", lambda line: _share(line[0], low), str, INTERVAL),
    ]
    return table("Remedies and their controls at every size, the largest first.", columns, lines())


def _verdicts(remedy: JudgedRemedy, is_low: bool) -> tuple[str, str]:
    """The effect of a remedy and of its ordering, in words; none if the baseline is below the floor (``is_low``)."""
    if is_low:
        return "learnt too little", NOTHING
    effect = "same runs" if remedy.is_same_runs else _EFFECT[remedy.sign]
    return effect, NOTHING if remedy.ordering_sign is None else _ORDERING[remedy.ordering_sign]


def _share(row: Remedy, low: Mapping[tuple[str, int], str]) -> Cell | None:
    """The share of the gap that is closed; None if the baseline is below the floor."""
    share, _, interval = share_text(row).partition(" (")
    return None if (row.learner, row.size) in low else Cell(share, interval.removesuffix(")"))
