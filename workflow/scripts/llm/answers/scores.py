"""Ask a model how good a translation is: the pair that is judged, and the score in an answer.

The scale is direct assessment without a reference, 0 to 100, as in Kocmi & Federmann (2023), "Large Language Models Are
State-of-the-Art Evaluators of Translation Quality" (GEMBA-DA); the wording of the prompt is ours. A valid answer is a
whole number on this scale.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from llm.answers.outcomes import Outcome, Verdict
from llm.answers.refusals import declined
from llm.answers.wording import without_machinery
from llm.prompts import Templates
from workbench.generated import read_targets
from workbench.tables import read_rows
from workbench.text import one_line

_NUMBER_TOKENS = 4  # in an answer that is a number
_MARGIN_TOKENS = 32  # that every answer may have besides the model's thoughts
_SCORE = re.compile(r"(?:100|[1-9]?[0-9])")
# What a line may have besides the score: words about a score before it, the scale and marks after it.
_SCORE_LINE = re.compile(
    r"""[\W_]*(?:[^\W\d][^\d\n]{0,80})?(?<![\d.,/+-])(?P<score>100|[1-9]?[0-9])
        (?:\ ?[(\[]?(?:/\ ?100|out\ of\ 100|%|points?|点|分)){0,2}(?:</\w+>)?[\s.,!"'`*_}\])”»]*""",
    re.VERBOSE | re.IGNORECASE,
)
_OF_SCORES = re.compile(r"\b(?:scor|rate|rating|grade|assessment)|\b(?:answer|result|quality)\W*$", re.IGNORECASE)
_FENCE = re.compile(r"```\w*")


class Pair(NamedTuple):
    """A source and the target that is judged; ``text`` is the source's."""

    id: str
    text: str
    target: str


class Pairs:
    """The sources of a pool with their targets, in the pool's order; sources without a target are left out.

    Args:
        pool: table with ``id source target``.
        generated: table with ``id text``; None takes the pool's own targets.
    """

    def __init__(self, pool: Path, generated: Path | None) -> None:
        self._pool = pool
        self._targets = None if generated is None else read_targets(generated)
        self._number = sum(1 for _ in self)

    def __len__(self) -> int:
        return self._number

    def __iter__(self) -> Iterator[Pair]:
        for identifier, source, target in read_rows(self._pool, ["id", "source", "target"]):
            text = target if self._targets is None else self._targets.get(identifier)
            if text is not None:
                yield Pair(identifier, source, text)


class Judgement:
    """The task of rating a target, see :class:`llm.asking.tasks.PromptTask`.

    Args:
        templates: what is asked.
        reasoning_tokens: added to the longest answer.
    """

    result = "score"
    texts: tuple[str, ...] = ("source", "target")

    def __init__(self, templates: Templates, reasoning_tokens: int) -> None:
        self.templates = templates
        self._reasoning = reasoning_tokens

    def learn(self, answers: Iterable[tuple[str, str]]) -> list[str]:
        """Nothing: different texts may well have equal scores."""
        return []

    def prompt(self, subject: Pair, step: int = 0) -> str:
        """The user's message for one pair; ``step`` counts earlier tries."""
        return self.templates.user(subject.text, step, target=subject.target)

    def expected_tokens(self, text: str) -> int:
        """Tokens of a typical answer, a number; independent of the texts."""
        return _NUMBER_TOKENS + self._reasoning

    def longest(self, text: str) -> int:
        """Tokens of the longest answer."""
        return _MARGIN_TOKENS + self._reasoning

    def classify_text(self, text: str, source: str, prompt: str) -> Verdict:
        """The verdict on the text of a complete answer: a score and nothing else is ``ok``."""
        line = one_line(text)
        if _SCORE.fullmatch(line):
            return Verdict(Outcome.OK, line)
        if not line:
            return Verdict(Outcome.EMPTY, line, "nothing is written")
        if refusal := declined(line, ""):
            return Verdict(Outcome.REFUSAL, line, refusal)
        return Verdict(Outcome.MALFORMED, line, "no whole number from 0 to 100 alone")

    def repair(self, text: str, source: str, prompt: str) -> str | None:
        """The score in an answer with a score and more; None if it would have to be guessed.

        The model's thoughts and a Markdown fence are removed. Then exactly one score must be alone on its line, apart
        from words about a score before it, marks around it and the scale after it. Other lines do not count.
        """
        lines = [line.strip() for line in without_machinery(text).splitlines()]
        found = [_SCORE_LINE.fullmatch(line) for line in lines if not _FENCE.fullmatch(line)]
        scores = {match["score"] for match in found if match and _speaks_of_scores(match)}
        return scores.pop() if len(scores) == 1 else None


def _speaks_of_scores(line: re.Match[str]) -> bool:
    """Whether any words before a number are about a score."""
    before = line.string[: line.start("score")]
    return not any(character.isalpha() for character in before) or bool(_OF_SCORES.search(before))
