"""Targets that repeat themselves, and one target for many sources.

Sources: Lee et al., Hallucinations in Neural Machine Translation (2018); Raunak, Menezes & Junczys-Dowmunt, The Curious
Case of Hallucinations in Neural Machine Translation (NAACL 2021). Two checks are Raunak et al.'s tests without a
reference: the count of the most frequent n-gram relative to the source's, and targets repeated for other sources. The
third, of immediate repetitions (stutters), is ours.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from analyse.errors import ErrorLimits
from workbench.text import match_key
from workbench.words import folded_words, parts_of_word, plain_words

_QUOTES = "\"'“”„‚‘’«»‹›()[]"


def oscillates(source: str, target: str, limits: ErrorLimits) -> bool:
    """Whether a target repeats itself more than its source does."""
    counts = [top_count(text, limits.oscillation_ngram) for text in (source, target)]
    if counts[1] - max(counts[0], 1) >= limits.oscillation_excess:
        return True
    if not limits.stutters:
        return False
    stutters = [stutter_count(text, limits.stutter_words) for text in (source, target)]
    return stutters[1] - stutters[0] >= limits.stutters


def top_count(text: str, ngram: int) -> int:
    """How often the most frequent n-gram of ``ngram`` words occurs; 0 if there is none."""
    words = folded_words(text)
    counts = Counter(zip(*(words[start:] for start in range(ngram * parts_of_word(text))), strict=False))
    return max(counts.values(), default=0)


def stutter_count(text: str, longest: int) -> int:
    """How often one to ``longest`` words are repeated immediately ("the file the file").

    Words are separated by blanks, without the quotation marks and brackets around them, so that "a user, user groups"
    does not stutter. Placeholders are left out.
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


def repeated_targets(sources: Sequence[str], targets: Sequence[str], limits: ErrorLimits) -> list[bool]:
    """Which targets are given for several different sources.

    Texts are equal if their letters, marks and digits are. Short targets are left out, because they translate many
    sources correctly.
    """
    long = [len(folded_words(target)) >= limits.repeated_words * parts_of_word(target) for target in targets]
    keys = [match_key(target) if is_long else "" for target, is_long in zip(targets, long, strict=True)]
    of_target: defaultdict[str, set[str]] = defaultdict(set)
    for source, key in zip(sources, keys, strict=True):
        of_target[key].add(match_key(source))
    return [bool(key) and len(of_target[key]) >= limits.repeated_sources for key in keys]
