"""Normalise text, strip its markup, and split it into words."""

import html
import re
import unicodedata

import regex

_SPACE = re.compile(r"\s+")
_CONTROL = r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff"  # Unicode's Cc and Cs without white space
_INVISIBLE = r"\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufffe\uffff"
_DROPPED = re.compile(f"[{_CONTROL}{_INVISIBLE}]")

_ELEMENTS = (
    "a abbr b big blockquote br button caption center cite code dd del div dl dt em font form h1 "
    "h2 h3 h4 h5 h6 hr i img input ins kbd label li mark ol option p pre q s samp script section "
    "select small span strike strong style sub sup table tbody td textarea tfoot th thead tr tt u "
    "ul var"
)
_ATTRIBUTE = r"\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s<>\"']+)"
# A tag of HTML, or one of XML that closes, is closed or has attributes. <file> in a usage message is not a tag.
_TAG = re.compile(
    rf"<!--.*?-->|</[A-Za-z][\w:.-]*\s*>|<(?:{'|'.join(_ELEMENTS.split())})\s*/?>"
    rf"|<[A-Za-z][\w:.-]*(?:{_ATTRIBUTE})+\s*/?>|<[A-Za-z][\w:.-]*\s*/>",
    re.IGNORECASE | re.DOTALL,
)
_BREAKING_TAG = re.compile(
    r"</?(?:blockquote|br|caption|d[dlt]|div|h[1-6]|hr|li|[ou]l|option|p|pre|section|t[dhr]|table)\b", re.IGNORECASE
)
_ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_ROLE = re.compile(r":[A-Za-z][\w+:.-]*:`([^`<]*?)(?:\s*<[^`<>]*>)?`")  # :role:`text <target>`
_LITERAL = re.compile(r"``([^`]+)``")
_LINK = re.compile(r"!?\[([^\[\]]+)\]\((?:[^\s()]|\([^\s()]*\))+\)")  # [text](address)
_STRONG = re.compile(r"\*\*(?=\S)([^*]+?)(?<=\S)\*\*")
_INLINE = (_ROLE, _LITERAL, _LINK, _STRONG)
_LINE = re.compile(r"([#=~^*+_-])\1{3,}")  # under a heading, around a table

_URL = re.compile(r"\b(?:https?|ftp|ssh|svn|file)://\S+|\bwww\.\S+")
PLACEHOLDER = re.compile(
    r"%\(\w+\)[#0+-]*\d*(?:\.\d+)?[a-zA-Z]"  # %(name)s
    r"|%[#0+-]*\d*(?:\.\d+)?[diouxXeEfFgGcrsa](?![^\W\d_])|%\d+\b(?!\s*%)"  # %s %.2f %1
    r"|\$?\{\{?[^{}]{0,80}\}\}?|\{%[^{}]{0,80}%\}"  # {name} ${name} {{ name }} {% tag %}
    r"|\$[A-Za-z_]\w*"  # $name
)

# Scripts without spaces between words: every character counts as a word.
_UNSPACED_SCRIPTS = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_UNSPACED = regex.compile(_UNSPACED_SCRIPTS)
_WORD = regex.compile(_UNSPACED_SCRIPTS + r"\p{M}*|[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:['’][\p{L}\p{N}\p{M}]+)*")


def one_line(text: str) -> str:
    """``text`` in NFC on one line, without control and invisible characters, with single blanks for white space.

    White space is as Unicode defines it, with tabs, line breaks, U+0085, U+2028, U+2029 and no-break spaces. Applying
    the function again changes nothing.
    """
    return _SPACE.sub(" ", unicodedata.normalize("NFC", _DROPPED.sub("", text))).strip()


def match_key(text: str) -> str:
    """A key that equal-looking texts share: their letters, marks and digits, with case and width folded.

    A text without letters and digits is its own key; it must be on :func:`one_line`.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] in "LMN") or text


def has_markup(text: str) -> bool:
    """Whether ``text`` contains a tag, an entity, or inline markup of reST or Markdown."""
    return any(form.search(text) for form in (_TAG, _ENTITY, _LINE, *_INLINE))


def strip_markup(text: str) -> str:
    """``text`` without its markup, as a reader of the rendered text sees it."""
    for form in _INLINE:
        text = form.sub(r"\1", text)
    text = _LINE.sub(" ", text)
    text = _TAG.sub(lambda tag: " " if _BREAKING_TAG.match(tag[0]) else "", text)
    return one_line(_ENTITY.sub(lambda entity: html.unescape(entity[0]), text))


def plain_words(text: str) -> str:
    """``text`` without placeholders and addresses."""
    return _URL.sub(" ", PLACEHOLDER.sub(" ", text))


def count_words(text: str) -> int:
    """The number of words between blanks; in scripts without blanks, every character counts as a word."""
    unspaced = len(_UNSPACED.findall(text))
    return len((_UNSPACED.sub(" ", text) if unspaced else text).split()) + unspaced


def words_of(text: str) -> list[str]:
    """The words of a text as written, without punctuation."""
    return _WORD.findall(text)


def folded_words(text: str) -> list[str]:
    """The words of a text with case folded."""
    return words_of(text.casefold())
