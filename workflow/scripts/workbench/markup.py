"""Find and strip markup: HTML, reST and Markdown."""

import html
import re

from workbench.text import one_line

_ELEMENTS = (
    "a abbr b big blockquote br button caption center cite code dd del div dl dt em font form h1 "
    "h2 h3 h4 h5 h6 hr i img input ins kbd label li mark ol option p pre q s samp script section "
    "select small span strike strong style sub sup table tbody td textarea tfoot th thead tr tt u "
    "ul var"
)
_ATTRIBUTE = r"\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s<>\"']+)"
# A tag of HTML, or one of XML that closes, is closed or has attributes. <file> in a usage message is not a tag.
_TAG = re.compile(
    rf"</[A-Za-z][\w:.-]*\s*>|<(?:{'|'.join(_ELEMENTS.split())})\s*/?>"
    rf"|<[A-Za-z][\w:.-]*(?:{_ATTRIBUTE})+\s*/?>|<[A-Za-z][\w:.-]*\s*/>",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_BREAKING_TAG = re.compile(
    r"</?(?:blockquote|br|caption|d[dlt]|div|h[1-6]|hr|li|[ou]l|option|p|pre|section|t[dhr]|table)\b", re.IGNORECASE
)
_ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_ROLE = re.compile(r":[A-Za-z][\w+:.-]{0,60}:`([^`<]*)(?:<[^`<>]*>)?`")  # :role:`text <target>`
_LITERAL = re.compile(r"``(?=\S)((?:(?!'')[^`])+)(?<=\S)``")  # not TeX's ``quotation''
_LINK = re.compile(r"!?\[([^\[\]]+)\]\((?:[^\s()]|\([^\s()]*\))+\)")  # [text](address)
# Between words, not in 2**3; scripts without blanks have no place between words.
_UNSPACED = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af]"
_STRONG = re.compile(rf"(?:(?<![\w*])|(?<={_UNSPACED}))\*\*(?=\S)([^*]+?)(?<=\S)\*\*(?:(?![\w*])|(?={_UNSPACED}))")
_INLINE = (_LITERAL, _LINK, _STRONG)
_LINE = re.compile(r"([#=~^*+-])\1{3,}")  # under a heading, around a table; ____ is a gap to fill in


def has_markup(text: str) -> bool:
    """Whether ``text`` contains a tag, an entity, or inline markup of reST or Markdown."""
    forms = (_TAG, _ENTITY, _LINE, _ROLE, *_INLINE)
    return without_comments(text) != text or any(form.search(text) for form in forms)


def without_comments(text: str) -> str:
    """``text`` without HTML's comments, in linear time: only up to the last end of one is anything looked for."""
    before, end, after = text.rpartition("-->")
    return _COMMENT.sub("", before + end) + after


def strip_markup(text: str) -> str:
    """``text`` without its markup, as a reader of the rendered text sees it."""
    text = _ROLE.sub(lambda role: role[1].rstrip(), text)
    for form in _INLINE:
        text = form.sub(r"\1", text)
    text = _LINE.sub(" ", without_comments(text))
    text = _TAG.sub(lambda tag: " " if _BREAKING_TAG.match(tag[0]) else "", text)
    return one_line(_ENTITY.sub(lambda entity: html.unescape(entity[0]), text))
