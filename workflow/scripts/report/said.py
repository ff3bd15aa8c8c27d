"""What the report says about a question: in short, for the terminal, and at length, for the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from report.analysis_tables import DiversityRow, ErrorRow
from report.measures import capital, measure_name

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
