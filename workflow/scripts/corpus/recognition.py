"""Recognise text that is not one sentence a line, although it could be read as if it were."""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from workbench.cli import UserError, say
from workbench.files import DAMAGE, open_unpacked

_HEAD_BYTES = 1 << 16
_FIRST_LINES = 20
_DOCUMENT = re.compile(r"<(?:\?xml|!doctype)\b", re.IGNORECASE)
# Two such lines are enough.
_OTHER_LINES = {
    "SGML or XML": re.compile(
        r"</?(?:srcset|refset|tstset|mteval|doc|seg|tmx|tuv?|xliff|trans-unit)\b[^<>]*>", re.IGNORECASE
    ),
    "subtitles": re.compile(r"\d\d:\d\d:\d\d[.,]\d{3} --> "),
    "a gettext catalogue": re.compile(r'msg(?:id|str) "'),
}
# A line is a header if its fields consist of these words and digits.
_HEADER_WORDS = Path(__file__).resolve().parents[3] / "resources" / "header_words.txt"
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_PLAIN = (
    "python3 -c \"import csv, sys; [print(*(' '.join(f.split()) for f in r), sep='\\t') "
    "for r in csv.reader(sys.stdin, 'excel-tab')]\" < {0} > NEW"
)


def refuse_other_format(path: Path) -> None:
    """Refuse a file whose first lines are SGML, XML, JSON, subtitles or a catalogue rather than sentences.

    Raises:
        UserError: they are.
    """
    head = b""
    with open_unpacked(path) as file, suppress(*DAMAGE):  # reported by who reads on
        head = file.read(_HEAD_BYTES)
    lines = [line.strip() for line in head.decode("utf-8-sig", "replace").splitlines() if line.strip()][:_FIRST_LINES]
    kinds = [kind for kind, form in _OTHER_LINES.items() if sum(bool(form.match(line)) for line in lines) > 1]
    if lines and _DOCUMENT.match(lines[0]):
        kinds.append("SGML or XML")
    if lines and (lines[0] == "[" or all(map(_is_json, lines[:-1] or lines))):
        kinds.append("JSON")
    if kinds:
        raise UserError(
            f"{path}: looks like {kinds[0]}, not one sentence a line ({lines[0][:60]!r}); extract its text first"
        )


def _is_json(line: str) -> bool:
    """Whether a line is an object or a list of JSON with text in it."""
    if line[:1] not in ("{", "[") or line.rstrip(",")[-1:] not in ("}", "]") or '"' not in line:
        return False
    try:
        return isinstance(json.loads(line.rstrip(",")), dict | list)
    except (ValueError, RecursionError):
        return False


def refuse_header(where: str, fields: Sequence[str]) -> None:
    """Refuse a first line that names languages or columns rather than being a pair; say so if it only may do so.

    Raises:
        UserError: it does.
    """
    lines = _HEADER_WORDS.read_text(encoding="utf-8").splitlines()
    header_words = {word for line in lines if not line.startswith("#") for word in line.split()}
    names = [re.findall(r"[^\W\d_]+", field.casefold()) for field in fields]
    known = [bool(words) and header_words.issuperset(words) for words in names]
    if any(known) and len({field.casefold() for field in fields}) > 1:
        said = " and ".join(repr(field.strip()) for field in fields)
        message = f"{where}: line 1 looks like a header ({said})"
        if all(known):
            raise UserError(f"{message}; delete it, or name the columns source and target in a tab-separated file")
        if all(len(words) == 1 for words in names):
            say(f"WARNING: {message}; it is taken for a pair")


class Quoting:
    """Notices fields that are quoted as in CSV: one with a quotation mark is in marks, and those in it are doubled."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fields = self._quoted = self._doubled = self._other = 0
        self._first = ""

    def see(self, number: int, fields: Sequence[str]) -> None:
        """Look at the fields of a line."""
        for field in fields:
            self._fields += 1
            if '"' in field:
                if not _QUOTED.fullmatch(field):
                    self._other += 1
                    continue
                self._quoted += 1
                self._doubled += '""' in field[1:-1] and len(field) > 4
                self._first = self._first or f"line {number}: {field[:60]!r}"

    def refuse(self) -> None:
        """Refuse the file if its fields are quoted.

        Raises:
            UserError: they are.
        """
        all_quoted = self._fields >= 20 and self._quoted == self._fields
        if self._other * 50 <= self._quoted and (self._doubled >= 2 or all_quoted):
            raise UserError(
                f"{self.path}: {self._quoted:,} of {self._fields:,} fields are quoted as in CSV ({self._first}); "
                f"quotation marks would stay in the text. Write the file without quoting: {_PLAIN.format(self.path)}"
            )
