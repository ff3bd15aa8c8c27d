"""Clean the raw corpus: normalise it, drop whatever is not a sentence with its translation, and count the reasons.

The rules are applied in the order of :data:`REASONS`; the first one that a pair breaks is its reason. Pairs of a
``valid`` or ``test`` part that the user gave keep scores comparable with published ones: only empty ones are dropped,
and they lose only what every text of the workflow loses, which is invisible characters, decomposed letters and white
space other than single blanks. The table counts those that this changes. Pairs of ``train`` that share a side with them
are dropped, and so are pairs of ``valid`` that share a side with ``test``.

Memory: three sets of 8-byte hashes, about 0.4 GB for two million pairs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import regex

from corpus.raw_table import COLUMNS, GIVEN_PARTS, SentencePair, part_of, read_raw
from workbench.cli import UserError, progress, run_script, say, script_parser
from workbench.language_identification import Identify, language_identifier
from workbench.languages import base_language
from workbench.markup import has_markup, strip_markup
from workbench.tables import write_rows
from workbench.text import hash64, match_key, one_line
from workbench.words import PLACEHOLDER, count_words, plain_words

REASONS = (
    "empty",  # no source or no target
    "damaged",  # U+FFFD: the text was once decoded with the wrong encoding
    "markup",  # tags, entities, reST or Markdown, if these are to be dropped
    "placeholders",  # %s, {name} and the like, if these are to be dropped
    "few_letters",  # mostly digits, signs and placeholders on one side
    "few_words",
    "many_words",
    "many_characters",
    "length_ratio",  # one side has too many more words to be the translation of the other
    "identical",  # source and target are the same text: not translated
    "language",  # clearly in another language than it should be
    "leak",  # its source or target is in a given test or valid part
    "duplicate",  # an earlier pair has the same source
    "near_duplicate",  # an earlier pair has the same source, except for digits and placeholders
)

NORMALISED = "kept, but normalised"  # pairs of given parts; counted among those that are kept
_LETTER = regex.compile(r"[\p{L}\p{M}]")


class CleaningRules(NamedTuple):
    """The section ``corpus.cleaning`` of the configuration."""

    min_letters: float  # share of letters in a text without its placeholders and addresses
    min_words: int
    max_words: int
    max_characters: int
    max_length_ratio: float
    markup: str  # ``"keep"``, ``"strip"`` (keep the text inside) or ``"drop"`` (the pair)
    # placeholders, near_duplicates: ``"keep"`` or ``"drop"``
    placeholders: str
    near_duplicates: str
    # A text is in another language if that is this many times likelier; None: do not identify
    language_margin: float | None = None


def letter_share(text: str) -> float:
    """The share of letters among the characters other than blanks; 0 for a text without letters."""
    letters = len(_LETTER.findall(text))
    return letters and letters / (len(text) - text.count(" "))


def near_key(text: str) -> str:
    """The key that near duplicates share: their letters, without placeholders and digits."""
    key = match_key(PLACEHOLDER.sub("", text))
    return "".join(c for c in key if not c.isnumeric()) or match_key(text)


class Cleaner:
    """Decides which pairs are kept, one after another; it remembers the sources of those it has kept."""

    def __init__(
        self, rules: CleaningRules, languages: tuple[str, str], is_other: Identify | None, given: GivenKeys
    ) -> None:
        self.rules, self.languages, self.is_other, self.given = rules, languages, is_other, given
        self._sources: set[int] = set()
        self._near_sources: set[int] = set()

    def clean(self, pair: SentencePair) -> tuple[SentencePair, str | None]:
        """The cleaned pair, and the reason to drop it (None: keep it)."""
        part = part_of(pair.id)
        pair = SentencePair(pair.id, one_line(pair.source), one_line(pair.target))
        if part not in GIVEN_PARTS and self.rules.markup == "strip":
            pair = SentencePair(pair.id, strip_markup(pair.source), strip_markup(pair.target))
        if not (pair.source and pair.target):
            return pair, "empty"
        keys = match_key(pair.source), match_key(pair.target)
        if part in GIVEN_PARTS:
            return pair, "leak" if self.given.has_leak(part, keys) else None
        reason = self._broken_form(pair) or self._broken_content(part, pair, keys)
        return pair, reason or self._repetition(pair.source, keys[0])

    def _broken_form(self, pair: SentencePair) -> str | None:
        rules, texts = self.rules, (pair.source, pair.target)
        if any("\ufffd" in text for text in texts):
            return "damaged"
        if rules.markup == "drop" and any(has_markup(text) for text in texts):
            return "markup"
        if rules.placeholders == "drop" and any(PLACEHOLDER.search(text) for text in texts):
            return "placeholders"
        plain = [plain_words(text) for text in texts]
        if min(letter_share(text) for text in plain) < rules.min_letters:
            return "few_letters"
        if min(count_words(text) for text in plain) < rules.min_words:
            return "few_words"
        fewest, most = sorted(count_words(text) for text in texts)
        if most > rules.max_words:
            return "many_words"
        if max(len(text) for text in texts) > rules.max_characters:
            return "many_characters"
        return "length_ratio" if most > rules.max_length_ratio * fewest else None

    def _broken_content(self, part: str, pair: SentencePair, keys: tuple[str, str]) -> str | None:
        if keys[0] == keys[1]:
            return "identical"
        if self.is_other and any(map(self.is_other, (pair.source, pair.target), self.languages)):
            return "language"
        return "leak" if self.given.has_leak(part, keys) else None

    def _repetition(self, source: str, key: str) -> str | None:
        exact = hash64(key)
        if exact in self._sources:
            return "duplicate"
        if self.rules.near_duplicates == "drop":
            near = hash64(near_key(source))
            if near in self._near_sources:
                return "near_duplicate"
            self._near_sources.add(near)
        self._sources.add(exact)
        return None


class GivenKeys:
    """The keys of the sources and targets of the given parts, with and without markup."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[set[int], set[int]]] = {part: (set(), set()) for part in GIVEN_PARTS}

    def add(self, pair: SentencePair) -> None:
        """Remember a pair of a given part."""
        for side, text in enumerate(map(one_line, (pair.source, pair.target))):
            for form in (text, strip_markup(text)):
                if form:
                    self._keys[part_of(pair.id)][side].add(hash64(match_key(form)))

    def has_leak(self, part: str, keys: tuple[str, str]) -> bool:
        """Whether a pair's source or target is in a given part that must not share any text with the pair's part."""
        disjoint = {"test": (), "valid": ("test",)}.get(part, GIVEN_PARTS)
        return any(
            hash64(key) in self._keys[other][side]
            for other in disjoint
            if self._keys[other][0]
            for side, key in enumerate(keys)
        )


def survey(raw: Path) -> tuple[int, GivenKeys]:
    """The number of pairs, and the keys of the given parts."""
    total, given = 0, GivenKeys()
    for pair in read_raw(raw):
        total += 1
        if part_of(pair.id) in GIVEN_PARTS:
            given.add(pair)
    return total, given


def kept_pairs(raw: Path, total: int, cleaner: Cleaner, counts: dict[str, int]) -> Iterator[SentencePair]:
    """The pairs that the cleaner keeps; ``counts`` is updated with ``kept`` and the reasons of the others.

    Raises:
        UserError: no pair is kept.
    """
    for pair in progress(read_raw(raw), total, "pairs"):
        cleaned, reason = cleaner.clean(pair)
        counts[reason or "kept"] += 1
        if reason is None:
            counts[NORMALISED] += part_of(pair.id) in GIVEN_PARTS and cleaned != pair
            yield cleaned
    if not counts["kept"]:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in counts.items() if count)
        raise UserError(f"corpus.cleaning: no pair of {total:,} is left ({reasons or 'none was read'})")


def main(arguments: argparse.Namespace) -> None:
    """Write the clean corpus and the table of reasons."""
    source, target = map(base_language, arguments.languages)
    rules = CleaningRules(**json.loads(arguments.rules))
    margin = rules.language_margin
    is_other = None if margin is None else language_identifier((source, target), margin)
    total, given = survey(arguments.raw)
    cleaner = Cleaner(rules, (source, target), is_other, given)
    counts = dict.fromkeys((*REASONS, "kept", NORMALISED), 0)
    write_rows(arguments.output, COLUMNS, kept_pairs(arguments.raw, total, cleaner, counts))
    write_rows(arguments.table, ("reason", "pairs"), {"read": total, **counts}.items())
    if counts[NORMALISED]:
        say(
            f"{counts[NORMALISED]:,} pairs of the given parts were changed: invisible characters such as U+200B and "
            "soft hyphens were dropped, white space made single blanks, letters composed (NFC)"
        )
    dropped = ", ".join(f"{reason} {counts[reason]:,}" for reason in REASONS if counts[reason])
    say(f"{counts['kept']:,} of {total:,} pairs kept ({dropped or 'nothing dropped'})")


PARSER = script_parser(__doc__)
PARSER.add_argument("--raw", required=True, type=Path, help="raw.tsv.gz")
PARSER.add_argument("--languages", required=True, nargs=2, metavar=("SOURCE", "TARGET"), help="codes such as de")
PARSER.add_argument("--rules", required=True, help="JSON: the section corpus.cleaning of the configuration")
PARSER.add_argument("--output", required=True, type=Path, help="clean.tsv")
PARSER.add_argument("--table", required=True, type=Path, help="cleaning.tsv")


if __name__ == "__main__":
    run_script(PARSER, main)
