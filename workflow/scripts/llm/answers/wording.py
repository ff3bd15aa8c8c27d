"""Find what models add to a translation, and remove it.

All rules compare with the source. Quotation marks, lists, colons or Markdown that the source has as well are
translated, not added; otherwise titles and quotations would count as faults.
"""

import json
import re
from functools import cache
from typing import Any

from llm.answers.refusals import OF_TRANSLATING

# None of these patterns looks further than the next opening mark: an answer of any length takes linear time.
_FENCE = re.compile(r"^```[\w-]*[ \t]*\n(.*)```$|^```(.*?)```$", re.DOTALL)
THOUGHTS = re.compile(r"^.*</(?:think|thinking|reasoning)>\s*", re.DOTALL)  # some servers drop the opening tag
_TAGS = re.compile(r"^<([A-Za-z][\w-]*)>(.*)</\1>$", re.DOTALL)
_BOLD = re.compile(
    r"(?<![\w*])\*\*(?=[^\s*])((?:[^*\n]|\*(?!\*))+)(?<=[^\s*])\*\*(?![\w*])"
    r"|(?<!\w)__(?=\S)((?:[^_\n]|_(?!_))+)(?<=\S)__(?!\w)"
)
_RULE = re.compile(r"(?:^|\s)(?:-{3,}|\*{3,}|_{3,})$")
_LINK = re.compile(r"\[[^\[\]]+\]\([^\s)\[]+\)")
_HEADING = re.compile(r"#{1,6}\s")
_BULLET = re.compile(r"[-*+•‣▪–—]\s")
_LISTED = re.compile(r"\W*[-*+•‣▪·>–—−]|\W*\d")
_NUMBER = re.compile(r"(\d+)[.)]\s")
_COLON = re.compile(r"[:：]")
_NOTE = re.compile(r"[(\[（]\s*(?:translator['’]s )?(?:note|n\.b\.|literally)\b\s*[:：,]", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.:!?。：！？])\s+|\n+")
_MOST_LAYERS = 8
_FRAGMENT = 20  # fewest characters by which a part of the prompt is recognized

# Each an opening mark and its closing marks.
_PAIRS = ('""', "''", "“”“", "””", "„“”", "«»", "»«»", "‹›", "‘’‘", "‚‘’", "「」", "『』", "``", "**", "__")
_QUOTES = {pair[0]: pair[1:] for pair in _PAIRS}
_SINGLE = "'‘’‚"
_ANY_QUOTE = "\"'“”„«»‹›‘’‚「」『』`"
_ENDS = " .,;:!?…)]}–-*_"

_TRANSLATION = (
    r"translat(?:ion|ed|es)|übersetz(?:ung|t)|tradu(?:ction|it|cción|cido|zione|tto|ção|zido)|vertal(?:ing|d)"
    r"|tłumaczenie|překlad|översättning|oversettelse|oversættelse|перевод|переклад|翻译|翻譯|译文|譯文|翻訳|訳文|번역"
)


def added(text: str, source: str, prompt: str, language: str) -> str | None:
    """What an answer has besides the translation, in words; None if it has nothing else.

    Args:
        text: the answer with its line breaks.
        source: one line.
        prompt: the user's message with the source in it.
        language: English name of the target language.
    """
    if THOUGHTS.match(text) and not THOUGHTS.match(source):
        return "the model's thoughts"
    if "```" in text and "```" not in source:
        return "a Markdown fence"
    if (lead := _lead_in(text, source, language)) is not None:
        return f"a lead-in: {text[:lead].strip()}"
    if (lines := sum(bool(line.strip()) for line in text.splitlines())) > 1:
        return f"{lines} lines"
    if (echo := _echo(text, source, prompt)) is not None:
        return f"the prompt: {echo}"
    if _unwrapped(text, source) is not None:
        return f"marks around all of it: {text[0]} {text[-1]}"
    if _NOTE.search(text) and not re.search(r"[(\[（]", source):
        return "a note"
    if _json_object(text) is not None and not source.startswith("{"):
        return "a JSON object"
    return _markdown(text, source)


def repair(text: str, source: str, language: str) -> str | None:
    """The translation in an answer with something around it; None if it would have to be guessed.

    These rules are applied, one at a time, up to eight times. They remove

    1. the model's thoughts in tags before the answer;
    2. a Markdown fence around all of it;
    3. a lead-in ("Here is the translation:", "Translation:", "German:") at the beginning;
    4. tags, quotation marks, emphasis, or a JSON object with a single text around all of it, unless the source has the
       same;
    5. a horizontal rule at the end, and the asterisks of bold words, unless the source has the same.

    A text that still has several lines would have to be guessed.
    """
    text = text.strip()
    for _ in range(_MOST_LAYERS):
        text = _shortened(text, source, language).strip()
    if not text or sum(bool(line.strip()) for line in text.splitlines()) > 1:
        return None
    return text


def _shortened(text: str, source: str, language: str) -> str:
    if (thoughts := THOUGHTS.match(text)) and not THOUGHTS.match(source):
        return text[thoughts.end() :]
    if (fence := _FENCE.match(text)) and "```" not in source:
        return fence[1] if fence[1] is not None else fence[2]
    if (inner := _unwrapped(text, source)) is not None:
        return inner
    if (lead := _lead_in(text, source, language)) is not None:
        return text[lead:]
    if (rule := _RULE.search(text)) and not _RULE.search(source):
        return text[: rule.start()]
    if _BOLD.search(text) and not _BOLD.search(source) and "**" not in source:
        return _BOLD.sub(lambda bold: bold[1] or bold[2], text)
    return text


@cache
def _lead_ins(language: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Lead-ins with and without a word for translating; the first name of a language is enough."""
    name = re.escape(re.sub(r"\s*\(.*", "", language))
    courtesy = r"(?:(?:sure|certainly|of course|absolutely|okay|ok|yes)\b[^:：\n]{0,30}?[,!.–—-]\s*)?"
    of_translating = rf"[^:：\n]{{0,100}}?(?:{_TRANSLATION})[^:：\n]{{0,80}}[:：]\**\s*"
    others = (
        rf"{courtesy}(?:here(?:['’]s| is| are| you go)\b[^:：\n]{{0,100}}"
        rf"|(?:in )?\**{name}(?: (?:text|version|sentence))?\**"
        r"|(?:output|answer|response|result|target)\**)\s*[:：]\**\s*"
        r"|(?:sure|certainly|of course|absolutely)[!,.][^:：\n]{0,60}[:：]\s*"
    )
    marks = r"(?:#{1,6}\s*)?\**"
    return re.compile(marks + of_translating, re.IGNORECASE), re.compile(marks + others, re.IGNORECASE)


def _lead_in(text: str, source: str, language: str) -> int | None:
    """Where the translation begins after a lead-in; None without one.

    A lead-in ends in a colon that the source does not have, and a text follows it.
    """
    if len(_COLON.findall(text)) <= len(_COLON.findall(source)):
        return None
    of_translating, others = _lead_ins(language)
    found = others.match(text)
    if not found and (found := of_translating.match(text)) and OF_TRANSLATING.search(source):
        return None
    return found.end() if found and text[found.end() :].strip() else None


def _echo(text: str, source: str, prompt: str) -> str | None:
    """A sentence of the prompt, other than the source, that the text repeats."""
    lowered, source = text.casefold(), source.casefold()
    parts = map(str.strip, _SENTENCE_END.split(prompt.casefold().replace(source, "\n")))
    return next((part for part in parts if len(part) >= _FRAGMENT and part in lowered and part not in source), None)


def _unwrapped(text: str, source: str) -> str | None:
    """A text without the marks around it that the source does not have; None without such marks."""
    if (tags := _TAGS.match(text)) and not source.startswith("<"):
        return tags[2]
    if (fields := _json_object(text)) is not None and not source.startswith("{"):
        values = [value for value in fields.values() if isinstance(value, str)]
        return values[0] if len(values) == len(fields) == 1 else None
    if len(text) < 3 or text[-1] not in _QUOTES.get(text[0], "") or _is_marked(source, text[0]):
        return None
    for width in (3, 2, 1):  # ***bold italics***, **bold**, *italics*
        mark = text[0] * width
        if (text[0] in "*_" or width == 1) and text.startswith(mark) and text.endswith(text[-1] * width):
            inner = text[width:-width]
            return inner if inner.strip() and not _has_mark(inner, text[0], text[-1]) else None
    return None


def _is_marked(source: str, mark: str) -> bool:
    """Whether a source begins or ends with marks of the same kind; all quotation marks are one kind."""
    kind = mark if mark in "*_" else _ANY_QUOTE
    bare = source.strip(_ENDS if mark not in "*_" else " .,;:!?…()[]")
    return bool(bare) and (bare[0] in kind or bare[-1] in kind)


def _has_mark(inner: str, opening: str, closing: str) -> bool:
    """Whether there are marks between the outer ones, which then are not a pair; apostrophes do not count."""
    if opening in _SINGLE:
        inner = re.sub(r"(?<=\w)['’]", "", inner)
    return opening in inner or closing in inner


def _json_object(text: str) -> dict[str, Any] | None:
    """A text parsed as a JSON object; None if it is not one."""
    if not (text.startswith("{") and text.endswith("}")):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _markdown(text: str, source: str) -> str | None:
    """Markdown that the source does not have."""
    if _BOLD.search(text) and "**" not in source and "__" not in source:
        return "bold Markdown"
    if _RULE.search(text) and not _RULE.search(source):
        return "a horizontal rule"
    if _HEADING.match(text) and "#" not in source:
        return "a Markdown heading"
    if _LINK.search(text) and not _LINK.search(source) and "](" not in source:
        return "a Markdown link"
    if _BULLET.match(text) and not _LISTED.match(source):
        return "a list"
    if (number := _NUMBER.match(text)) and number[1] not in source and not _LISTED.match(source):
        return "a numbered list"
    return None
