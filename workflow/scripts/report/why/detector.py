"""How well machine text is told from human text, beside how well two people or two machines are told apart.

A detector that tells a machine from a person may have learnt one author's style. So its AUC is set beside that of the
controls; one counts as larger where the intervals do not overlap, which is stricter than a test of the difference.
"""

from __future__ import annotations

from collections.abc import Sequence

from report.analysis_tables import HUMAN_HUMAN, HUMAN_MACHINE, MACHINE_MACHINE, PairRow, PostEditingRow
from report.text.findings import MANY, Said
from report.text.numbers import count, listing

_CHANCE = 0.5


def auc(row: PairRow) -> str:
    """AUC with its interval, such as ``0.81 (0.79 to 0.82)``."""
    return f"{row.auc:.2f} ({row.auc_low:.2f} to {row.auc_high:.2f})"


def detector_said(pairs: Sequence[PairRow]) -> Said:
    """What the detector finds, and what the controls leave of it."""
    machines = [row for row in pairs if row.kind == HUMAN_MACHINE]
    if not machines:
        return Said()
    people = [row for row in pairs if row.kind == HUMAN_HUMAN]
    others = [row for row in pairs if row.kind == MACHINE_MACHINE]
    sentences = [
        f"A detector of word and character n-grams, trained on other sources, tells {_each(machines)} "
        f"(with 95 % interval; {_CHANCE} is chance, 1 is without fail)."
    ]
    sample = next((row for row in machines if row.drawn), None)
    if sample:
        sentences.append(
            f"It learns from a random sample of {sample.drawn:,.0f} of {sample.targets:,} sources, and scores all."
        )
    by_chance = [row.second for row in machines if row.auc_low <= _CHANCE]
    if by_chance:
        sentences.append(f"It is not shown to tell {listing(by_chance)} from human text better than chance.")
    sentences.append(_against_people(machines, people))
    if others:
        sentences.append(_against_machines(machines, others))
    short = f"detector: AUC {_range(machines)} between human and machine text"
    if people:
        short += f", {_range(people)} between two human references: {_lesson(machines, people)}"
    else:
        short += "; without a second human reference that may be one author’s style as well as a machine’s"
    return Said(short, sentences)


def _each(rows: Sequence[PairRow]) -> str:
    if len(rows) <= MANY:
        return listing([f"{row.second} from {row.first} text with an AUC of {auc(row)}" for row in rows])
    lowest, highest = min(rows, key=lambda row: row.auc), max(rows, key=lambda row: row.auc)
    return (
        f"human text from that of {count(len(rows), 'generator')} with AUCs from {auc(lowest)} for {lowest.second} "
        f"to {auc(highest)} for {highest.second}"
    )


def _range(rows: Sequence[PairRow]) -> str:
    if len(rows) == 1:
        return auc(rows[0])
    ends = sorted({f"{chosen(row.auc for row in rows):.2f}" for chosen in (min, max)})
    return " to ".join(ends)


def _sides(rows: Sequence[PairRow], control: PairRow) -> tuple[list[str], list[str], list[str]]:
    """The generators of ``rows`` that are told from human text better, as well, and less well than the control."""
    better = [row.second for row in rows if row.auc_low > control.auc_high]
    worse = [row.second for row in rows if row.auc_high < control.auc_low]
    return better, [row.second for row in rows if row.second not in {*better, *worse}], worse


def _against_people(machines: Sequence[PairRow], people: Sequence[PairRow]) -> str:
    if not people:
        return (
            "There is no second human reference to compare with, so the data cannot tell whether it learns a machine’s "
            "style or one translator’s."
        )
    control = max(people, key=lambda row: row.auc)
    better, alike, worse = _sides(machines, control)
    said = f"It tells two human references, {control.first} and {control.second}, apart with an AUC of {auc(control)}"
    parts = []
    if better:
        found = "so there is more to find than one author’s style"
        parts.append(f"it tells {listing(better)} from human text better, {found}")
    if alike:
        found = "so there it may be learning a translator’s style rather than a machine’s"
        parts.append(f"it tells {listing(alike)} from human text as well as that (the intervals overlap), {found}")
    if worse:
        found = "so telling them apart is no sign of machine style"
        parts.append(f"it tells {listing(worse)} from human text less well than that, {found}")
    return f"{said}; {'; '.join(parts)}."


def _lesson(machines: Sequence[PairRow], people: Sequence[PairRow]) -> str:
    better, alike, worse = _sides(machines, max(people, key=lambda row: row.auc))
    parts = [
        f"{how} for {listing(names)}"
        for how, names in (
            ("more than one author’s style", better),
            ("no more than one author’s style is shown", alike + worse),
        )
        if names
    ]
    return ", ".join(parts)


def _against_machines(machines: Sequence[PairRow], others: Sequence[PairRow]) -> str:
    if len(others) == 1:
        row = others[0]
        text = f"Two generators, {row.first} and {row.second}, are told apart with an AUC of {auc(row)}"
    else:
        lowest, highest = min(others, key=lambda row: row.auc), max(others, key=lambda row: row.auc)
        text = (
            f"Generators are told from each other with AUCs from {auc(lowest)} ({lowest.first} and {lowest.second}) to "
            f"{auc(highest)} ({highest.first} and {highest.second})"
        )
    above = max(row.auc_low for row in others) > min(row.auc_high for row in machines)
    return f"{text}{': authors differ whether or not one of them is human' if above else ''}."


def warnings(rows: Sequence[PostEditingRow]) -> list[str]:
    """Warnings that a target called human looks like a generator's output that was edited."""
    return [row.warning for row in rows if row.warning]
