"""What errors and lexical diversity have in common: sentences about texts that are compared with human text."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic

from report.rows import MeasureRow, Row, grouped, shown
from report.text.findings import MANY, Findings, learner_prefix
from report.text.formatting import capital, count, listing, verb
from report.text.names import author, measure_name

_SPELT_OUT = 3  # measures with numbers in a sentence; the others are listed by name

Sides = Mapping[int, tuple[str, str]]  # two forms of a phrase for each sign of a difference, in the order of the text


@dataclass(frozen=True)
class Wording(Generic[Row]):
    """The words for one kind of measure."""

    topic: str  # what is measured, such as ``errors``
    details: Callable[[Sequence[Row], str], str]  # writes the sentences about one text, from its rows and its name
    summary: Callable[[Sequence[Row], str], str]  # the same as a clause for the terminal
    sides: Sides  # for many texts: how a difference reads, for one text and for several


def text_findings(rows: Sequence[Row], people: Collection[str], baseline: str, wording: Wording[Row]) -> Findings:
    """What was found about the pool's texts, or about learners' output at their largest size.

    Args:
        rows: of one scope.
        people: generators that are second human references.
        baseline: condition that trains on human text, if the scope is ``test``.
        wording: how to say it.
    """
    learners = grouped(shown(rows), lambda row: row.learner)
    sentences, summaries = [], []
    for learner, own in learners.items():
        prefix = learner_prefix(learner, learners)
        by_text = grouped(own, lambda row: row.text).values()
        texts = {_text_name(found[0], people, baseline): found for found in by_text}
        sentences += [capital(prefix + wording.details(found, name)) for name, found in texts.items()]
        machines = {
            name: found for name, found in texts.items() if found[0].text not in people and found[0].text != baseline
        }
        if machines:
            is_output = own[0].scope == "test"
            first, *others = _summaries(machines, wording) + [
                wording.summary(found, name) for name, found in texts.items() if is_output and found[0].text == baseline
            ]
            start = capital(prefix + wording.topic) + (" in learners’ output" if is_output else "")
            summaries.append(". ".join([f"{start}: {first}", *map(capital, others)]))
    return Findings(". ".join(summaries), sentences)


def _text_name(row: MeasureRow, people: Collection[str], baseline: str) -> str:
    """Whose text a row is about: an origin's, or what a learner writes after training on a condition."""
    if row.scope != "test":
        return author(row.text, people)
    return f"the output after training on {row.text}" + (" (the baseline)" if row.text == baseline else "")


def _summaries(texts: Mapping[str, Sequence[Row]], wording: Wording[Row]) -> list[str]:
    """A clause for each machine text, or a single one that counts them if they are many."""
    rows = [row for found in texts.values() for row in found]
    if all(row.difference is None for row in rows):
        return ["there is no human text to compare with"]
    if len(texts) <= MANY:
        return [wording.summary(found, name) for name, found in texts.items()]
    parts = []
    for sign, forms in wording.sides.items():
        found = [row for row in rows if row.sign == sign]
        number = len({row.text for row in found})
        parts.append(f"{number} {verb(number, *forms)} in at least one measure{_most_often(found)}")
    same = len(texts) - len({row.text for row in rows if row.sign})
    return [f"of {count(len(texts), 'text')}, {', '.join(parts)}, and {same} {verb(same, 'does', 'do')} neither"]


def _most_often(rows: Sequence[MeasureRow]) -> str:
    """The measure that most of ``rows`` are about, in brackets, with their number; nothing for none."""
    found = Counter(row.measure for row in rows).most_common(1)
    return f" (most often {measure_name(found[0][0])}: {found[0][1]})" if found else ""


def sides_details(rows: Sequence[Row], sides: Sides, reference: str, numbers: Callable[[Row], str]) -> list[str]:
    """A clause for the measures on each side of human text, and one for those that do not differ significantly.

    Args:
        rows: of one text, with a difference.
        sides: how a clause begins: the first one, and one that follows.
        reference: what the text is compared with.
        numbers: writes what is in brackets after a measure.
    """
    signs = grouped(rows, lambda row: row.sign)
    parts: list[str] = []
    for sign, (first, later) in sides.items():
        if found := signs.get(sign):
            spelt = [f"{measure_name(row.measure)} ({numbers(row)})" for row in found[:_SPELT_OUT]]
            names = listing(spelt + [measure_name(row.measure) for row in found[_SPELT_OUT:]])
            parts.append(f"{later if parts else first} {names}")
    if same := signs.get(0):
        names = listing([measure_name(row.measure) for row in same])
        parts.append(f"not significantly different from {'it' if parts else reference} in {names}")
    return parts


def sides_summary(
    rows: Sequence[Row], sides: Sides, reference: str, example: Callable[[Sequence[Row], bool], str]
) -> str:
    """How many measures are on each side of human text; arguments as for :func:`sides_details`.

    Args:
        example: writes what is in brackets after a number of rows, from these and whether they come first.
    """
    signs = grouped(rows, lambda row: row.sign)
    of = f" of {count(len(rows), 'measure')}"
    parts: list[str] = []
    for sign, (first, later) in sides.items():
        if found := signs.get(sign):
            start = f"{later} {len(found)}" if parts else f"{first} {len(found)}{of}"
            parts.append(f"{start} ({example(found, not parts)})")
    return listing(parts) or f"not significantly different from {reference} in any{of}"
