"""The section of a page that answers "What helps, and how much?": remedies with their controls, and quality metrics."""

from collections.abc import Collection, Mapping, Sequence

from evaluate.results import Contrast, Remedy
from planning.conditions import INCREMENTAL, Condition
from report.helps.agreement import agreement_findings, agreement_topic
from report.helps.remedies import KINDS, JudgedRemedy, judged_remedies, share_text
from report.helps.remedy_sentences import remedy_findings
from report.page import Section, Topic, figure
from report.rows import AgreementRow
from report.study import Files, Results
from report.tables import INTERVAL, Cell, Column, Table
from report.text.findings import paragraph
from report.text.formatting import NOTHING, listing, signed_points, thousands

_NO_REMEDY = (
    "Nothing to show: no condition remedies another. Give one an order (order: quality:NAME or human_like), several "
    "generators or human text in its mixture, and name the condition that it remedies (remedies)."
)
_EFFECT = {1: "helps", 0: "unclear", -1: "harms"}
_ORDERING = {1: "beats its reverse", 0: "unclear", -1: "loses to its reverse"}


def helps_section(files: Files, results: Results, equal_updates: Collection[str]) -> Section:
    """What helps, and how much.

    Args:
        files: the tables ``remedies``, ``contrasts`` and ``agreement``, the figures ``remedies`` and ``agreement``.
        equal_updates: learners whose trainings of all sizes make as many updates.
    """
    agreement = files.rows("agreement", AgreementRow)
    conditions, metric, low = results.conditions, results.metric, results.low
    remedies, contrasts = files.rows("remedies", Remedy), files.rows("contrasts", Contrast)
    found = judged_remedies(remedies, contrasts, conditions, metric.metric, metric.better)
    findings = remedy_findings(found, metric.name, low)
    line = paragraph([findings, agreement_findings(agreement)])
    caption = f"What each remedy and its reverse win back, {metric.name}, by size"
    topic = Topic(
        key="remedies",
        title="Remedies",
        sentences=findings.sentences,
        notes=_notes(found, conditions, equal_updates) if found else [],
        figures=figure(files.figures.get("remedies"), "remedies", "Forest plot", caption) if found else [],
        tables=[remedies_table(found, metric.name, low)] if found else [],
        nothing="" if found else _NO_REMEDY,
    )
    return Section(
        line if found else f"{_NO_REMEDY} {line}".strip(), [topic, agreement_topic(agreement, files.figures)]
    )


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
        if conditions[name].schedule == INCREMENTAL
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

    lines: list[tuple[Remedy, Cell, str, str]] = []  # a row, the condition, the effect and the ordering's
    for remedy in sorted(found, key=lambda one: (one.row.learner, -one.row.size, list(KINDS).index(one.kind))):
        row = remedy.row
        kind = KINDS[remedy.kind].lower() + (f", learner {row.learner}" if several else "")
        lines.append((row, Cell(row.condition, kind), *_verdicts(remedy, (row.learner, row.size) in low)))
        if remedy.control:
            control = Cell(remedy.control.condition, f"control: {row.condition} reversed")
            lines.append((remedy.control, control, NOTHING, NOTHING))
    columns = [
        Column("Condition", lambda line: line[1], note="what it does"),
        Column("Remedies", lambda line: line[0].remedied),
        Column("Verdict", lambda line: line[2], note="Holm’s p < 0.05"),
        Column("Its ordering", lambda line: line[3]),
        Column("Instances", lambda line: line[0].size, thousands),
        Column(f"Won, {name}", lambda line: line[0].won, signed_points, INTERVAL),
        Column("Gap", lambda line: line[0].gap, signed_points, INTERVAL),
        Column("Share of the gap", lambda line: _share(line[0], low), str, INTERVAL),
    ]
    return Table("Remedies and their controls at every size, the largest first.", columns, lines)


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
