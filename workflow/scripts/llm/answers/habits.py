"""Learn from a generator's answers what it adds or answers again and again, in whatever language.

Two habits are looked for. A short opening that ends in a colon, over sources that begin differently and have no colon,
is a lead-in. The same sentence for sources that have little in common is a refusal, or as useless as one.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from workbench.text import match_key, one_line
from workbench.words import folded_words

_OPENING = re.compile(r"\W{0,4}[^\W\d][^\n:：]{0,40}[:：]\W{0,3}(?=\w)")
_MOST_WORDS = 5  # of an opening
_SAME_BEGINNING = 8  # characters in which the beginnings of two sources may not be the same
_FEWEST = 3  # answers that make a habit
_FEWEST_OPENINGS, _SHARE_OF_OPENINGS = 5, 0.1  # answers with any opening that make each of them a lead-in
_FEWEST_LETTERS = 12  # of an answer that is not given to different sources by right
_MOST_CHARACTERS = 300  # of the same
_MOST_SHARED = 0.5  # share of their words that different sources may have in common
_SAMPLE = 100_000  # answers that are looked at
_SHOWN = 5


@dataclass(frozen=True)
class Habits:
    """What a generator adds or answers again and again."""

    # Lead-ins in lower case, and over how many beginnings of sources each was seen
    openings: Mapping[str, int] = field(default_factory=dict)
    # Keys of answers (see :func:`workbench.text.match_key`), and to how many sources each was given
    answers: Mapping[str, int] = field(default_factory=dict)
    has_lead_ins: bool = False  # whether so many answers have an opening that any opening is a lead-in
    examples: Mapping[str, str] = field(default_factory=dict)  # of the answers, by key

    def lead_in(self, text: str, source: str) -> int | None:
        """Where the translation begins after a lead-in that was learnt; None without one."""
        found = _opening(text, source) if self.openings else None
        return found.end() if found and (self.has_lead_ins or _spelling(found) in self.openings) else None

    def notes(self) -> list[str]:
        """What was found, in words."""
        common = sorted(self.openings, key=lambda text: -self.openings[text])[:_SHOWN]
        lead_ins = ", ".join(f"{text!r} ({self.openings[text]:,})" for text in common)
        what = "any opening before a colon" if self.has_lead_ins else "some openings before a colon"
        answers = (f"{self.examples[key][:80]!r} to {number:,} sources" for key, number in self.answers.items())
        return [
            *([f"taken for lead-ins, {what} that the source lacks: {lead_ins}"] if lead_ins else []),
            *([f"taken for refusals, the same answer: {', '.join(islice(answers, _SHOWN))}"] if self.answers else []),
        ]


NONE = Habits()


def _opening(text: str, source: str) -> re.Match[str] | None:
    """A short opening that ends in a colon, if the source has no colon."""
    found = _OPENING.match(text)
    return found if found and len(found[0].split()) <= _MOST_WORDS and not re.search("[:：]", source) else None


def _spelling(opening: re.Match[str]) -> str:
    return opening[0].strip().casefold()


def learn(answers: Iterable[tuple[str, str]]) -> Habits:
    """The habits in pairs of a source and its first answer."""
    openings: dict[str, set[str]] = defaultdict(set)
    repeated: dict[str, list[str]] = defaultdict(list)
    examples: dict[str, str] = {}
    number = 0
    for source, text in islice(answers, _SAMPLE):
        number += 1
        if begins := _opening(text.strip(), source):
            openings[_spelling(begins)].add(source.casefold()[:_SAME_BEGINNING])
        key = match_key(line) if len(line := one_line(text)) <= _MOST_CHARACTERS else ""
        if len(key) >= _FEWEST_LETTERS:
            repeated[key].append(source)
            examples.setdefault(key, line)
    with_opening = len(set().union(*openings.values()))
    has_lead_ins = with_opening >= max(_FEWEST_OPENINGS, _SHARE_OF_OPENINGS * number)
    told = {key: len(sources) for key, sources in repeated.items() if len(_different(sources)) >= _FEWEST}
    return Habits(
        {text: len(begins) for text, begins in openings.items() if has_lead_ins or len(begins) >= _FEWEST},
        told,
        has_lead_ins,
        {key: examples[key] for key in told},
    )


def _different(sources: list[str]) -> list[set[str]]:
    """The words of sources that have little in common with one another; a few of them, if there are many."""
    found: list[set[str]] = []
    for source in sources if len(sources) >= _FEWEST else []:
        words = set(folded_words(source))
        if all(len(words & other) <= _MOST_SHARED * min(len(words), len(other)) for other in found):
            found.append(words)
        if len(found) == _FEWEST:
            break
    return found
