"""Language codes."""

import re


def base_language(code: str) -> str:
    """A language code without region or script, in lower case: ``pt`` for ``pt_BR``, ``zh`` for ``zh-Hans``."""
    return re.split(r"[_-]", code.lower(), maxsplit=1)[0]
