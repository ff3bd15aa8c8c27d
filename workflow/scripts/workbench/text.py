"""Text normalisation that the corpus, the generators and the split must agree upon."""

from __future__ import annotations

import re
import unicodedata

_SPACE = re.compile(r"\s+")
_CONTROL = r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff"  # Unicode's Cc and Cs that are no white space
_INVISIBLE = r"\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufffe\uffff"
_DROPPED = re.compile(f"[{_CONTROL}{_INVISIBLE}]")


def one_line(text: str) -> str:
    """``text`` in NFC on one line: control and invisible characters gone, every run of white space one blank.

    White space is Unicode's: tabs, line breaks, U+0085, U+2028, U+2029 and no-break spaces too. A text that is so
    already stays as it is.
    """
    return _SPACE.sub(" ", unicodedata.normalize("NFC", _DROPPED.sub("", text))).strip()


def match_key(text: str) -> str:
    """What two texts share that a reader would call the same: letters, marks and digits, case and width folded.

    ``one_line`` text that has no letter or digit is its own key.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] in "LMN") or text
