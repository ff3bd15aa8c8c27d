"""Normalise text, and compare it."""

import hashlib
import re
import unicodedata

_SPACE = re.compile(r"\s+")
_CONTROL = r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff"  # Unicode's Cc and Cs without white space
_INVISIBLE = r"\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufffe\uffff"
_DROPPED = re.compile(f"[{_CONTROL}{_INVISIBLE}]")


def one_line(text: str) -> str:
    """``text`` in NFC on one line, without control and invisible characters, with single blanks for white space.

    White space is as Unicode defines it, with tabs, line breaks, U+0085, U+2028, U+2029 and no-break spaces. Applying
    the function again changes nothing.
    """
    return _SPACE.sub(" ", unicodedata.normalize("NFC", _DROPPED.sub("", text))).strip()


def hash64(text: str) -> int:
    """The first eight bytes of the SHA-256 of ``text`` as a number, of which a set takes far less memory than texts."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def match_key(text: str) -> str:
    """A key that equal-looking texts share: their letters, marks and digits, with case and width folded.

    A text without letters and digits is its own key; it must be on :func:`one_line`.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] in "LMN") or text
