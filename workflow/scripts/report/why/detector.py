"""How well a detector separates machine from human text, compared with two people or two machines.

A detector that separates a machine from a person may have learnt one author's style. Its AUC is therefore compared
with that of the controls. One is larger if the intervals do not overlap, which is stricter than a test of the
difference.
"""

from collections.abc import Sequence

from report.rows import HUMAN_HUMAN, HUMAN_MACHINE, MACHINE_MACHINE, PairRow
from report.text.findings import MANY, Findings
from report.text.formatting import count, listing

_CHANCE = 0.5


def _auc(row: PairRow) -> str:
    """AUC with its interval, such as ``0.81 (0.79 to 0.82)``."""
    return f"{row.auc.value:.2f} ({row.auc.low:.2f} to {row.auc.high:.2f})"


def detector_findings(pairs: Sequence[PairRow]) -> Findings:
    """What the detector finds, and how much of it the controls explain."""
    machines = [row for row in pairs if row.kind == HUMAN_MACHINE]
    if not machines:
        return Findings()
    people = [row for row in pairs if row.kind == HUMAN_HUMAN]
    others = [row for row in pairs if row.kind == MACHINE_MACHINE]
    sentences = [
        f"A detector of word and character n-grams, trained on other sources, distinguishes {_each(machines)} "
        f"(95 % intervals; {_CHANCE} is chance, 1 is perfect)."
    ]
    sample = next((row for row in machines if row.drawn), None)
    if sample:
        sentences.append(
            f"It is trained on a random sample of {sample.drawn:,.0f} of {sample.targets:,} sources, and scores all."
        )
    by_chance = [row.second for row in machines if row.auc.low <= _CHANCE]
    if by_chance:
        sentences.append(f"It does not distinguish {listing(by_chance)} from human text significantly above chance.")
    sentences.append(_against_people(machines, people))
    if others:
        sentences.append(_against_machines(machines, others))
    summary = f"detector: AUC {_range(machines)} between human and machine text"
    if people:
        summary += f", {_range(people)} between two human references: {_conclusion(machines, people)}"
    else:
        summary += "; without a second human reference, this may reflect one author’s style as well as a machine’s"
    return Findings(summary, sentences)


def _each(rows: Sequence[PairRow]) -> str:
    if len(rows) <= MANY:
        return listing([f"{row.second} from {row.first} text with an AUC of {_auc(row)}" for row in rows])
    lowest, highest = _ends(rows)
    return (
        f"human text from that of {count(len(rows), 'generator')} with AUCs from {_auc(lowest)} for {lowest.second} "
        f"to {_auc(highest)} for {highest.second}"
    )


def _ends(rows: Sequence[PairRow]) -> tuple[PairRow, PairRow]:
    """The rows with the lowest and the highest AUC."""
    return min(rows, key=lambda row: row.auc.value), max(rows, key=lambda row: row.auc.value)


def _range(rows: Sequence[PairRow]) -> str:
    if len(rows) == 1:
        return _auc(rows[0])
    return " to ".join(dict.fromkeys(f"{row.auc.value:.2f}" for row in _ends(rows)))


def _compared(rows: Sequence[PairRow], people: Sequence[PairRow]) -> tuple[PairRow, list[str], list[str], list[str]]:
    """The control, and the generators separated from human text better than it, as well as it, and less well."""
    control = max(people, key=lambda row: row.auc.value)
    better = [row.second for row in rows if row.auc.low > control.auc.high]
    worse = [row.second for row in rows if row.auc.high < control.auc.low]
    return control, better, [row.second for row in rows if row.second not in {*better, *worse}], worse


def _against_people(machines: Sequence[PairRow], people: Sequence[PairRow]) -> str:
    if not people:
        return (
            "There is no second human reference to compare with, and it is therefore unclear whether the detector "
            "learns a machine’s style or one translator’s."
        )
    control, better, alike, worse = _compared(machines, people)
    clauses = [
        f"{text.format(listing(names))}, {conclusion}"
        for names, text, conclusion in (
            (better, "it separates {} from human text better", "which shows more than one author’s style"),
            (
                alike,
                "it separates {} from human text as well as that (the intervals overlap)",
                "and may have learnt a translator’s style there rather than a machine’s",
            ),
            (worse, "it separates {} from human text less well", "which is not evidence of a machine’s style"),
        )
        if names
    ]
    pair = f"{control.first} and {control.second}"
    return f"It distinguishes two human references, {pair}, with an AUC of {_auc(control)}; {'; '.join(clauses)}."


def _conclusion(machines: Sequence[PairRow], people: Sequence[PairRow]) -> str:
    _, better, alike, worse = _compared(machines, people)
    return ", ".join(
        f"{text} for {listing(names)}"
        for text, names in (
            ("more than one author’s style", better),
            ("no evidence of more than one author’s style", alike + worse),
        )
        if names
    )


def _against_machines(machines: Sequence[PairRow], others: Sequence[PairRow]) -> str:
    if len(others) == 1:
        row = others[0]
        text = f"It distinguishes two generators, {row.first} and {row.second}, with an AUC of {_auc(row)}"
    else:
        lowest, highest = _ends(others)
        text = (
            f"It distinguishes generators from each other with AUCs from {_auc(lowest)} "
            f"({lowest.first} and {lowest.second}) to {_auc(highest)} ({highest.first} and {highest.second})"
        )
    above = max(row.auc.low for row in others) > min(row.auc.high for row in machines)
    return f"{text}{': authors differ whether or not one of them is human' if above else ''}."
