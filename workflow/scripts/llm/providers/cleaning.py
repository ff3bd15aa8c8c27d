"""Values from servers can be anything: make them safe for tables, logs, terminals and sums.

Answers keep their line breaks; everything else becomes one line of bounded length.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, TypeGuard

from llm.calls import MOST_TOKENS, Usage

MOST_NAME = 200
"""Characters of a name, an id or a header's value."""

MOST_MESSAGE = 400
"""Characters of a message for people."""

MOST_RECORD = 100_000
"""Characters that are kept of a body that is not an answer."""

UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError)
"""Exceptions from reading an answer that is not JSON or has another shape."""

_LATEST = 4e9  # seconds since 1970: a date beyond the year 2096 is none
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Unusable(ValueError):
    """An answer that cannot be used for the reason in the message, which is ours."""


def printable(text: str) -> str:
    """``text`` with its line breaks, without characters that control a terminal or that no file can hold."""
    return _CONTROL.sub("\ufffd", re.sub("\r\n?|\x85", "\n", text))


def one_line(value: object, most: int = MOST_MESSAGE) -> str:
    """What a server says, on one line of printable characters, cut to a maximum length; empty for None."""
    text = value if isinstance(value, str) else "" if value is None else short_json(value)
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * most]).split())
    return line if len(line) <= most else line[: most - 2] + " …"


def name_of(value: object) -> str | None:
    """A name or an id, None for anything that is not one."""
    return (one_line(value, MOST_NAME) or None) if isinstance(value, str | int) else None


def given_name(value: object) -> str:
    """A name or an id.

    Raises:
        ValueError: it is none.
    """
    if (name := name_of(value)) is None:
        raise ValueError(f"{one_line(value, MOST_NAME)} is not a name")
    return name


def text_of(value: object) -> str:
    """The text of an answer, empty for anything else; some servers send a message's content in parts."""
    if isinstance(value, list):
        value = "".join(str(part.get("text") or "") for part in value)
    return printable(value) if isinstance(value, str) else ""


def count_of(value: object) -> int | None:
    """A number of things, None for what is not one."""
    return int(value) if is_number(value) and 0 <= value <= MOST_TOKENS and value == int(value) else None


def seconds_of(value: object) -> float:
    """A time in seconds since 1970.

    Raises:
        ValueError: it is none.
    """
    if not is_number(value) or not 0 <= value <= _LATEST:
        raise ValueError(f"{short_json(value)} is not a time")
    return float(value)


def record_of(value: object) -> Any:
    """``value`` from JSON, every text and name in it on one line: to be kept and shown, not to be used as an answer."""
    if isinstance(value, Mapping):
        return {one_line(name, MOST_NAME): record_of(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [record_of(inner) for inner in value]
    if isinstance(value, str):
        return one_line(value, MOST_RECORD)
    return value if isinstance(value, bool) or (is_number(value) and abs(value) < 2**63) else None


def usage_of(prompt: object, completion: object, cached: object, text: str) -> Usage:
    """The tokens of an answer as the server counts them, zero for all if it counts none.

    A count that is missing, is not a count, or is 0 for a ``text``, becomes the highest one. So it costs the most that
    the request can, see :meth:`llm.calls.Usage.bounded`.
    """
    if prompt is None and completion is None:
        return Usage(0, 0)
    read, written = count_of(prompt) or MOST_TOKENS, count_of(completion)
    if written is None or (text and not written):
        written = MOST_TOKENS
    return Usage(read, written, min(count_of(cached) or 0, read))


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether ``value`` is a finite number that fits into a float."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def dumps(value: object) -> str:
    """JSON as servers write it: without spaces; with escapes only if it holds half a pair or controls a terminal."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return json.dumps(value, separators=(",", ":")) if _CONTROL.search(text) else text


def short_json(value: object) -> str:
    """``value`` as JSON for people; its type alone if it cannot be written."""
    try:
        return dumps(value)
    except (ValueError, TypeError, RecursionError):
        return f"a {type(value).__name__} that cannot be written"
