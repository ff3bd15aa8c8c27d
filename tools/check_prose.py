#!/usr/bin/env python3
"""Check the project's English: phrases that we no longer write, and sentences that are too long.

Reads the files named as arguments, or every file that Git tracks, and prints one line per finding: ``file:line: what is
wrong``. Exits with 1 if there is one. The phrases, the files and the longest sentence are in pyproject.toml under
``tool.check-prose``.
"""

from __future__ import annotations

import bisect
import fnmatch
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
# What surrounds the text of a line in a comment, a quotation, or a string that continues on the next line.
MARGIN = re.compile(r"""^\s*(?:(?:#+|//|>)\s*)*(?:[frb]?["'])?|["'\\\s]*$""")
FENCE = re.compile(r"^\s*(?:```|~~~)")
NEW_BLOCK = re.compile(r"^\s*(?:[-*+]|\d+\.|#+)\s|^\s*\||^[\s>]*$")
CODE_OR_LINK = re.compile(r"`[^`]*`|!?\[([^\]]*)\]\([^)]*\)")
SENTENCE_END = re.compile(r"""(?<!e\.g)(?<!i\.e)(?<!\bcf)(?<!\bvs)(?<!\bal)[.!?]["'”’)*_]*$""")


def phrase_findings(text: str, phrases: dict[str, str]) -> Iterator[tuple[int, str]]:
    """The line and the complaint of each unwanted phrase in ``text``, also of one that runs across lines.

    Args:
        phrases: what to write instead, by regular expression. Spaces and line breaks are the same.
    """
    lines = [MARGIN.sub("", line) for line in text.splitlines()]
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    joined = " ".join(lines)
    for phrase, instead in phrases.items():
        for match in re.finditer(phrase, joined, re.IGNORECASE):
            yield bisect.bisect_right(starts, match.start()), f"'{match[0]}': write {instead}"


def blocks(markdown: str) -> Iterator[list[tuple[int, str]]]:
    """The words of each paragraph, heading, list item and table cell with their lines; code counts as one word."""
    block: list[tuple[int, str]] = []
    is_code = False
    for number, line in enumerate(markdown.splitlines(), start=1):
        if FENCE.match(line):
            is_code = not is_code
            line = ""
        elif is_code:
            continue
        prose = CODE_OR_LINK.sub(lambda match: match[1] or "X", line)
        for cell in prose.split("|") if line.lstrip().startswith("|") else [prose]:
            if NEW_BLOCK.match(line):
                yield block
                block = []
            block += [(number, word) for word in cell.split() if re.search(r"\w", word)]
    yield block


def sentence_findings(markdown: str, most_words: int) -> Iterator[tuple[int, str]]:
    """The line and the complaint of each sentence of a Markdown text with more than ``most_words`` words."""
    for block in blocks(markdown):
        begin = 0
        for end, (_, word) in enumerate(block, start=1):
            if end == len(block) or SENTENCE_END.search(word):
                if end - begin > most_words:
                    yield block[begin][0], f"a sentence of {end - begin} words; at most {most_words}"
                begin = end


def file_findings(name: str, settings: dict[str, Any]) -> list[tuple[int, str]]:
    """The lines and complaints of the file ``name``, by the table ``tool.check-prose`` of pyproject.toml."""
    if not any(fnmatch.fnmatch(name, pattern) for pattern in settings["files"]):
        return []
    text = (ROOT / name).read_text(encoding="utf-8")
    found = list(phrase_findings(text, settings["phrases"]))
    if any(fnmatch.fnmatch(name, pattern) for pattern in settings["short-sentences"]):
        found += sentence_findings(text, settings["most-words"])
    return sorted(found)


def main(names: list[str]) -> int:
    """Print what is wrong in the files ``names`` (default: those that Git tracks). Returns the exit code."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["check-prose"]
    if not names:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
        names = [name for name in listed.stdout.split("\0") if (ROOT / name).is_file()]
    complaints = [f"{name}:{line}: {what}" for name in names for line, what in file_findings(name, settings)]
    print(*complaints, sep="\n", end="\n" if complaints else "")
    return int(bool(complaints))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
