"""What errors and lexical diversity have in common: sentences about texts that are compared with human text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic

from report.analysis_tables import MeasureRow, Row, learners_of, shown, texts_of
from report.text.findings import MANY, Findings, learner_prefix
from report.text.formatting import capital, count, listing, verb
from report.text.names import author, measure_name

_SPELT_OUT = 3  # measures with numbers in a sentence; the others are listed by name


@dataclass(frozen=True)
class Wording(Generic[Row]):
    """The words for one kind of measure.

    Attributes:
        topic: what is measured, such as ``errors``.
        details: writes the sentences about one text, from its rows and its name.
        summary: the same as a clause for the terminal.
        sides: for many texts: how each sign of a difference reads, for one text and for several.
    """

    topic: str
    details: Callable[[Sequence[Row], str], str]
    summary: Callable[[Sequence[Row], str], str]
    sides: Mapping[int, tuple[str, str]]


def text_findings(rows: Sequence[Row], people: Collection[str], baseline: str, wording: Wording[Row]) -> Findings:
    """What was found about the pool's texts, or about learners' output at their largest size.

    Args:
        rows: of one scope.
        people: generators that are second human references.
        baseline: condition that trains on human text, if the scope is ``test``.
        wording: how to say it.
    """
    rows = shown(rows)
    learners = learners_of(rows)
    sentences, summaries = [], []
    for learner in learners:
        own = [row for row in rows if row.learner == learner]
        prefix = learner_prefix(learner, learners)
        texts = {
            _text_name(found[0], people, baseline): found
            for name in texts_of(own)
            if (found := [row for row in own if row.text == name])
        }
        sentences += [capital(prefix + wording.details(found, name)) for name, found in texts.items()]
        machines = {
            name: found for name, found in texts.items() if found[0].text not in people and found[0].text != baseline
        }
        if machines:
            clauses = _summaries(machines, wording)
            clauses += [
                wording.summary(found, name)
                for name, found in texts.items()
                if found[0].text == baseline and found[0].scope == "test"
            ]
            where = "" if own[0].scope == "pool" else " in learners’ output"
            first, *others = clauses
            start = capital(prefix + wording.topic) + where
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
    parts: list[str] = []
    different: set[str] = set()
    for sign, forms in wording.sides.items():
        found = [row for row in rows if row.sign == sign]
        names = set(texts_of(found))
        different |= names
        parts.append(f"{len(names)} {verb(len(names), *forms)} in at least one measure{_most_often(found)}")
    same = len(texts) - len(different)
    return [f"of {count(len(texts), 'text')}, {', '.join(parts)}, and {same} {verb(same, 'does', 'do')} neither"]


def _most_often(rows: Sequence[MeasureRow]) -> str:
    """The measure that most of ``rows`` are about, in brackets, with their number; nothing for none."""
    found = Counter(row.measure for row in rows).most_common(1)
    return f" (most often {measure_name(found[0][0])}: {found[0][1]})" if found else ""


def measures_text(rows: Sequence[Row], numbers: Callable[[Row], str]) -> str:
    """The measures of ``rows``, the first ones with their numbers in brackets."""
    spelt = [f"{measure_name(row.measure)} ({numbers(row)})" for row in rows[:_SPELT_OUT]]
    return listing(spelt + [measure_name(row.measure) for row in rows[_SPELT_OUT:]])
