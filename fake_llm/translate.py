"""Translators: the interface and a built-in dictionary; other modules have phrase tables and trained models."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Protocol

DICTIONARY = Path(__file__).with_name("dictionary.tsv")
# Placeholders, markup and entities stay as they are; words are letters with inner hyphens and apostrophes.
TOKEN = re.compile(
    r"%\([^)]*\)[a-z]|%[a-z]|\{[^{}]*\}|<[^<>]+>|&#?\w+;|https?://\S+|[^\W\d_]+(?:[-'’][^\W\d_]+)*|\d+|\s+|."
)
_INTO_GERMAN = re.compile(r"\b(?:into|to) german\b|\bins deutsche\b", re.IGNORECASE)
# German endings and letters in English spelling, for words that the dictionary lacks.
_ENDINGS = [
    ("ierungen", "ations"),
    ("ierung", "ation"),
    ("ieren", "ate"),
    ("iert", "ated"),
    ("ungen", "ings"),
    ("ung", "ing"),
    ("keiten", "nesses"),
    ("keit", "ness"),
    ("heiten", "hoods"),
    ("heit", "hood"),
    ("schaft", "ship"),
    ("liche", "ly"),
    ("lich", "ly"),
    ("ischen", "ic"),
    ("ische", "ic"),
    ("isch", "ic"),
    ("tionen", "tions"),
    ("ende", "ing"),
    ("enden", "ing"),
    ("end", "ing"),
    ("eur", "or"),
    ("tät", "ty"),
    ("los", "less"),
    ("voll", "ful"),
    ("en", "s"),
    ("e", ""),
]
_LETTERS = [("sch", "sh"), ("ä", "a"), ("ö", "o"), ("ü", "u"), ("ß", "ss"), ("k", "c"), ("z", "t"), ("w", "v")]


class Translator(Protocol):
    """Turns a source into a translation; ``prompt`` is the text around the source."""

    async def translate(self, source: str, prompt: str = "") -> str:
        """The translation of one text."""


class Dictionary:
    """Translates word by word, from German into English or, if the prompt asks for it, the other way round."""

    def __init__(self, path: Path = DICTIONARY) -> None:
        lines = path.read_text(encoding="utf-8").splitlines()
        self._english = dict(line.split("\t") for line in lines if line)

    @cached_property
    def _german(self) -> dict[str, str]:
        backwards: dict[str, str] = {}
        for german, english in self._english.items():
            backwards.setdefault(english, german)
        return backwards

    async def translate(self, source: str, prompt: str = "") -> str:
        """The translation of one text."""
        if _INTO_GERMAN.search(prompt):
            return "".join(self._german.get(token.lower(), token) for token in TOKEN.findall(source))
        return self.english(source)

    def english(self, source: str) -> str:
        """A German text in English."""
        words = [self._word(token) for token in TOKEN.findall(source)]
        text = re.sub(r" {2,}", " ", "".join(words)).strip()
        return text[:1].upper() + text[1:] if source[:1].isupper() else text

    def _word(self, token: str) -> str:
        if not token[0].isalpha():
            return token
        known = self._english.get(token.lower())
        if known is not None:
            return known
        parts = token.split("-")
        return "-".join(parts) if token.isupper() else "-".join(self._part(part) for part in parts)

    def _part(self, word: str) -> str:
        lower = word.lower()
        return self._english.get(lower) or self._compound(lower) or anglicised(lower)

    def _compound(self, word: str) -> str | None:
        """A compound of two known words, such as ``Passwortfeld``."""
        for place in range(len(word) - 4, 3, -1):
            first, second = word[:place], word[place:]
            if second not in self._english:
                continue
            head = self._english.get(first) or (self._english.get(first[:-1]) if first[-1] in "sn" else None)
            if head:
                return f"{head} {self._english[second]}"
        return None


@lru_cache(maxsize=65536)
def anglicised(word: str) -> str:
    """An unknown German word, in lower case, by rules that make it look English."""
    for ending, english in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending) + english
            break
    for german, english in _LETTERS:
        word = word.replace(german, english)
    return word
