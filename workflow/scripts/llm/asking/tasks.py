"""What a model is asked to do with a source: to translate it, or to judge a translation of it.

A task writes prompts, says how long answers may be and classifies answers. Everything else (journal, retries, budget,
batches, files) is the same for all tasks.

Nothing in a task may depend on a source's id, its place or what else is asked: a call's key follows from it.
"""

import math
from collections.abc import Iterable

from llm.answers.habits import learn as habits_of
from llm.answers.outcomes import Verdict, classify_text, repair, standards
from llm.answers.scores import Judgement, Pair
from llm.prompts import Templates
from llm.settings import ShapingSettings
from llm.tokens import estimate_tokens
from workbench.pairs import Source

Subject = Source | Pair
_MARGIN_TOKENS = 32  # that every answer may have beyond its factor


class Translation:
    """The task of translating.

    Raises:
        UserError: a language is unknown.
    """

    result = "target"  # what an answer gives, in one word
    texts: tuple[str, ...] = ("source",)  # what the texts of a subject are called, in the order of its fields

    def __init__(self, templates: Templates, settings: ShapingSettings) -> None:
        self.templates = templates
        self._factor = settings.max_output_factor or 0.0
        self._reasoning = settings.reasoning_tokens
        self._standards = standards(templates.languages, settings.language_margin)

    def learn(self, answers: Iterable[tuple[str, str]]) -> list[str]:
        """Learn from sources and their first answers what the model does again and again; in words, for people."""
        habits = habits_of(answers)
        self._standards = self._standards._replace(habits=habits)
        return habits.notes()

    def prompt(self, subject: Source, step: int = 0) -> str:
        """The user's message for one source; ``step`` counts earlier tries."""
        return self.templates.user(subject.text, step)

    def expected_tokens(self, text: str) -> int:
        """Usual tokens of an answer: about as many as the source ``text`` has."""
        return estimate_tokens(text) + self._reasoning

    def longest(self, text: str) -> int:
        """Tokens of the longest answer for a source ``text``."""
        return math.ceil(self._factor * estimate_tokens(text)) + _MARGIN_TOKENS + self._reasoning

    def classify_text(self, text: str, source: str, prompt: str) -> Verdict:
        """What the text of a whole answer is."""
        return classify_text(text, source, prompt, self._standards)

    def repair(self, text: str, source: str, prompt: str) -> str | None:
        """What a malformed answer holds besides what is too much; None if that would be a guess."""
        return repair(text, source, prompt, self._standards)


PromptTask = Translation | Judgement
"""What is asked about a source; a task has all that these have."""
