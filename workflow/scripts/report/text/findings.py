"""What the report says about a question: in short, for the terminal, and at length, for the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from report.analysis_tables import DiversityRow, ErrorRow, texts_of
from report.text.measures import capital, measure_name

Row = TypeVar("Row", ErrorRow, DiversityRow)

MANY = 3  # more subjects than these are counted instead of named one by one


@dataclass(frozen=True)
class Said:
    """Sentences about one topic.

    Attributes:
        short: one clause without a full stop, or nothing.
        sentences: whole sentences for the page; each its own line.
    """

    short: str = ""
    sentences: list[str] = field(default_factory=list)


def paragraph(topics: Sequence[Said]) -> str:
    """The short clauses of some topics as sentences in one line."""
    return " ".join(f"{capital(topic.short)}." for topic in topics if topic.short)


def author(origin: str, people: Collection[str]) -> str:
    """Whose text it is: a generator's, or that of a second human reference (one of ``people``)."""
    return f"the second human reference {origin}" if origin in people else f"text written by {origin}"


def most_often(rows: Sequence[ErrorRow] | Sequence[DiversityRow]) -> str:
    """The measure that most of ``rows`` are about, in brackets, with their number; nothing for none."""
    found = Counter(row.measure for row in rows).most_common(1)
    return f" (most often {measure_name(found[0][0])}: {found[0][1]})" if found else ""


def subject_of(row: ErrorRow | DiversityRow, people: Collection[str], baseline: str) -> str:
    """Whose text a row is about: an origin's, or what a learner writes after training on a condition."""
    if row.scope != "test":
        return author(row.text, people)
    return f"what the learner writes after training on {row.text}" + (" (the baseline)" if row.text == baseline else "")


def said_of_texts(
    rows: Sequence[Row],
    people: Collection[str],
    baseline: str,
    sentence: Callable[[list[Row], Collection[str], str], str],
    short: Callable[[list[Row], list[str], str], str],
) -> Said:
    """What there is to say of the texts of one scope, learner by learner.

    Args:
        rows: of one scope.
        people: generators that are second human references.
        baseline: condition that trains on human text, where the scope is ``test``.
        sentence: writes what the rows of one text say.
        short: writes in one clause what a learner's rows say of the texts that people did not write.
    """
    learners = list(dict.fromkeys(row.learner for row in rows))
    sentences, shorts = [], []
    for learner in learners:
        own = [row for row in rows if row.learner == learner]
        start = f"with learner {learner}, " if len(learners) > 1 else ""
        names = texts_of(own)
        for name in names:
            sentences.append(capital(start + sentence([row for row in own if row.text == name], people, baseline)))
        machines = [name for name in names if name not in people and name != baseline]
        if machines:
            shorts.append(start + short(own, machines, baseline))
    return Said("; ".join(shorts), sentences)
