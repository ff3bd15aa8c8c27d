"""Split text into words."""

import math
import re
from collections import Counter

import regex

from workbench.languages import UNSPACED

_URL = re.compile(r"\b(?:https?|ftp|ssh|svn|file)://\S+|\bwww\.\S+")
PLACEHOLDER = re.compile(
    r"%\(\w+\)[#0+-]*\d*(?:\.\d+)?[a-zA-Z]"  # %(name)s
    r"|%[#0+-]*\d*(?:\.\d+)?[diouxXeEfFgGcrsa](?![^\W\d_])|%\d+\b(?!\s*%)"  # %s %.2f %1
    r"|\$?\{\{?[^{}]{0,80}\}\}?|\{%[^{}]{0,80}%\}"  # {name} ${name} {{ name }} {% tag %}
    r"|\$[A-Za-z_]\w*"  # $name
)

# Scripts without blanks between words, as characters: one pattern for all, and one for each with the length of a word.
_UNSPACED_SCRIPTS = "[" + "".join(rf"\p{{{name}}}" for script in UNSPACED for name in script.characters) + "]"
_UNSPACED = regex.compile(_UNSPACED_SCRIPTS)
_LENGTHS = [
    (regex.compile("[" + "".join(rf"\p{{{name}}}" for name in script.characters) + "]"), script.word)
    for script in UNSPACED
]
_WORD = regex.compile(_UNSPACED_SCRIPTS + r"\p{M}*|[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:['’][\p{L}\p{N}\p{M}]+)*")


def plain_words(text: str) -> str:
    """``text`` without placeholders and addresses."""
    return _URL.sub(" ", PLACEHOLDER.sub(" ", text))


def count_words(text: str) -> int:
    """The number of words between blanks; in scripts without blanks, some characters count as a word.

    How many is in :data:`workbench.languages.UNSPACED`: one in Chinese and Japanese, five in Thai.
    """
    if not _UNSPACED.search(text):
        return len(text.split())
    unspaced = sum(math.ceil(len(characters.findall(text)) / length) for characters, length in _LENGTHS)
    return len(_UNSPACED.sub(" ", text).split()) + unspaced


def parts_of_word(text: str) -> int:
    """How many items of :func:`words_of` a word has: one, or in scripts without blanks some characters, at least two.

    A Chinese character counts as a word where texts are measured, but most words have two.
    """
    if not _UNSPACED.search(text):
        return 1
    found: Counter[int] = Counter()
    for characters, length in _LENGTHS:
        found[max(2, length)] += len(characters.findall(text))
    ((parts, most),) = found.most_common(1)
    return parts if 2 * most > len(words_of(text)) else 1


def divided(text: str) -> str:
    """``text`` with blanks around every character of a script that has none between words."""
    return " ".join(_UNSPACED.sub(r" \g<0> ", text).split())


def words_of(text: str) -> list[str]:
    """The words of a text as written, without punctuation."""
    return _WORD.findall(text)


def folded_words(text: str) -> list[str]:
    """The words of a text with case folded."""
    return words_of(text.casefold())
