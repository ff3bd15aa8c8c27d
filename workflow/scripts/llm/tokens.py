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


def estimate_tokens(text: str) -> int:
    """About how many tokens ``text`` has, at least one. It depends on the text alone, for ever."""
    return max(1, math.ceil(len(text.encode()) / BYTES_PER_TOKEN))


def upper_bound(text: str) -> int:
    """More tokens than ``text`` can have as a prompt: hosted models' tokenizers make one token a byte at most."""
    return len(text.encode()) + FRAME_TOKENS
