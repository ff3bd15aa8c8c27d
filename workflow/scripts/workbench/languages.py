"""Codes of languages."""

from __future__ import annotations

import re


def base_language(code: str) -> str:
    """The language of a code without its region or script, in lower case: ``pt`` of ``pt_BR``, ``zh`` of ``zh-Hans``."""
    return re.split(r"[_-]", code.lower(), maxsplit=1)[0]
