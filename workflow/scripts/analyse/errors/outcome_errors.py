"""Targets that are empty, the source itself, in another language, or more than a translation.

The classification is that of LLMs' answers (:mod:`llm.answers.outcomes`), so text of any origin is judged alike. This
module adds untranslated parts within a target. Both are ours. Languages are identified by py3langid (Lui & Baldwin,
langid.py, ACL 2012).
"""

from difflib import SequenceMatcher

from analyse.errors import ErrorLimits
from llm.answers.outcomes import Outcome, Standards, classify_text
from workbench.words import plain_words, words_of

_MAY_HOLD_SOURCE = {Outcome.OK, Outcome.OBEYED, Outcome.WRONG_LANGUAGE}
_COMMENTARY = {Outcome.MALFORMED, Outcome.REFUSAL}


def outcome_errors(source: str, target: str, standards: Standards, limits: ErrorLimits) -> dict[str, bool]:
    """Whether a text is ``empty``, a ``copy``, in the ``wrong_language`` or has ``commentary``, at most one of them."""
    outcome = classify_text(target, source, "", standards).outcome
    if outcome in _MAY_HOLD_SOURCE and holds_source(source, target, standards, limits):
        outcome = Outcome.COPY
    alone = {name: outcome == name for name in ("empty", "copy", "wrong_language")}
    return alone | {"commentary": outcome in _COMMENTARY}


def holds_source(source: str, target: str, standards: Standards, limits: ErrorLimits) -> bool:
    """Whether the target contains a long run of source words that is confidently not in the target language.

    A run with few lower-case words is taken for a name or a title, which stays as it is. Without language
    identification nothing is found.
    """
    if standards.is_other is None or standards.source == standards.target:
        return False
    source_words, target_words = words_of(plain_words(source)), words_of(plain_words(target))
    for place, _, length in SequenceMatcher(None, source_words, target_words, autojunk=False).get_matching_blocks():
        run = source_words[place : place + length]
        small = sum(word[0].isalpha() and not word[0].isupper() for word in run)
        long_enough = length >= limits.copied_words and small >= limits.copied_small_words
        if long_enough and standards.is_other(" ".join(run), standards.target):
            return True
    return False
