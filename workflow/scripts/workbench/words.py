"""Words of a text, and the language that it is in."""

from __future__ import annotations

import re
from collections.abc import Callable

import regex

from workbench.cli import UserError

_URL = re.compile(r"\b(?:https?|ftp|ssh|svn|file)://\S+|\bwww\.\S+")
PLACEHOLDER = re.compile(
    r"%\(\w+\)[#0+-]*\d*(?:\.\d+)?[a-zA-Z]"  # %(name)s
    r"|%[#0+-]*\d*(?:\.\d+)?[diouxXeEfFgGcrsa](?![^\W\d_])|%\d+\b(?!\s*%)"  # %s %.2f %1
    r"|\$?\{\{?[^{}]{0,80}\}\}?|\{%[^{}]{0,80}%\}"  # {name} ${name} {{ name }} {% tag %}
    r"|\$[A-Za-z_]\w*"  # $name
)

# Scripts without spaces between words: every character counts as one.
_UNSPACED_SCRIPTS = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_UNSPACED = regex.compile(_UNSPACED_SCRIPTS)
_WORD = regex.compile(_UNSPACED_SCRIPTS + r"\p{M}*|[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:['’][\p{L}\p{N}\p{M}]+)*")

Identify = Callable[[str, str], bool]
"""Tells whether a text is confidently not of a language, given as its code."""


def plain_words(text: str) -> str:
    """``text`` without placeholders and addresses."""
    return _URL.sub(" ", PLACEHOLDER.sub(" ", text))


def count_words(text: str) -> int:
    """Words between blanks; in scripts without blanks every character counts as one."""
    unspaced = len(_UNSPACED.findall(text))
    return len((_UNSPACED.sub(" ", text) if unspaced else text).split()) + unspaced


def words_of(text: str) -> list[str]:
    """The words of a text as they are written, punctuation left out."""
    return _WORD.findall(text)


def folded_words(text: str) -> list[str]:
    """The words of a text with case folded."""
    return words_of(text.casefold())


def language_identifier(languages: tuple[str, str], margin: float) -> Identify:
    """A function that says whether a text is confidently of another language than it should be.

    It is where py3langid finds some language ``margin`` times likelier than the expected one. A
    threshold on the likelihood itself would lose short texts, for which no language is likely.

    Raises:
        UserError: py3langid does not know a language.
    """
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    unknown = [code for code in languages if code not in identifier.labels]
    if unknown:
        raise UserError(
            f"corpus.cleaning.language_margin: no language {unknown[0]!r} in py3langid; set it to null, or "
            f"choose among {', '.join(sorted(identifier.labels))}"
        )

    def is_other(text: str, language: str) -> bool:
        text = plain_words(text)
        best, likelihood = identifier.classify(text)
        if best == language:
            return False
        return likelihood > margin * dict(identifier.rank(text))[language]

    return is_other
