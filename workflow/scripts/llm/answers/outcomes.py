"""Classify an answer to a translation prompt: a translation, or one of the ways in which it is not one.

The checks run in this order, and the first that applies gives the outcome: how the provider says that the answer ended;
nothing written; words of refusal; words that the source dictates; more than a translation; the source itself; another
language. In case of doubt, every check gives ``ok``: a missed fault is an error of the generator, which the study
measures. A good answer taken for a fault costs money, and a source if the policy says drop.
"""

import re
import unicodedata
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from llm.answers.habits import NONE, Habits
from llm.answers.refusals import declined
from llm.answers.wording import added
from llm.answers.wording import repair as repair_wording
from llm.calls import Answer, Finish
from llm.prompts import Languages, language_name
from workbench.language_identification import Identify, language_identifier
from workbench.languages import base_language
from workbench.text import match_key, one_line
from workbench.words import count_words, plain_words

_BRIEF = 3  # an answer is far shorter than its source if this times its length is less
_FEWEST_WORDS = 6  # of an instruction
_MARKS = " .,;:!?…\"'“”„«»‘’「」()[]*`"
_INSTRUCTS = re.compile(
    r"\b(?:ignor|disregard|forget|vergiss|vergessen sie|missacht|oublie[rz]?|olvid|esquec|dimentic|negeer|zapomeň"
    r"|zignoruj|забуд|игнорир|проигнорир)|\b(?:instruc|instruk|anweisung|istruzion|инструкц|prompt|polecen|pokyn)"
    r"|\b(?:antworte|answer|reply|respond|réponds|répondez|responde|rispondi|responda|ответь|odpowiedz|odpověz)\b"
    r"|忽略|无视|無視|指示|指令|回答|지시|무시|تجاهل|تعليمات|निर्देश|talimat|yanıtla",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


class Outcome(StrEnum):
    """What an answer is."""

    OK = "ok"
    REFUSAL = "refusal"  # the model declines, or asks for the text
    CONTENT_FILTER = "content_filter"  # the provider's filter held prompt or answer back
    LENGTH = "length"  # cut off at the limit
    EMPTY = "empty"  # no letter or digit, though the source has some
    MALFORMED = "malformed"  # also has quotation marks, a lead-in, several lines, Markdown, or the prompt
    OBEYED = "obeyed"  # follows what the source asks for instead of translating it
    COPY = "copy"  # the source, untranslated
    WRONG_LANGUAGE = "wrong_language"  # confidently another language
    FAILED = "failed"  # no answer
    MISALIGNED = "misaligned"  # for several sentences: not one text for each, so they are asked one by one


class Verdict(NamedTuple):
    """An answer's outcome, its text on one line, and what is wrong with it in a few words, if anything."""

    outcome: Outcome
    text: str
    detail: str = ""


class Standards(NamedTuple):
    """What answers are checked against, besides their sources."""

    # source, target: codes of the languages without their regions
    source: str
    target: str
    name: str  # English name of the target language
    is_other: Identify | None  # decides whether a text is confidently not in a language; None checks no language
    habits: Habits = NONE  # what the generator adds or answers again and again


@cache
def standards(languages: Languages, margin: float | None) -> Standards:
    """What answers in these languages are checked against; reads py3langid's model once, which takes a second.

    Args:
        languages: codes.
        margin: how many times likelier another language must be, see
            :func:`workbench.language_identification.language_identifier`; None checks no language.

    Raises:
        UserError: a language has no name, or py3langid does not know it.
    """
    source, target = base_language(languages.source), base_language(languages.target)
    is_other = language_identifier((source, target), margin) if margin is not None and source != target else None
    return Standards(source, target, language_name(languages.target), is_other)


def verdict_of_finish(answer: Answer) -> Verdict | None:
    """The verdict on an answer that did not end by itself; None if it did."""
    text = one_line(answer.text)
    match answer.finish:
        case Finish.REFUSAL:
            return Verdict(Outcome.REFUSAL, text, "the provider says that the model declines")
        case Finish.CONTENT_FILTER:
            return Verdict(Outcome.CONTENT_FILTER, text, "the provider's filter cut the answer off")
        case Finish.LENGTH:
            return Verdict(Outcome.LENGTH, text, f"cut off after {answer.usage.output:,} tokens")
    return None


def classify_text(text: str, source: str, prompt: str, standards: Standards) -> Verdict:
    """The verdict on the text of a complete answer.

    Args:
        text: the answer's.
        source: what was to be translated, on one line.
        prompt: the user's message, with the source in it.
        standards: what it is checked against.
    """
    line = one_line(text)
    if not line or (_has_content(source) and not _has_content(line)):
        return Verdict(Outcome.EMPTY, line, "nothing is written" if not line else "no letter or digit")
    if refusal := declined(line, source):
        return Verdict(Outcome.REFUSAL, line, refusal)
    if standards.habits.answers and match_key(line) in standards.habits.answers:
        return Verdict(Outcome.REFUSAL, line, "the same answer as to different sources")
    if _obeys(line, source):
        return Verdict(Outcome.OBEYED, line, "a few words instead of a translation of what reads like an instruction")
    text = text.strip()
    learnt = standards.habits.lead_in(text, source)
    if fault := f"a lead-in: {text[:learnt]}" if learnt else added(text, source, prompt, standards.name):
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
    """A malformed answer reduced to its translation by the rules of :func:`llm.answers.wording.repair`.

    None if the result is not ``ok``.
    """
    text = text.strip()
    repaired = repair_wording(text[standards.habits.lead_in(text, source) or 0 :], source, standards.name)
    if repaired is None:
        return None
    verdict = classify_text(repaired, source, prompt, standards)
    return verdict.text if verdict.outcome is Outcome.OK else None


def _obeys(text: str, source: str) -> bool:
    """Whether an answer is far shorter than its source and looks dictated by it.

    It then consists of words of the source, or the source speaks of instructions or answers. An answer that obeys at
    length, or in the source's language like a copy, is not seen; lengths are in bytes, which is fair to dense scripts.
    """
    if _BRIEF * len(text.encode()) > len(source.encode()) or count_words(source) < _FEWEST_WORDS:
        return False
    words = text.strip(_MARKS).casefold()
    dictated = re.search(rf"(?<!\w){re.escape(words)}(?!\w)", source.casefold()) and not words.isdecimal()
    return bool(_INSTRUCTS.search(source) or dictated)


def _has_content(text: str) -> bool:
    """Whether a text has a letter, a digit, a symbol such as an emoji, or a placeholder."""
    return plain_words(text) != text or any(unicodedata.category(character)[0] in "LNS" for character in text)


def _is_sentence(text: str) -> bool:
    """Whether a text is more than a name, a title or a list of names: five words, two of them in lower case."""
    text = plain_words(text)
    words = text.split()
    small = sum(word[:1].islower() and word.isalpha() and len(word) > 2 for word in words)
    caseless = not any(character.isupper() or character.islower() for character in text)
    return count_words(text) >= 5 and (small >= 2 or caseless)


def _needs_translation(source: str, standards: Standards) -> bool:
    """Whether a translation cannot be the same as its source.

    Names, titles and figures are the same in both languages, and so are quotations in a third language. Short texts
    need translation if they are clearly in the source language; long texts, unless they are clearly in another one.
    """
    if standards.is_other is None:
        return _is_sentence(source)
    if standards.is_other(source, standards.source):
        return False
    has_small_word = any(word[0].islower() for word in _WORD.findall(plain_words(source)))
    return _is_sentence(source) or (has_small_word and _is_other(source, "", standards))


def _is_foreign(text: str, source: str, standards: Standards) -> bool:
    """Whether a text is in another language than it should be, and its source is not."""
    is_other = standards.is_other
    if is_other is None or not is_other(text, standards.target):
        return False
    return _is_other(text, source, standards) and not is_other(source, standards.source)


def _is_other(text: str, source: str, standards: Standards) -> bool:
    """Whether a text without its names is confidently not in the target language.

    Names are words that do not begin in lower case and that the source has as well. The rest must have sixteen letters,
    or six of a script without upper case, whose letters carry more information.
    """
    text = plain_words(text)
    cased = text.upper() != text.lower()
    known = set(_WORD.findall(source))
    words = [word for word in _WORD.findall(text) if word[0].islower() or word not in known]
    rest = " ".join(words) if cased else text
    enough = sum(character.isalpha() for character in rest) >= (16 if cased else 6)
    return enough and standards.is_other is not None and standards.is_other(rest, standards.target)
