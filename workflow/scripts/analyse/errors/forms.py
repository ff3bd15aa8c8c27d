"""Targets that are nothing, the source itself, more than a translation, or in another language.

The judgement is that of the answers of LLMs (:mod:`llm.answers.outcomes`), so that text means the same wherever it comes from;
what is not translated in the midst of a target is looked for here. Both are ours. The identification of languages is
py3langid's (Lui & Baldwin, langid.py, ACL 2012).
"""

from __future__ import annotations

from difflib import SequenceMatcher

from llm.answers.outcomes import Outcome, Standards, classify_text
from workbench.words import plain_words, words_of

_MAY_HOLD_SOURCE = {Outcome.OK, Outcome.WRONG_LANGUAGE}
_COMMENTARY = {Outcome.MALFORMED, Outcome.REFUSAL}


def form_errors(
    source: str, target: str, standards: Standards, copied_words: int, copied_small_words: int
) -> dict[str, bool]:
    """Whether a target is ``empty``, a ``copy``, in the ``wrong_language`` or has ``commentary``; at most one of them.

    Args:
        copied_words: words of the source that make a copy where they stand in the target in one run, clearly not in
            the target language.
        copied_small_words: words in small letters among these; with fewer it is taken for a name or a title.
    """
    outcome = classify_text(target, source, "", standards).outcome
    if outcome in _MAY_HOLD_SOURCE and holds_source(source, target, standards, copied_words, copied_small_words):
        outcome = Outcome.COPY
    return {
        "empty": outcome is Outcome.EMPTY,
        "copy": outcome is Outcome.COPY,
        "wrong_language": outcome is Outcome.WRONG_LANGUAGE,
        "commentary": outcome in _COMMENTARY,
    }


def holds_source(source: str, target: str, standards: Standards, copied_words: int, copied_small_words: int) -> bool:
    """Whether a run of source words stands in the target and is confidently not of the target language.

    A run with fewer than ``copied_small_words`` in small letters is taken for a name or a title, which stays as it is.
    Without identification of languages nothing is found.
    """
    if standards.is_other is None or standards.source == standards.target:
        return False
    ours, theirs = words_of(plain_words(source)), words_of(plain_words(target))
    for place, _, length in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks():
        run = ours[place : place + length]
        small = sum(word[0].isalpha() and not word[0].isupper() for word in run)
        long_enough = length >= copied_words and small >= copied_small_words
        if long_enough and standards.is_other(" ".join(run), standards.target):
            return True
    return False
