"""Marks around the whole of an answer: quotation marks and Markdown's emphasis."""

import re

# Each an opening mark and its closing marks.
_PAIRS = ('""', "''", "“”“", "””", "„“”", "«»", "»«»", "‹›", "‘’‘", "‚‘’", "「」", "『』", "``", "**", "__")
_QUOTES = {pair[0]: pair[1:] for pair in _PAIRS}
_SINGLE = "'‘’‚"
ANY_QUOTE = "\"'“”„«»‹›‘’‚「」『』`"
_ENDS = " .,;:!?…)]}–-*_"


def without_marks(text: str, source: str, _: str) -> str | None:
    """``text`` without marks around all of it that the source lacks; a full stop may follow. None if it has none."""
    end = text[-1:] if text[-1:] in ".!?。" and text[-2:-1] in ANY_QUOTE else ""
    text = text.removesuffix(end) if end else text
    if len(text) < 3 or text[-1] not in _QUOTES.get(text[0], "") or _is_marked(source, text[0]):
        return None
    for width in (3, 2, 1):  # ***bold italics***, **bold**, *italics*
        mark = text[0] * width
        if (text[0] in "*_" or width == 1) and text.startswith(mark) and text.endswith(text[-1] * width):
            inner = text[width:-width]
            inner += "" if inner[-1:] in ".!?。" else end
            return inner if inner.strip() and not _has_mark(inner, text[0], text[-1]) else None
    return None


def _is_marked(source: str, mark: str) -> bool:
    """Whether a source begins or ends with marks of the same kind; all quotation marks are one kind."""
    kind = mark if mark in "*_" else ANY_QUOTE
    bare = source.strip(_ENDS if mark not in "*_" else " .,;:!?…()[]")
    return bool(bare) and (bare[0] in kind or bare[-1] in kind)


def _has_mark(inner: str, opening: str, closing: str) -> bool:
    """Whether there are marks between the outer ones, which then are not a pair; apostrophes do not count."""
    if opening in _SINGLE:
        inner = re.sub(r"(?<=\w)['’]", "", inner)
    return opening in inner or closing in inner
