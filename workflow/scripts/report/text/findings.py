"""What the report found about one question: a clause for the terminal, sentences for the page."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from report.text.formatting import capital

MANY = 3  # more subjects than these are counted instead of named one by one


@dataclass(frozen=True)
class Findings:
    """Sentences about one topic."""

    short: str = ""  # a clause without a full stop, or nothing
    sentences: list[str] = field(default_factory=list)  # whole sentences for the page, one a line


def paragraph(topics: Sequence[Findings]) -> str:
    """The short clauses of some topics as sentences in one line."""
    return " ".join(f"{capital(topic.short)}." for topic in topics if topic.short)


def learner_prefix(learner: str, learners: Collection[str]) -> str:
    """How a sentence begins that is about one of several learners."""
    return f"with learner {learner}, " if len(learners) > 1 else ""
