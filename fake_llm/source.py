"""Find the text to translate in a prompt."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_MARKED = re.compile(r"<(source|text|sentence|input)>\s*(.*?)\s*</\1>", re.DOTALL | re.IGNORECASE)
_FENCED = re.compile(r"(```|\"\"\"|'''|###)[^\n]*\n(.*?)\n\1", re.DOTALL)
_LABEL = re.compile(r"^(?:source|german|deutsch)(?: (?:text|sentence))?: (?=\S)", re.IGNORECASE)
_INSTRUCTION = re.compile(
    r"^(?:an earlier|important|note|please|remember|reply|answers?|return|write|give|output|only|translate|do not"
    r"|your|the (?:answer|translation|previous|last|text|source))\b"
    r".*\b(?:translat|answer|repl|output|text|sentence|language)",
    re.IGNORECASE | re.DOTALL,
)
_OBJECT = re.compile(r"\{\s*\"")


class Found(NamedTuple):
    """One text, or several by their names in a JSON object."""

    text: str
    several: dict[str, str] | None = None


def find_source(prompt: str) -> Found:
    """The text to translate: between tags, a JSON object of texts, in a fence, or the last paragraph of text."""
    marked = _MARKED.findall(prompt)
    if marked:
        return _found(marked[-1][1])
    several = _json_object(prompt)
    if several:
        return Found("", several)
    fenced = _FENCED.findall(prompt)
    if fenced:
        return Found(fenced[-1][1].strip())
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", prompt) if part.strip()]
    while len(paragraphs) > 2 and _INSTRUCTION.match(paragraphs[-1]):
        paragraphs.pop()
    if not paragraphs:
        return Found("")
    return Found(_LABEL.sub("", paragraphs[-1].splitlines()[-1].strip()))


def _found(text: str) -> Found:
    several = _json_object(text) if text.startswith("{") else None
    return Found("", several) if several else Found(text)


def _json_object(prompt: str) -> dict[str, str] | None:
    """The last JSON object of texts in the prompt that begins a line."""
    found = None
    for match in _OBJECT.finditer(prompt):
        if match.start() and prompt[match.start() - 1] != "\n":
            continue
        try:
            value, _ = json.JSONDecoder().raw_decode(prompt, match.start())
        except ValueError:
            continue
        if isinstance(value, dict) and value and all(isinstance(text, str) for text in value.values()):
            found = value
    return found
