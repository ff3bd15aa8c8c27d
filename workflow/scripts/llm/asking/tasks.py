"""What a model is asked to do with a source: to translate it, or to judge a translation of it.

A task writes prompts, says how long answers may be and classifies answers. Everything else (journal, retries, budget,
batches, files) is the same for all tasks.
"""

import math
from collections.abc import Iterable
from typing import Any, Protocol

from llm.answers.habits import learn as habits_of
from llm.answers.outcomes import Verdict, classify_text, repair, standards
from llm.answers.scores import Pair
from llm.prompts import Templates
from llm.settings import ShapingSettings
from llm.tokens import estimate_tokens
from workbench.pairs import Source

Subject = Source | Pair
_MARGIN_TOKENS = 32  # that every answer may have beyond its factor


class PromptTask(Protocol):
    """What is asked about a source.

    Nothing here may depend on a source's id, its place or what else is asked: a call's key follows from it.
    """

    result: str  # what an answer gives, in one word
    texts: tuple[str, ...]  # what the texts of a subject are called, in the order of its fields
    templates: Templates  # what is asked

    def learn(self, answers: Iterable[tuple[str, str]]) -> list[str]:
        """Learn from sources and their first answers what the model does again and again; in words, for people."""
        ...

    def prompt(self, subject: Any, step: int = 0) -> str:
        """The user's message for one subject; ``step`` counts the tries before."""
        ...

    def expected_tokens(self, text: str) -> int:
        """Usual tokens of the answer for a source ``text``."""
        ...

    def longest(self, text: str) -> int:
        """Tokens of the longest answer for a source ``text``."""
        ...

    def classify_text(self, text: str, source: str, prompt: str) -> Verdict:
        """What the text of a whole answer is."""
        ...

    def repair(self, text: str, source: str, prompt: str) -> str | None:
        """What a malformed answer holds besides what is too much; None if that would be a guess."""
        ...


class Translation:
    """The task of translating; see :class:`PromptTask`.

    Args:
        templates: what is asked.
        settings: how long answers may be, and how their language is checked.

    Raises:
        UserError: a language is unknown.
    """

    result = "target"
    texts: tuple[str, ...] = ("source",)

    def __init__(self, templates: Templates, settings: ShapingSettings) -> None:
        self.templates = templates
        self._factor = settings.max_output_factor or 0.0
        self._reasoning = settings.reasoning_tokens
        self._standards = standards(templates.languages, settings.language_margin)

    def learn(self, answers: Iterable[tuple[str, str]]) -> list[str]:
        """See :mod:`llm.answers.habits`."""
        habits = habits_of(answers)
        self._standards = self._standards._replace(habits=habits)
        return habits.notes()

    def prompt(self, subject: Source, step: int = 0) -> str:
        """The user's message for one source."""
        return self.templates.user(subject.text, step)

    def expected_tokens(self, text: str) -> int:
        """About as many as the source has."""
        return estimate_tokens(text) + self._reasoning

    def longest(self, text: str) -> int:
        """Tokens of the longest answer."""
        return math.ceil(self._factor * estimate_tokens(text)) + _MARGIN_TOKENS + self._reasoning

    def classify_text(self, text: str, source: str, prompt: str) -> Verdict:
        """See :func:`llm.answers.outcomes.classify_text`."""
        return classify_text(text, source, prompt, self._standards)

    def repair(self, text: str, source: str, prompt: str) -> str | None:
        """See :func:`llm.answers.outcomes.repair`."""
        return repair(text, source, prompt, self._standards)
