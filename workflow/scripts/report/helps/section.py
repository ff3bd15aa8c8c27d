"""The part of a page that answers "What helps, and how much?": remedies with their controls, and quality metrics."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluate.relations import Remedy, read_contrasts, read_remedies
from evaluate.summary import ConditionSummary
from report.analysis_tables import AgreementRow
from report.helps.agreement import agreement_said, correlation
from report.helps.remedies import KINDS, Attempt, attempts, share_text
from report.helps.remedy_sentences import remedies_said
from report.text.findings import paragraph
from report.text.numbers import listing, points, span
from report.topics import Cell, Table, Topic, figure
from report.why.section import Part
from workbench.records import read_records

_NO_REMEDY = (
    "Nothing to show: no condition remedies another. Give one an order (order: quality:NAME or human_like), several "
    "generators or human text in its mixture, and name the condition that it remedies (remedies)."
)
_NO_METRIC = "Nothing to show: no quality metric was computed. Name some under quality."
_STANDING = {1: "helps", 0: "cannot tell", -1: "harms"}
_SAME = "the same runs"
_LOW = "hardly learnt"
_REVERSE = {1: "beats its reverse", 0: "not told from its reverse", -1: "loses to its reverse"}


def helps_part(
    tables: Mapping[str, Path],
    figures: Mapping[str, Path],
    conditions: Mapping[str, Mapping[str, Any]],
    metric: ConditionSummary,
    low: Mapping[tuple[str, int], str],
    equal_updates: Collection[str],
) -> Part:
    """What helps, and how much.

    Args:
        tables: ``remedies``, ``contrasts`` and ``agreement``; those that a study does not have are left out.
        figures: SVG files by name: ``remedies``, ``agreement``.
        conditions: each condition's settings, by name.
        metric: any row of the summary in the metric of the answer.
        low: why nothing is compared, for each learner and size whose baseline is below the floor.
        equal_updates: learners whose trainings of all sizes make as many updates.
    """
    remedies = read_remedies(tables["remedies"]) if "remedies" in tables else []
    contrasts = read_contrasts(tables["contrasts"]) if "contrasts" in tables else []
    found = attempts(remedies, contrasts, conditions, metric.metric, metric.better)
    said = remedies_said(found, metric.name, low)
    agreement = agreement_said(read_agreement(tables))
    line = paragraph([said, agreement])
    if not found:
        remedies_topic = Topic(key="remedies", title="Remedies", nothing=_NO_REMEDY)
    else:
        caption = f"What each remedy wins back, {metric.name}, by size, with its reverse"
        remedies_topic = Topic(
            key="remedies",
            title="Remedies",
            sentences=said.sentences,
            notes=_notes(found, conditions, equal_updates),
            figures=figure(figures.get("remedies"), "remedies", "Forest plot", caption),
            tables=[remedies_table(found, metric.name, low)],
        )
    return Part(
        line if said.short else f"{_NO_REMEDY} {line}".strip(), [remedies_topic, agreement_topic(tables, figures)]
    )


def _notes(
    found: Sequence[Attempt], conditions: Mapping[str, Mapping[str, Any]], equal_updates: Collection[str]
) -> list[str]:
    """How to read what is said of remedies."""
    notes = [
        "Won: the remedy’s score less the unremedied condition’s at equal size, positive where better. The gap: the "
        "baseline’s score less the unremedied condition’s; without one there is nothing to close and the share is "
        "undefined. A remedy that is an order must beat its own reverse before the order gets the credit."
    ]
    if any(a.remedy.verdict == "same" for a in found):
        notes.append(
            "Orders of the whole pool share their runs; what is said of one is said at the largest size where its runs "
            "are its own."
        )
    stepwise = [
        name
        for name in dict.fromkeys(a.remedy.condition for a in found if a.remedy.learner in equal_updates)
        if conditions[name].get("schedule") == "incremental"
    ]
    if stepwise:
        notes.append(
            f"Trained incrementally: {listing(stepwise)}. Each step made as many updates as a whole training, so "
            "beyond the smallest size there were more updates in all than in a condition that is trained at once."
        )
    return notes


def remedies_table(found: Sequence[Attempt], name: str, low: Mapping[tuple[str, int], str]) -> Table:
    """Every remedy at every size with its control; arguments as for :func:`remedies_said`."""
    several = len({a.remedy.learner for a in found}) > 1
    head = [
        Cell("Condition", "what it does"),
        Cell("Remedies"),
        Cell("Verdict", "Holm’s p < 0.05"),
        Cell("Its order"),
        Cell("Instances"),
        Cell(f"Won, {name}", "95 % interval"),
        Cell("Gap", "95 % interval"),
        Cell("Share of the gap", "95 % interval"),
    ]
    body = []
    for a in sorted(found, key=lambda a: (a.remedy.learner, -a.remedy.size, list(KINDS).index(a.kind))):
        row = a.remedy
        what = KINDS[a.kind].lower() + (f", learner {row.learner}" if several else "")
        learnt = (row.learner, row.size) not in low
        order = "–" if a.order_standing is None or not learnt else _REVERSE[a.order_standing]
        verdict = _SAME if row.verdict == "same" else _STANDING[a.standing]
        body.append(
            [
                Cell(row.condition, what),
                Cell(row.remedied),
                Cell(verdict if learnt else _LOW),
                Cell(order),
                Cell(f"{row.size:,}"),
                *_figures(row, learnt),
            ]
        )
        if a.control:
            control = a.control
            body.append(
                [
                    Cell(control.condition, f"control: {row.condition} reversed"),
                    Cell(control.remedied),
                    Cell("–"),
                    Cell("–"),
                    Cell(f"{control.size:,}"),
                    *_figures(control, learnt),
                ]
            )
    return Table("Remedies and their controls at every size, the largest first.", head, 4, body)


def _figures(row: Remedy, learnt: bool) -> list[Cell]:
    """Points won, the gap and, where the learner has ``learnt`` enough to compare conditions, the share of it."""
    share, _, interval = (share_text(row) if learnt else "–").partition(" (")
    return [
        Cell(points(row.won, signed=True), span(row.won_low, row.won_high, signed=True)),
        Cell(points(row.gap, signed=True), span(row.gap_low, row.gap_high, signed=True)),
        Cell(share, interval.rstrip(")")),
    ]


def read_agreement(tables: Mapping[str, Path]) -> list[AgreementRow]:
    """The table of agreement, empty where the study has none."""
    return read_records(tables["agreement"], AgreementRow) if "agreement" in tables else []


def agreement_topic(tables: Mapping[str, Path], figures: Mapping[str, Path]) -> Topic:
    """Which quality metrics mean anything."""
    rows = read_agreement(tables)
    title = "Which quality metrics mean anything"
    if not rows:
        return Topic(key="agreement", title=title, nothing=_NO_METRIC)
    head = [
        Cell("Metric"),
        Cell("Generator"),
        Cell("Needs no human target"),
        Cell("Scored", "of all targets"),
        Cell("Spearman", "95 % interval"),
        Cell("chrF of the better half"),
        Cell("of the other half"),
    ]
    body = [
        [
            Cell(row.quality, "" if row.quality == row.metric else row.metric),
            Cell(row.generator),
            Cell(row.practical),
            Cell(f"{row.scored:,}", f"{row.targets:,}"),
            _correlation(row),
            Cell("–" if row.top_half_oracle is None else points(row.top_half_oracle)),
            Cell("–" if row.bottom_half_oracle is None else points(row.bottom_half_oracle)),
        ]
        for row in rows
    ]
    caption = "How each quality metric’s ranking agrees with the oracle’s"
    return Topic(
        key="agreement",
        title=title,
        sentences=agreement_said(rows).sentences,
        notes=["The oracle is chrF to the human target: an upper bound that nobody has in practice."],
        figures=figure(figures.get("agreement"), "agreement", "Dot plots", caption),
        tables=[Table(f"{caption}.", head, 3, body)],
    )


def _correlation(row: AgreementRow) -> Cell:
    if row.spearman is None:
        return Cell("–")
    if row.spearman_low is None or row.spearman_high is None:
        return Cell(correlation(row.spearman))
    return Cell(correlation(row.spearman), f"{correlation(row.spearman_low)} to {correlation(row.spearman_high)}")
