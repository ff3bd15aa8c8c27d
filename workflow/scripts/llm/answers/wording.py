"""Find what models add to a translation, and remove it.

All rules compare with the source. Quotation marks, lists, colons, parentheses or Markdown that the source has as well
are translated, not added; otherwise titles and quotations would count as faults.
"""

import ast
import json
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from itertools import pairwise
from typing import Any

from llm.answers.quotation import ANY_QUOTE, without_marks
from llm.answers.words import EITHER, NOTE, OF_TRANSLATING, TRANSLATION
from workbench.text import match_key, one_line

_MOST_LAYERS = 8
_FRAGMENT = 20  # fewest characters by which a part of the prompt is recognized
_LOOPED = 12  # fewest characters that are repeated
_SHOWN = 60  # characters of what was added, in messages
_LONGEST, _LONGEST_FACTOR = 4_000, 20  # characters of an answer that is looked at, besides this times the source's

_THINKING = re.compile(
    r"[<\[◁]\|?(/?)(?:[\w-]+:)?(?:(?:begin|end)_of_)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad"
    r"|analysis|inner_monologue|chain_of_thought|ant_?thinking)\|?[>\]▷]",
    re.IGNORECASE,
)
_CHANNEL = re.compile(
    r"<\|channel\|>\s*(\w+)[^<]*<\|message\|>|^analysis(?=.*assistantfinal)|assistant(final)", re.DOTALL
)
_ROLE = r"(?:assistant|model|bot|ai|chatbot|user|human|system)"
_TOKEN = re.compile(
    r"<[|｜](?!\s)[^<>|｜]{1,60}(?<!\s)[|｜]>|</?s>|<</?SYS>>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|BOS|EOS|PAD|CLS|SEP|end of text)\]|\[(?:UNK|MASK)\]|</?(?:start|end)_of_\w+>"
    r"|</?(?:bos|eos|eot|eod|pad|unk|mask|assistant|user|system)>|<extra_id_\d+>",
    re.IGNORECASE,
)
_LOST = re.compile(r"unk|mask|extra_id|fim", re.IGNORECASE)  # a token in place of text
_LEADING_ROLE = re.compile(rf"{_ROLE}\b[\s:]*", re.IGNORECASE)
_BYTES = re.compile(r"(?:<0x[0-9A-F]{2}>)+")
_TURN = re.compile(rf"\n\s*(?:#+\s*)?\**(?:{_ROLE}|instruction|response)\**\s*:.*", re.IGNORECASE | re.DOTALL)
_FENCE = re.compile(r"^```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```$|^```(.*?)```$", re.DOTALL)
_BOXED = re.compile(r"\\boxed\{(?:\\text\{([^{}]*)\}|([^{}]*))\}")
_TAGS = re.compile(r"^<([A-Za-z][\w-]*)>(.*)</\1>$", re.DOTALL)
_TAG_NAME = rf"(?:\w*(?:{TRANSLATION})\w*|target|output|answer|response|result|final|source|text)[\w-]*"
_OWN_TAG = re.compile(rf"^<{_TAG_NAME}>\s*|\s*</{_TAG_NAME}>$", re.IGNORECASE)
_JSON = re.compile(r"^[\[{]\s*[\"'{\[]|[\"'}\]]\s*[\]}]$|[{,]\s*\"[\w -]+\"\s*:\s*[\"\[{]")
_BOLD = re.compile(
    r"(?<![\w*])\*\*(?=[^\s*])((?:[^*]|\*(?!\*))+?)(?<=[^\s*])\*\*(?![\w*])|(?<!\w)__(?=\S)((?:[^_]|_(?!_))+?)(?<=\S)__(?!\w)"
)
_RULE = re.compile(r"(?:^|\s)(?:-{3,}|\*{3,}|_{3,})$")
_LINK = re.compile(r"\[[^\[\]]+\]\(\S+\)")
_HEADING = re.compile(r"#{1,6}\s")
_BULLET = re.compile(r"[-*+•‣▪–—]\s")
_LISTED = re.compile(r"\W*[-*+•‣▪·>–—−]|\W*\d")
_NUMBER = re.compile(r"(\d+)[.)]\s")
_COLON = re.compile(r"[:：]")
_SENTENCE_END = re.compile(r"(?<=[.:!?。：！？])\s+|\n+")
_END = re.compile(r"(?:[.!?…।؟۔။។]+[\"'”’»)\]]*(?=\s|$)|[。！？]+)")
_COURTESY = re.compile(
    r"(?:sure|certainly|of course|absolutely|okay|ok|gladly|happy to help)\b[^.!:：\n]{0,20}[,.!]\s*"
    r"(?:here(?:['’]s| is| are| you go| it is)\b[^.!:：\n]{0,60}[.!]\s*)",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    rf"\s*[(\[（]\s*(?:[^\W\d_][^()\[\]（）:：\n]{{0,30}}[:：]|(?:{EITHER})[,\s]|(?:literally|lit\.))[^()（）]*[)\]）]\s*[.。]?$",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"(?:(?:(?<=[.!?…])|(?<=[.!?…][\"”»)]))(?<!\b\w\.)\s+|(?<=[。！？」])\s*|\n\s*)"
    r"\**((?:[^\W\d_][\w.'’]*)(?:[ -][^\W\d_]\w*){0,2})\**\s*[:：]"
)
_NOTE = re.compile(NOTE, re.IGNORECASE)
_EITHER = re.compile(rf"(?<=[^.][.!?…])\s+(?:{EITHER})[:,]?\s+|\s+/\s+|\n+\s*\(?(?:{EITHER})\)?[:,]?\s+")
_EXPLAINED = re.compile(
    r"^[^\n\"“„«:：]{5,100}\b(?:means?|says|reads|would be|is|as|to)\s*[:：]?\s*[\"“„«](.{2,})[\"”“»][.!]?$",
    re.IGNORECASE,
)
_ARROW = re.compile(r"\s*(?:[-=]+>|[→⇒⟶]|=|\n)\s*")
_LOOP = re.compile(rf"^(.{{{_LOOPED},400}}?)(?:\s*\1){{2,}}", re.DOTALL)


def added(text: str, source: str, prompt: str, language: str) -> str | None:
    """What an answer has besides the translation, in words; None if it has nothing else.

    Args:
        text: the answer with its line breaks.
        source: one line.
        prompt: the user's message with the source in it.
        language: English name of the target language.
    """
    for name, take_off in _LAYERS.items():
        rest = take_off(text, source, language)
        if rest is not None:
            off = one_line(text.replace(rest, " ", 1)) if rest and rest in text else ""
            return f"{name}: {off[:_SHOWN]}" if off else name
    if (echo := _echo(text, source, prompt)) is not None:
        return f"the prompt: {echo}"
    return None


def repair(text: str, source: str, language: str) -> str | None:
    """The translation in an answer with something around it; None if it would have to be guessed.

    What :data:`_LAYERS` find is taken off, one at a time, up to eight times. A text that still has several lines, or
    something that cannot be taken off, would have to be guessed.
    """
    text = text.strip()
    for _ in range(_MOST_LAYERS):
        found = (take_off(text, source, language) for take_off in _LAYERS.values())
        rest = next((rest for rest in found if rest is not None), None)
        if rest is None:
            return text
        text = rest.strip()
        if not text:
            return None
    return None


def without_machinery(text: str) -> str:
    """A text without thoughts, channels and tokens of chat templates, for answers that are not translations."""
    for take_off in (_without_thoughts, _without_channels, _without_tokens):
        rest = take_off(text, "", "")
        text = text if rest is None else rest
    return text


def _without_thoughts(text: str, source: str, _: str) -> str | None:
    """Without thoughts between tags, closed or not; some servers drop the opening tag."""
    marks = [mark for mark in _THINKING.finditer(text) if mark[0][0] not in source]
    if not marks:
        return None
    closing = [mark for mark in marks if mark[1] or "end_of" in mark[0].lower()]
    before = text[: marks[0].start()] if marks[0] not in closing else ""
    return f"{before}\n{text[closing[-1].end() :]}" if closing else before


def _without_channels(text: str, source: str, _: str) -> str | None:
    """The final channel of the harmony format, also if its tokens were dropped."""
    channels = list(_CHANNEL.finditer(text)) if "<|" in text or text.startswith("analysis") else []
    if not channels or _CHANNEL.search(source):
        return None
    last = channels[-1]
    return text[last.end() :] if "final" in (last[1], last[2]) else ""


def _without_tokens(text: str, source: str, _: str) -> str | None:
    """Without tokens of chat templates: from the first one on that does not begin the text, everything is cut off."""
    tokens = [
        token
        for token in _TOKEN.finditer(text)
        if token[0] not in source and (token[0][1] in "|｜" or token[0][0] not in source)
    ]
    if not tokens:
        return None
    if any(_LOST.search(token[0]) for token in tokens):
        return ""
    begin = 0
    for token in tokens:
        head = text[begin : token.start()]
        if head.strip() and not _LEADING_ROLE.fullmatch(head.strip()):
            return text[begin : token.start()]
        begin = token.end()
    role = _LEADING_ROLE.match(text[begin:].lstrip())
    return text[begin:].lstrip()[role.end() if role else 0 :]


def _without_pieces(text: str, source: str, _: str) -> str | None:
    """With what a tokenizer leaves in raw pieces: bytes, and a mark for blanks."""
    if _BYTES.search(text) and not _BYTES.search(source):
        try:
            return _BYTES.sub(lambda run: bytes.fromhex(re.sub("<0x|>", "", run[0])).decode(), text)
        except UnicodeDecodeError:
            return ""
    return text.replace("▁", " ") if "▁" in text and "▁" not in source else None


def _within_limits(text: str, source: str, _: str) -> str | None:
    return "" if len(text) > _LONGEST + _LONGEST_FACTOR * len(source) else None


def _without_turns(text: str, source: str, _: str) -> str | None:
    turn = _TURN.search(text)
    return text[: turn.start()] if turn and turn.start() and not _COLON.search(source) else None


def _without_fence(text: str, source: str, _: str) -> str | None:
    if "```" not in text or "```" in source:
        return None
    fence = _FENCE.match(text)
    return (fence[1] if fence[1] is not None else fence[2]) if fence else ""


def _unboxed(text: str, source: str, _: str) -> str | None:
    if "\\boxed" not in text or "\\boxed" in source:
        return None
    boxes = _BOXED.findall(text)
    return boxes[0][0] or boxes[0][1] if len(boxes) == 1 else ""


def _without_data(text: str, source: str, language: str) -> str | None:
    """The only text of JSON, or the one whose name speaks of a translation."""
    if source[:1] in ("{", "[") or (not _JSON.search(text) or _JSON.search(source)):
        return None
    value = _parsed(text)
    while isinstance(value, list | dict):
        fields = value if isinstance(value, dict) else dict(enumerate(value))
        own = [name for name in fields if OF_TRANSLATING.search(str(name)) or str(name).lower() == language.lower()]
        names = own if len(own) == 1 else list(fields)
        value = fields[names[0]] if len(names) == 1 else None
    return value if isinstance(value, str) else ""


def _parsed(text: str) -> Any:
    """The value of JSON in a text, also in Python's spelling; None if it is not complete."""
    places = [place for place in map(text.find, "{[") if place >= 0]
    data = text[min(places, default=0) : max(map(text.rfind, "}]")) + 1]
    for read in (json.loads, ast.literal_eval):
        with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            return read(data)
    return None


def _without_tags(text: str, source: str, _: str) -> str | None:
    if source.startswith("<") or "<" not in text:
        return None
    if tags := _TAGS.match(text):
        return tags[2]
    rest = _OWN_TAG.sub("", text)
    return rest if rest != text and "<" not in source else None


def _without_source(text: str, source: str, _: str) -> str | None:
    """Without the source and an arrow before the translation, or the source in parentheses behind it."""
    if len(source) <= _FRAGMENT or source not in text:
        return None
    if text.startswith(source) and (arrow := _ARROW.match(text, len(source))):
        return text[arrow.end() :]
    return text[: -len(source) - 2] if text.endswith(f"({source})") else None


def _without_lead_in(text: str, source: str, language: str) -> str | None:
    """Without a lead-in: one that ends in a colon that the source does not have, or a sentence more than the source."""
    if (polite := _COURTESY.match(text)) and _sentences(text) > _sentences(source):
        return text[polite.end() :]
    ends_in_quote = text.rstrip(".!")[-1:] in ANY_QUOTE
    if (
        ends_in_quote
        and (explained := _EXPLAINED.match(text))
        and not any(mark in source for mark in ANY_QUOTE + ":：")
    ):
        words = text[: explained.start(1)]
        is_about_words = OF_TRANSLATING.search(words) or re.search(r"\b(?:means|sentence|phrase|word|text)\b", words)
        return explained[1] if is_about_words else None
    if len(_COLON.findall(text)) <= len(_COLON.findall(source)):
        return None
    of_translating, others = _lead_ins(language)
    found = others.match(text)
    if not found and (found := of_translating.match(text)) and OF_TRANSLATING.search(source):
        return None
    return text[found.end() :] if found and text[found.end() :].strip() else None


@cache
def _lead_ins(language: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Lead-ins with and without a word for translating; the first name of a language is enough."""
    name = re.escape(re.sub(r"\s*\(.*", "", language))
    courtesy = r"(?:(?:sure|certainly|of course|absolutely|okay|ok|yes)\b[^:：\n]{0,30}?[,!.–—-]\s*)?"
    of_translating = rf"[^:：\n]{{0,100}}?(?:{TRANSLATION})[^:：\n]{{0,80}}[:：]\**\s*"
    others = (
        rf"{courtesy}(?:here(?:['’]s| is| are| you go)\b[^:：\n]{{0,100}}"
        rf"|(?:in )?\**{name}(?: (?:text|version|sentence))?\**"
        rf"|(?:(?:the |my )?final )?(?:output|answer|response|result|target|{_ROLE})\**)\s*[:：]\**\s*"
        r"|(?:sure|certainly|of course|absolutely)[!,.][^:：\n]{0,60}[:：]\s*"
    )
    marks = r"(?:#{1,6}\s*)?\**"
    return re.compile(marks + of_translating, re.IGNORECASE), re.compile(marks + others, re.IGNORECASE)


def _without_note(text: str, source: str, _: str) -> str | None:
    """Without a note: in parentheses at the end, or as sentences more than the source has."""
    if text[-2:].rstrip(".。 ")[-1:] in (")", "]", "）") and not re.search(r"[(\[（]", source):
        aside = _ASIDE.search(text)
        return text[: aside.start()] if aside and aside.start() else None
    if len(_COLON.findall(text)) <= len(_COLON.findall(source)) or not (label := _LABEL.search(text)):
        return None
    rest = text[: label.start()]
    if _sentences(rest) >= _sentences(source):
        return rest
    is_more = _sentences(text) > _sentences(source)
    return "" if is_more and _NOTE.fullmatch(label[1]) else None


def _without_alternative(text: str, source: str, _: str) -> str | None:
    """The first of two translations of about the same length."""
    if "/" in source or len(parts := _EITHER.split(text)) != 2:
        return None
    first, second = map(len, parts)
    alike = min(first, second) >= 12 and 2 * min(first, second) > max(first, second)
    is_more = "/" in text or _sentences(text) > _sentences(source)
    return parts[0] if alike and is_more and min(len(part.split()) for part in parts) > 2 else None


def _without_loop(text: str, source: str, _: str) -> str | None:
    """Once what is written three times or more."""
    loop = _LOOP.match(text) if text.find(text[:_LOOPED], _LOOPED) > 0 else None
    if not loop or _LOOP.match(source):
        return None
    rest = text[loop.end() :].strip()
    return loop[1] if loop[1].startswith(rest) else ""


def _on_one_line(text: str, source: str, _: str) -> str | None:
    """With lines joined that break off within a sentence; several lines would have to be guessed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        return None
    goes_on = all((line[-1].isalnum() or line[-1] in ",;") and after[0].islower() for line, after in pairwise(lines))
    return " ".join(lines) if goes_on else ""


def _without_markdown(text: str, source: str, _: str) -> str | None:
    """Without a rule at the end and marks of bold words that the source does not have; the rest would be a guess."""
    if (rule := _RULE.search(text)) and not _RULE.search(source):
        return text[: rule.start()]
    if "**" not in source and "__" not in source and _BOLD.search(text):
        return _BOLD.sub(lambda bold: bold[1] or bold[2], text)
    is_heading = _HEADING.match(text) and "#" not in source
    is_link = _LINK.search(text) and not _LINK.search(source) and "](" not in source
    is_list = _BULLET.match(text) and not _LISTED.match(source)
    number = _NUMBER.match(text)
    is_numbered = number and number[1] not in source and not _LISTED.match(source)
    return "" if is_heading or is_link or is_list or is_numbered else None


# What may be added to a translation, in words, in the order in which it is looked for, the outermost first. Each has a
# function of a text, its source and the English name of the target language. It gives the text without the addition;
# None if there is none, and an empty text if it cannot be taken off without a guess.
_LAYERS: dict[str, Callable[[str, str, str], str | None]] = {
    "the model's thoughts": _without_thoughts,
    "a channel besides the final one": _without_channels,
    "a token of a chat template": _without_tokens,
    "far more text than the source": _within_limits,
    "pieces of a tokenizer": _without_pieces,
    "a turn of a conversation": _without_turns,
    "a Markdown fence": _without_fence,
    "LaTeX": _unboxed,
    "data instead of text": _without_data,
    "tags": _without_tags,
    "the source before the translation": _without_source,
    "marks around all of it": without_marks,
    "a lead-in": _without_lead_in,
    "a note": _without_note,
    "another translation": _without_alternative,
    "the same words again and again": _without_loop,
    "several lines": _on_one_line,
    "Markdown": _without_markdown,
}


def _echo(text: str, source: str, prompt: str) -> str | None:
    """A sentence of the prompt, other than the source, that the text repeats."""
    lowered, source = text.casefold(), source.casefold()
    parts = map(str.strip, _SENTENCE_END.split(prompt.casefold().replace(source, "\n")))
    return next((part for part in parts if len(part) >= _FRAGMENT and part in lowered and part not in source), None)


def _sentences(text: str) -> int:
    """How many sentences a text has, at least one."""
    ends = _END.findall(text)
    return max(1, len(ends) + bool(match_key(_END.split(text)[-1]).isalnum()))
