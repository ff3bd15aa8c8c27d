"""How many tokens a text has, without the provider's tokenizer.

Tokenizers of hosted models are not public or want to download their tables; byte counts are enough to estimate a price
and to keep below a limit of tokens per minute. What the provider counts replaces the estimate as soon as there are
answers.
"""

from __future__ import annotations

import math

BYTES_PER_TOKEN = (
    3.5  # English has 4 to 4.7 in the tokenizers of 2024 to 2026, German 3.3 to 4, code and numbers 2.5 to 3
)
FRAME_TOKENS = 16  # what a provider puts around a prompt: roles, separators

_PRIOR_BYTES = 2000.0  # how much text the constant counts for against what answers say


def estimate_tokens(text: str) -> int:
    """About how many tokens ``text`` has, at least one. It depends on the text alone, for ever."""
    return max(1, math.ceil(len(text.encode()) / BYTES_PER_TOKEN))


def upper_bound(text: str) -> int:
    """More tokens than ``text`` can have as a prompt: hosted models' tokenizers make one token a byte at most."""
    return len(text.encode()) + FRAME_TOKENS


class Calibration:
    """Tokens per byte of one model and prompt, learnt from its answers.

    For estimates and for limits of tokens per minute. What goes into a request must not depend on it: the same
    source must ask the same question in every run.
    """

    def __init__(self) -> None:
        self._prompt = _Rate()
        self._answer = _Rate()

    def observe(self, prompt: str, source: str, input_tokens: int, output_tokens: int) -> None:
        """Learn from an answer: ``prompt`` is all text sent, ``source`` what was to be translated."""
        self._prompt.observe(len(prompt.encode()), input_tokens)
        self._answer.observe(len(source.encode()), output_tokens)

    def prompt_tokens(self, prompt: str) -> float:
        """Expected tokens of a prompt."""
        return self._prompt.tokens(len(prompt.encode()))

    def answer_tokens(self, source: str) -> float:
        """Expected tokens of the answer to ``source``."""
        return self._answer.tokens(len(source.encode()))


class _Rate:
    """Tokens per byte: :data:`BYTES_PER_TOKEN` at first, what was observed in the end."""

    def __init__(self) -> None:
        self._bytes = _PRIOR_BYTES
        self._tokens = _PRIOR_BYTES / BYTES_PER_TOKEN

    def observe(self, size: int, tokens: int) -> None:
        self._bytes += size
        self._tokens += tokens

    def tokens(self, size: int) -> float:
        return size * self._tokens / self._bytes
