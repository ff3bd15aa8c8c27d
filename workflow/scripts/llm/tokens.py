"""Estimate how many tokens a text has, without the provider's tokenizer.

Tokenizers of hosted models are not public, or download their tables. Byte counts are enough to estimate a price and to
stay below a limit of tokens per minute. As soon as there are answers, the provider's own counts replace the estimate.
"""

import math

# In the tokenizers of 2024 to 2026, English has 4 to 4.7, German 3.3 to 4, code and numbers 2.5 to 3.
BYTES_PER_TOKEN = 3.5
FRAME_TOKENS = 16  # that a provider adds to a prompt: roles, separators


def estimate_tokens(text: str) -> int:
    """About how many tokens ``text`` has, at least one; depends on nothing but the text."""
    return max(1, math.ceil(len(text.encode()) / BYTES_PER_TOKEN))


def upper_bound(text: str) -> int:
    """More tokens than ``text`` can have as a prompt: hosted models use at most one token per byte."""
    return len(text.encode()) + FRAME_TOKENS
