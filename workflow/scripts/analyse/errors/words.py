"""What counts as a word when texts are searched for errors."""

from __future__ import annotations

import regex

# In scripts that put no blanks between words a character counts as a word, as in corpus.clean_corpus.
_WORD = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]\p{M}*"
    r"|[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:['’][\p{L}\p{N}\p{M}]+)*"
)


def words_of(text: str) -> list[str]:
    """The words of a text as they are written, punctuation left out."""
    return _WORD.findall(text)


def folded_words(text: str) -> list[str]:
    """The words of a text with case folded."""
    return words_of(text.casefold())
