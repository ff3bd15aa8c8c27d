"""Text that goes round in circles, and one target for many sources.

Sources: Lee et al., Hallucinations in Neural Machine Translation (2018); Raunak, Menezes & Junczys-Dowmunt, The Curious
Case of Hallucinations in Neural Machine Translation (NAACL 2021), whose two checks without a reference these are: the
count of the top n-gram beside the source's, and targets repeated for other sources. The third, of stutters, is ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from workbench.text import match_key
from workbench.words import folded_words, plain_words

_QUOTES = "\"'“”„‚‘’«»‹›()[]"


def oscillates(source: str, target: str, *, ngram: int, excess: int, stutters: int, stutter_words: int) -> bool:
    """Whether a target repeats itself more than its source does.

    Args:
        ngram: words of the n-grams that are counted.
        excess: how many times more often than the source's most frequent n-gram the target's must be there.
        stutters: how many more times than in the source some words must follow upon themselves at once
            ("the file the file"); 0 looks for none.
        stutter_words: most words that follow upon themselves.
    """
    ours, theirs = folded_words(source), folded_words(target)
    if top_count(theirs, ngram) - max(top_count(ours, ngram), 1) >= excess:
        return True
    return bool(stutters) and stutter_count(target, stutter_words) - stutter_count(source, stutter_words) >= stutters


def top_count(words: Sequence[str], ngram: int) -> int:
    """How often the most frequent n-gram is there; 0 where there is none."""
    counts = Counter(zip(*(words[start:] for start in range(ngram)), strict=False))
    return max(counts.values(), default=0)


def stutter_count(text: str, longest: int) -> int:
    """How often one to ``longest`` words follow upon the same words at once.

    Words are what stands between blanks, quotation marks and brackets aside: "a user, user groups" does not stutter.
    Placeholders are left out.
    """
    words = [word.strip(_QUOTES) for word in plain_words(text).casefold().split()]
    count = place = 0
    while place < len(words):
        repeated = (
            length
            for length in range(1, longest + 1)
            if words[place : place + length] == words[place + length : place + 2 * length]
            and any(character.isalpha() for word in words[place : place + length] for character in word)
        )
        length = next(repeated, 0)
        count += length > 0
        place += length or 1
    return count


def repeated_targets(sources: Sequence[str], targets: Sequence[str], words: int, sources_from: int) -> list[bool]:
    """Which targets are given for at least ``sources_from`` different sources.

    Texts are the same where their letters, marks and digits are. Targets of fewer than ``words`` words are left out:
    short ones translate many sources rightly.
    """
    keys = [match_key(target) if len(folded_words(target)) >= words else "" for target in targets]
    of_target: dict[str, set[str]] = {}
    for source, key in zip(sources, keys, strict=True):
        if key:
            of_target.setdefault(key, set()).add(match_key(source))
    return [bool(key) and len(of_target[key]) >= sources_from for key in keys]
