"""Split text into words."""

import re

import regex

_URL = re.compile(r"\b(?:https?|ftp|ssh|svn|file)://\S+|\bwww\.\S+")
PLACEHOLDER = re.compile(
    r"%\(\w+\)[#0+-]*\d*(?:\.\d+)?[a-zA-Z]"  # %(name)s
    r"|%[#0+-]*\d*(?:\.\d+)?[diouxXeEfFgGcrsa](?![^\W\d_])|%\d+\b(?!\s*%)"  # %s %.2f %1
    r"|\$?\{\{?[^{}]{0,80}\}\}?|\{%[^{}]{0,80}%\}"  # {name} ${name} {{ name }} {% tag %}
    r"|\$[A-Za-z_]\w*"  # $name
)

# Scripts without spaces between words: every character counts as a word.
_UNSPACED_SCRIPTS = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_UNSPACED = regex.compile(_UNSPACED_SCRIPTS)
_WORD = regex.compile(_UNSPACED_SCRIPTS + r"\p{M}*|[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:['’][\p{L}\p{N}\p{M}]+)*")


def plain_words(text: str) -> str:
    """``text`` without placeholders and addresses."""
    return _URL.sub(" ", PLACEHOLDER.sub(" ", text))


def count_words(text: str) -> int:
    """The number of words between blanks; in scripts without blanks, every character counts as a word."""
    unspaced = len(_UNSPACED.findall(text))
    return len((_UNSPACED.sub(" ", text) if unspaced else text).split()) + unspaced


def words_of(text: str) -> list[str]:
    """The words of a text as written, without punctuation."""
    return _WORD.findall(text)


def folded_words(text: str) -> list[str]:
    """The words of a text with case folded."""
    return words_of(text.casefold())
