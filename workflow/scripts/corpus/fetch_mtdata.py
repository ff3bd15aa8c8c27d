"""Fetch public parallel corpora by their mtdata ids, such as ``Statmt-europarl-10-deu-eng``.

mtdata knows the address and format of each and keeps what it downloads in a folder of its own, so
that a corpus is downloaded once. Ids are checked against its index, language pair included, before
anything is downloaded.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import requests

from corpus.raw_table import GIVEN_PARTS, Pair, number_pairs, write_raw
from workbench.cli import UserError, run_script, say, script_parser

PARTS = ("train", *GIVEN_PARTS)

_PROGRESS_SECONDS = 10.0


class _Counter:
    """What mtdata calls a progress bar: one line now and then."""

    def __init__(self, description: str, total: int | None, unit: str) -> None:
        self.description, self.total, self.unit = description, total, unit
        self.done, self.last = 0, time.monotonic()

    def update(self, incr: int = 1, **_: Any) -> None:
        self.done += incr
        if time.monotonic() - self.last >= _PROGRESS_SECONDS:
            self.last = time.monotonic()
            of = f" of {self.total:,}" if self.total else ""
            say(f"{self.description}: {self.done:,}{of} {self.unit}")


@contextmanager
def _counter(desc: str = "", total: int | None = None, unit: str = "it") -> Iterator[_Counter]:
    yield _Counter(desc, total, unit)


def load_mtdata(cache: Path) -> ModuleType:
    """``mtdata.data`` with its files under ``cache``; its index is built there the first time.

    mtdata reads the folder from the environment when it is imported and builds its index while it
    is imported. An index that a killed process left half-written is built anew.
    """
    cache.mkdir(parents=True, exist_ok=True)
    os.environ["MTDATA"] = str(cache.resolve())
    import mtdata

    mtdata.pbar_man.counter = _counter
    if not mtdata.cached_index_file.exists():
        say("building mtdata's index of data sets, once")
    try:
        return importlib.import_module("mtdata.data")
    except (pickle.UnpicklingError, EOFError, AssertionError, AttributeError):
        mtdata.cached_index_file.unlink()
        say("mtdata's index was damaged; building it again")
        return importlib.import_module("mtdata.data")


def find_entry(mtdata: ModuleType, text: str, languages: tuple[Any, Any], key: str) -> tuple[Any, bool]:
    """The data set with the id ``text`` and whether its languages stand the other way round.

    Args:
        mtdata: :func:`load_mtdata`.
        text: an id as ``mtdata list -id`` shows it.
        languages: source and target as mtdata's language tags.
        key: the configuration key that names the id, for messages.

    Raises:
        UserError: there is no such data set, or it is of other languages.
    """
    try:
        entry = mtdata.INDEX.entries.get(mtdata.DatasetId.parse(text))
    except Exception:  # not even of an id's form; mtdata has no exception of its own for that
        entry = None
    if entry is not None and len(entry.did.langs) == 2:
        fits, swapped = type(languages[0]).check_compat_swap(languages, entry.did.langs)
        if fits:
            return entry, swapped
    wanted = "-".join(str(language) for language in languages)
    codes = {language.lang for language in languages}
    ids = {
        str(did).lower(): str(did)
        for did in mtdata.INDEX.entries
        if len(did.langs) == 2 and {language.lang for language in did.langs} == codes
    }
    near = [ids[match] for match in difflib.get_close_matches(text.lower(), ids, n=3)]
    problem = "is no data set that mtdata knows" if entry is None else f"is not of {wanted}"
    hint = f"near it: {', '.join(near)}" if near else "no id is near it"
    raise UserError(f"{key}: {text!r} {problem}; {hint} (to list all: mtdata list -id -l {wanted})")


def read_entry(mtdata: ModuleType, cache: Path, entry: Any, swapped: bool) -> Iterator[tuple[str, str]]:
    """Download a data set unless it is there, and yield its pairs, source first.

    Raises:
        UserError: it cannot be downloaded or read.
    """
    try:
        paths = mtdata.Cache(cache.resolve()).get_entry(entry)
        for record in mtdata.Parser(paths, ext=entry.in_ext or None, ent=entry).read_segs(show_pbar=False):
            first, second = record[0] or "", record[1] or ""
            yield (second, first) if swapped else (first, second)
    except requests.exceptions.RequestException as error:
        raise UserError(
            f"{entry.did}: cannot download {entry.url}: no network, or the server is down ({type(error).__name__})"
        ) from error
    except OSError:
        raise
    except Exception as error:  # mtdata raises whatever its many parsers stumble over
        status = isinstance(error, AssertionError) and error.args and isinstance(error.args[0], int)
        problem = f"HTTP status {error}" if status else f"{type(error).__name__} {error}"[:200]
        raise UserError(f"{entry.did}: mtdata cannot fetch or read {entry.url} ({problem})") from error


def read_parts(parts: dict[str, list[str]], languages: tuple[str, str], cache: Path) -> Iterator[Pair]:
    """The pairs of all parts; a part's data sets follow one another and are numbered through."""
    mtdata = load_mtdata(cache)
    tags = language_tags(languages)
    entries = {
        part: [find_entry(mtdata, text, tags, f"corpus.mtdata.{part}") for text in ids] for part, ids in parts.items()
    }
    for part, found in entries.items():
        texts = (pair for entry in found for pair in read_entry(mtdata, cache, *entry))
        count = 0
        for pair in number_pairs(part, texts):
            count += 1
            yield pair
        if not count:
            raise UserError(f"corpus.mtdata.{part}: no pairs in {', '.join(parts[part])}")


def language_tags(languages: tuple[str, str]) -> tuple[Any, Any]:
    """mtdata's tags for language codes: ``deu`` for ``de``.

    Raises:
        UserError: mtdata does not know a code.
    """
    from mtdata.iso.bcp47 import bcp47

    try:
        return bcp47(languages[0]), bcp47(languages[1])
    except (ValueError, AssertionError) as error:
        raise UserError(f"languages: mtdata does not know {' or '.join(languages)} ({error})") from error


def main(arguments: argparse.Namespace) -> None:
    parts = {part: getattr(arguments, part) for part in PARTS if getattr(arguments, part)}
    pairs = read_parts(parts, tuple(arguments.languages), arguments.cache)
    counts = write_raw(arguments.output, pairs)
    say(f"{sum(counts.values()):,} pairs: " + ", ".join(f"{count:,} {part}" for part, count in counts.items()))


if __name__ == "__main__":
    parser = script_parser(__doc__)
    parser.add_argument("--languages", required=True, nargs=2, metavar=("SOURCE", "TARGET"), help="codes such as de")
    parser.add_argument("--train", required=True, nargs="+", metavar="ID", help="mtdata ids")
    for part in GIVEN_PARTS:
        parser.add_argument(f"--{part}", nargs="*", default=[], metavar="ID", help="mtdata ids")
    parser.add_argument("--cache", required=True, type=Path, help="mtdata's folder")
    parser.add_argument("--output", required=True, type=Path, help="raw.tsv.gz")
    run_script(parser, main)
