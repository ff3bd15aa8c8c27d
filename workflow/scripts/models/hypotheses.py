"""What a model writes for a source, and how it becomes a row of generated text."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workbench.generated import Generated


@dataclass(frozen=True)
class Hypothesis:
    """One output: its text, its number of tokens and their mean log-probability (natural, end of sentence included)."""

    text: str
    tokens: int
    logprob: float


def as_generated(ids: Iterable[str], hypotheses: Iterable[Hypothesis]) -> Iterator[Generated]:
    """Yield every hypothesis under the id of its source, in order."""
    for source_id, hypothesis in zip(ids, hypotheses, strict=True):
        yield Generated(source_id, hypothesis.text, hypothesis.logprob, {"tokens": hypothesis.tokens})
