"""Write prompts: templates, names of languages, several sentences in one request.

A template is a text file with placeholders in braces; ``{{`` and ``}}`` are literal braces. Prompts depend only on the
texts, so the same source gives the same request, whatever else is asked.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import re
import sqlite3
import statistics
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from llm.calls import canonical_json
from workbench.cli import UserError
from workbench.languages import base_language
from workbench.pairs import Source
from workbench.text import match_key, one_line

LANGUAGES = ("source_language", "target_language")
JUDGE = "judge"  # the name of a judge's prompt among the files of prompts
# The roles of prompts, and the placeholders that each must use.
_PLACES = {"prompt": ["source"], JUDGE: ["source", "target"], "prompt_many": ["sources"], "retry": [], "system": []}
ANSWER_FORM = "answer_form"  # placeholder of a prompt for several sources: their first words are to be repeated
_FORM = '{"1": ["first words of the value", "its translation"], …}'
_TAG = re.compile(r"</(\w+)>")
_PLACE = re.compile(r"\{\{|\}\}|\{([^{}\n]*)\}|[{}]")
_FEWEST_LETTERS = 12  # of a text that no other one should have by chance
_MOST_RATIO = 3
_FENCE = re.compile(r"^```\w*[ \t]*\n(.*?)\n?```$", re.DOTALL)


@cache
def language_name(code: str) -> str:
    """The English name of a language, such as ``German`` for ``de`` or ``Chinese (zh_TW)`` for ``zh_TW``.

    A region or script stays as its code: models know these, and ISO 639-3, the source of the names, has none.

    Raises:
        UserError: no language has this code.
    """
    code_to_name, iso3_code = _iso_639()
    base = base_language(code)
    code3 = iso3_code(base) if len(base) in (2, 3) else None
    if not code3:
        raise UserError(f"languages: no language {code!r} in ISO 639; give a code of two or three letters such as de")
    name = re.sub(r"\s*\([^)]*\)$", "", code_to_name(code3))  # "Swahili (macrolanguage)", "Modern Greek (1453-)"
    return name if code == base else f"{name} ({code})"


def _iso_639() -> tuple[Callable[[str], str], Callable[[str], str | None]]:
    """mtdata's functions from a code to a name and to a code of three letters.

    Importing mtdata adds a handler to the root logger, which would repeat every message of Snakemake.
    """
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    try:
        from mtdata.iso import iso3_code
        from mtdata.iso.iso639_3 import code_to_name
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    return code_to_name, iso3_code


class Languages(NamedTuple):
    """The codes of the source and the target language."""

    source: str
    target: str


class Template:
    """A text with placeholders.

    Args:
        text: the template; surrounding white space is removed.
        where: its file, or its key in the configuration, for messages.
        places: placeholders that it must use; it may also use those of :data:`LANGUAGES`, and one for several sources
            :data:`ANSWER_FORM`.

    Raises:
        UserError: a placeholder is unknown or missing, or a brace is unpaired.
    """

    def __init__(self, text: str, where: str, places: Collection[str] = ()) -> None:
        self.text, self.where = text.strip(), where
        known = (*places, *([ANSWER_FORM] if "sources" in places else []), *LANGUAGES)
        allowed = f"it may use {', '.join(f'{{{name}}}' for name in known)}; {{{{ and }}}} stand for braces"
        used = set()
        for place in _PLACE.finditer(text):
            line = text.count("\n", 0, place.start()) + 1
            if place[1] is None and place[0] in "{}":
                raise UserError(f"{where}, line {line}: a brace {place[0]} stands alone; {allowed}")
            if place[1] is not None and place[1] not in known:
                raise UserError(f"{where}, line {line}: no such place as {place[0]}; {allowed}")
            used.add(place[1])
        for needed in places:
            if needed not in used:
                lines = text.rstrip().count("\n") + 1
                raise UserError(f"{where}, line {lines}: the template ends without {{{needed}}}; {allowed}")

    @classmethod
    def read(cls, path: Path, places: Collection[str] = ()) -> Template:
        """The template in a file.

        Raises:
            UserError: as for the class, or the file is missing or not UTF-8.
        """
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError as error:
            raise UserError(f"{path}: no such prompt template; templates are text files with places") from error
        except UnicodeDecodeError as error:
            raise UserError(f"{path}: the prompt template is not UTF-8; save it as such") from error
        return cls(text, str(path), places)

    def render(self, **values: str) -> str:
        """The text with its placeholders filled in; braces in ``values`` stay unchanged.

        If the template puts tags around texts, the same tags within a text get a blank, so no text can close them.
        """
        tags = "|".join(set(_TAG.findall(self.text)))
        own = re.compile(rf"<(/?)(?=(?:{tags})>)", re.IGNORECASE) if tags else None
        filled = {name: own.sub(r"<\1 ", value) if own else value for name, value in values.items()}
        return _PLACE.sub(lambda place: place[0][0] if place[1] is None else filled[place[1]], self.text)


class Templates:
    """The templates of a generator, judge or learner for its pair of languages.

    Attributes:
        languages: codes.
        system: the system prompt with its placeholders filled in, None for none.
        digest: SHA-256 of all of them, in hexadecimal.

    Args:
        files: by role: ``prompt`` for one source, with ``{source}``, or ``judge`` for a source and its target, also
            with ``{target}``; optionally ``prompt_many`` for several sources in one request, with ``{sources}`` and
            perhaps ``{answer_form}``, ``retry``, put before the prompt from the second try on (not after it: text after
            a source reads like a part of it), and ``system`` for the system prompt.
        languages: the codes of ``source`` and ``target``.

    Raises:
        UserError: a template is missing or wrong, or a language unknown.
    """

    def __init__(self, files: Mapping[str, Path], languages: Mapping[str, str]) -> None:
        templates = {role: Template.read(path, _PLACES[role]) for role, path in files.items()}
        self._one = templates[JUDGE if JUDGE in files else "prompt"]
        self._retry = templates.get("retry", Template("", "retry"))
        self._many, system = templates.get("prompt_many"), templates.get("system")
        self.languages = Languages(languages["source"], languages["target"])
        self._names = dict(zip(LANGUAGES, map(language_name, self.languages), strict=True))  # by placeholder
        self.system = system.render(**self._names) if system else None
        parts = [template and template.text for template in (self._one, self._many, self._retry, system)]
        self.digest = hashlib.sha256(canonical_json([*parts, self.languages]).encode()).hexdigest()

    def user(self, source: str, step: int = 0, **more: str) -> str:
        """The user's message for one source; ``step`` counts earlier tries, ``more`` fills in other placeholders."""
        prompt = self._one.render(source=source, **more, **self._names)
        return f"{self._retry.render(**self._names)}\n\n{prompt}" if step else prompt

    def user_many(self, sources: Sequence[str]) -> str:
        """The user's message for several sources."""
        if self._many is None:
            raise ValueError("no template for several sources")
        return self._many.render(sources=numbered(sources), **{ANSWER_FORM: _FORM}, **self._names)

    def read_many(self, text: str, sources: Sequence[str]) -> list[str]:
        """The texts of an answer to :meth:`user_many`, in order.

        Raises:
            ValueError: they do not fit the sources, or may be displaced.
        """
        assert self._many is not None
        values = read_numbered(text, len(sources), self._many.text.count(f"{{{ANSWER_FORM}}}") > 0)
        for number, (source, (opening, _)) in enumerate(zip(sources, values, strict=True), start=1):
            key, own = match_key(one_line(opening)), match_key(one_line(source))
            if opening and not (own.startswith(key) or key.startswith(own)):
                raise ValueError(f"the words {opening!r} do not begin text {number}")
        check_alignment(sources, [target for _, target in values])
        return [target for _, target in values]


class _Pairs(list[tuple[str, Any]]):
    """A JSON object whose keys may be repeated."""


def numbered(texts: Sequence[str]) -> str:
    """Texts as a JSON object with the keys ``"1"``, ``"2"``, …"""
    return json.dumps({str(number): text for number, text in enumerate(texts, start=1)}, ensure_ascii=False)


def read_numbered(text: str, count: int, with_openings: bool = False) -> list[tuple[str, str]]:
    """The texts of an answer to :func:`numbered`, in order, each after the opening words of its source, if wanted.

    A Markdown fence around the object is removed.

    Raises:
        ValueError: it is not a JSON object, its keys are not those of ``count`` texts, each once, or a text is empty.
    """
    fence = _FENCE.match(text.strip())
    try:
        pairs = json.loads(fence[1] if fence else text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON: {error}") from error
    if not isinstance(pairs, _Pairs):
        raise ValueError("no JSON object")
    values = dict(pairs)
    if len(pairs) != len(values):
        raise ValueError("a key stands there twice")
    if set(values) != {str(number) for number in range(1, count + 1)}:
        raise ValueError(f"{len(values)} keys that are not 1 to {count}")
    texts = []
    for number in range(1, count + 1):
        value = values[str(number)]
        parts = value if with_openings else ["", value]
        if not isinstance(parts, list) or [type(part) for part in parts] != [str, str] or not one_line(parts[1]):
            raise ValueError(f"no text under key {number}" + (" after the first words" if with_openings else ""))
        if with_openings and not one_line(parts[0]):
            raise ValueError(f"no first words under key {number}")
        texts.append((parts[0], parts[1]))
    return texts


def check_alignment(sources: Sequence[str], texts: Sequence[str]) -> None:
    """Doubt texts that were asked for together.

    Raises:
        ValueError: a text contains that of a different source, or is three times as long or short as others are.
    """
    source_keys, keys = ([match_key(one_line(text)) for text in side] for side in (sources, texts))
    for one, other in itertools.permutations(range(len(texts)), 2):
        repeats = len(keys[one]) >= _FEWEST_LETTERS and keys[one] in keys[other]
        if repeats and source_keys[one] not in source_keys[other]:
            raise ValueError(f"text {other + 1} holds text {one + 1}, but its source does not")
    ratios = [
        (len(key) + _FEWEST_LETTERS) / (len(own) + _FEWEST_LETTERS) for key, own in zip(keys, source_keys, strict=True)
    ]
    usual = statistics.median(ratios)
    for number, ratio in enumerate(ratios, start=1):
        if not usual / _MOST_RATIO < ratio < usual * _MOST_RATIO:
            raise ValueError(f"the length of text {number} does not fit its source")


def groups(sources: Iterable[Source], most: int) -> Iterator[tuple[Source, ...]]:
    """Sources in groups of at most ``most``, which depend on the sources' texts alone, not on their order.

    At first, all sources are one group. A group that is too large is halved by the next bit of its sources' hashes.
    Therefore one more source only changes or splits the group that it falls into. The mean group size is about 0.7
    times ``most``. The sources are in a temporary file, so memory does not grow with their number.
    """
    table = sqlite3.connect("")  # a temporary file, which SQLite deletes itself
    try:
        table.execute("CREATE TABLE sources (hash INTEGER, id TEXT, text TEXT)")
        rows = ((_hash(source.text), *source) for source in sources)
        table.executemany("INSERT INTO sources VALUES (?, ?, ?)", rows)
        table.execute("CREATE INDEX by_hash ON sources (hash)")
        yield from _halved(table, 0, _HASHES, most)
    finally:
        table.close()


_HASHES = 1 << 56  # hashes are below it, which fits SQLite's integers


def _hash(text: str) -> int:
    """A hash of a text, below :data:`_HASHES`."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest(), "big")


def _halved(table: sqlite3.Connection, low: int, high: int, most: int) -> Iterator[tuple[Source, ...]]:
    """The groups of the sources with hashes from ``low`` up to ``high``."""
    query = "SELECT id, text FROM sources WHERE hash >= ? AND hash < ? ORDER BY hash, text, id LIMIT ?"
    same_text = high - low == 1  # repeated so often that the hash cannot split it
    sources = [Source(*row) for row in table.execute(query, (low, high, -1 if same_text else most + 1))]
    if len(sources) <= most or same_text:
        yield from (tuple(sources[first : first + most]) for first in range(0, len(sources), most))
        return
    middle = (low + high) // 2
    yield from _halved(table, low, middle, most)
    yield from _halved(table, middle, high, most)
