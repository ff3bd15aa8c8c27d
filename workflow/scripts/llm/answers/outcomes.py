"""What an answer to a translator's prompt is: a translation, or one of the ways in which it is none.

Checked in this order, the first that holds is the outcome: what the provider says of the answer's end; nothing
written; words of refusal; more than a translation; the source itself; another language. Every check leans towards
``ok``: a fault that is missed is an error of the generator as studies have always had them, while a good answer that is
taken for a fault costs money, and a source if the policy says drop.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from llm.answers.refusals import declined
from llm.answers.wording import added
from llm.answers.wording import repair as repair_wording
from llm.calls import Answer, Finish
from llm.prompts import Languages, language_name
from workbench.languages import Identify, base_language, language_identifier
from workbench.text import match_key, one_line
from workbench.words import count_words, plain_words

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


class Outcome(StrEnum):
    """What an answer is."""

    OK = "ok"
    REFUSAL = "refusal"  # the model declines, or asks for the text
    CONTENT_FILTER = "content_filter"  # the provider's filter held prompt or answer back
    LENGTH = "length"  # cut off at its longest
    EMPTY = "empty"  # no letter or digit, though the source has some
    MALFORMED = (
        "malformed"  # more than the translation: quotation marks, a lead-in, several lines, Markdown, the prompt
    )
    COPY = "copy"  # the source, untranslated
    WRONG_LANGUAGE = "wrong_language"  # confidently another language
    FAILED = "failed"  # no answer
    MISALIGNED = "misaligned"  # of several sentences: not one text for each; they are asked one by one


class Verdict(NamedTuple):
    """An answer's outcome, its text on one line, and what is wrong with it in a few words (empty if nothing is)."""

    outcome: Outcome
    text: str
    detail: str = ""


class Standards(NamedTuple):
    """What answers are judged by, besides their sources.

    Attributes:
        source, target: codes of the languages without their regions.
        name: English name of the language translated into.
        is_other: tells whether a text is confidently not of a language; None looks at no language.
    """

    source: str
    target: str
    name: str
    is_other: Identify | None


@cache
def standards(languages: Languages, margin: float | None) -> Standards:
    """What answers in these languages are judged by; py3langid's model is read once, which takes a second.

    Args:
        languages: codes.
        margin: how many times likelier another language must be, see
            :func:`corpus.clean_corpus.language_identifier`; None looks at no language.

    Raises:
        UserError: a language has no name, or py3langid does not know it.
    """
    source, target = base_language(languages.source), base_language(languages.target)
    is_other = language_identifier((source, target), margin) if margin is not None and source != target else None
    return Standards(source, target, language_name(languages.target), is_other)


def verdict_of_finish(answer: Answer) -> Verdict | None:
    """What an answer is by the way it ended; None where it ended by itself."""
    text = one_line(answer.text)
    match answer.finish:
        case Finish.REFUSAL:
            return Verdict(Outcome.REFUSAL, text, "the provider says that the model declines")
        case Finish.CONTENT_FILTER:
            return Verdict(Outcome.CONTENT_FILTER, text, "the provider's filter cut the answer off")
        case Finish.LENGTH:
            return Verdict(Outcome.LENGTH, text, f"cut off after {answer.usage.output:,} tokens")
    return None


def classify(answer: Answer, source: str, prompt: str, standards: Standards) -> Verdict:
    """What an answer is.

    Args:
        answer: as the provider gave it.
        source: what was to be translated, on one line.
        prompt: the user's message, with the source in it.
        standards: what it is judged by.
    """
    return verdict_of_finish(answer) or classify_text(answer.text, source, prompt, standards)


def classify_text(text: str, source: str, prompt: str, standards: Standards) -> Verdict:
    """What the text of a whole answer is; arguments as for :func:`classify`."""
    line = one_line(text)
    if not line or (_has_content(source) and not _has_content(line)):
        return Verdict(Outcome.EMPTY, line, "nothing is written" if not line else "no letter or digit")
    if refusal := declined(line, source):
        return Verdict(Outcome.REFUSAL, line, refusal)
    if fault := added(text.strip(), source, prompt, standards.name):
        return Verdict(Outcome.MALFORMED, line, fault)
    if standards.source == standards.target:
        return Verdict(Outcome.OK, line)
    key, source_key = match_key(line), match_key(source)
    if key == source_key and len(line.split()) == len(source.split()):
        copied = _needs_translation(source, standards)
        return Verdict(Outcome.COPY, line, "the source itself") if copied else Verdict(Outcome.OK, line)
    longer = source_key in key and 5 * len(key) > 6 * len(source_key)
    if longer and _is_sentence(source) and _needs_translation(source, standards):
        return Verdict(Outcome.MALFORMED, line, "the source and something else")
    if _is_foreign(line, source, standards):
        return Verdict(Outcome.WRONG_LANGUAGE, line, f"confidently not {standards.name}")
    return Verdict(Outcome.OK, line)


def repair(text: str, source: str, prompt: str, standards: Standards) -> str | None:
    """A malformed answer without what stands around the translation, by the rules of :func:`llm.answers.wording.repair`.

    None where they leave something that is not ``ok``.
    """
    mended = repair_wording(text, source, standards.name)
    if mended is None:
        return None
    verdict = classify_text(mended, source, prompt, standards)
    return verdict.text if verdict.outcome is Outcome.OK else None


def _has_content(text: str) -> bool:
    """Whether there is a letter, a digit, a sign such as an emoji, or a placeholder."""
    return plain_words(text) != text or any(unicodedata.category(character)[0] in "LNS" for character in text)


def _is_sentence(text: str) -> bool:
    """Whether a text is more than a name, a title or a list of names: five words, and two in small letters."""
    text = plain_words(text)
    words = text.split()
    small = sum(word[:1].islower() and word.isalpha() and len(word) > 2 for word in words)
    caseless = not any(character.isupper() or character.islower() for character in text)
    return count_words(text) >= 5 and (small >= 2 or caseless)


def _needs_translation(source: str, standards: Standards) -> bool:
    """Whether a translation cannot be the same as its source.

    Names, titles and figures are the same in both languages, and so is what the source itself cites in a third
    one. Short texts need translation if their language shows clearly; long ones, unless it is clearly another.
    """
    if standards.is_other is None:
        return _is_sentence(source)
    if standards.is_other(source, standards.source):
        return False
    has_small_word = any(word[0].islower() for word in _WORD.findall(plain_words(source)))
    return _is_sentence(source) or (has_small_word and _is_other(source, "", standards))


def _is_foreign(text: str, source: str, standards: Standards) -> bool:
    """Whether a text is in another language than it should be; a source that is so itself excuses it."""
    is_other = standards.is_other
    if is_other is None or not is_other(text, standards.target):
        return False
    return _is_other(text, source, standards) and not is_other(source, standards.source)


def _is_other(text: str, source: str, standards: Standards) -> bool:
    """Whether a text is confidently not in the target language when the names are left out.

    Names are what begins with no small letter and stands in the source too. What is left must hold sixteen letters, or
    six of a script without capitals, whose letters tell more.
    """
    text = plain_words(text)
    cased = text.upper() != text.lower()
    known = set(_WORD.findall(source))
    words = [word for word in _WORD.findall(text) if word[0].islower() or word not in known]
    rest = " ".join(words) if cased else text
    enough = sum(character.isalpha() for character in rest) >= (16 if cased else 6)
    return enough and standards.is_other is not None and standards.is_other(rest, standards.target)
