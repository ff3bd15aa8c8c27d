"""Download public parallel corpora by their mtdata ids, such as ``Statmt-europarl-10-deu-eng``.

mtdata knows the address and format of each corpus and keeps downloads in its own cache, which means that a corpus is
downloaded once. Ids and their language pairs are checked against its index before anything is downloaded.
"""

import argparse
import difflib
import importlib
import os
import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import requests

from corpus.raw_table import SentencePair, add_part_options, given_parts, number_pairs, write_parts
from workbench.cli import UserError, run_script, say, script_parser

_PROGRESS_SECONDS = 10.0


@contextmanager
def _counter(desc: str = "", total: int | None = None, unit: str = "it") -> Iterator[SimpleNamespace]:
    """Replaces mtdata's progress bar: one line every ten seconds."""
    done, last = 0, time.monotonic()

    def update(incr: int = 1, **_: Any) -> None:
        nonlocal done, last
        done += incr
        if time.monotonic() - last >= _PROGRESS_SECONDS:
            last = time.monotonic()
            of = f" of {total:,}" if total else ""
            say(f"{desc}: {done:,}{of} {unit}")

    yield SimpleNamespace(update=update)


def load_mtdata(cache: Path) -> ModuleType:
    """Import ``mtdata.data`` with its files under ``cache``; the first import builds its index there.

    mtdata reads the folder from the environment when it is imported, and builds its index during the import. An index
    that a killed process left half-written is built again.
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
    """The data set with the id ``text``, and whether its languages are in the opposite order.

    Args:
        mtdata: from :func:`load_mtdata`.
        text: an id as ``mtdata list -id`` shows it.
        languages: source and target as mtdata's language tags.
        key: the configuration key that names the id, for messages.

    Raises:
        UserError: there is no such data set, or it has other languages.
    """
    try:
        entry = mtdata.INDEX.entries.get(mtdata.DatasetId.parse(text))
    except Exception:  # not even the form of an id; mtdata has no specific exception for it
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
    problem = "is not a data set that mtdata knows" if entry is None else f"is not of {wanted}"
    hint = f"similar ids: {', '.join(near)}" if near else "no id is similar"
    raise UserError(f"{key}: {text!r} {problem}; {hint} (to list all: mtdata list -id -l {wanted})")


def read_entry(mtdata: ModuleType, cache: Path, entry: Any, swapped: bool) -> Iterator[tuple[str, str]]:
    """Download a data set unless it is in the cache, and yield its pairs, source first.

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
    except Exception as error:  # mtdata passes on whatever its many parsers raise
        status = isinstance(error, AssertionError) and error.args and isinstance(error.args[0], int)
        problem = f"HTTP status {error}" if status else f"{type(error).__name__} {error}"[:200]
        raise UserError(f"{entry.did}: mtdata cannot fetch or read {entry.url} ({problem})") from error


def read_parts(parts: dict[str, list[str]], languages: tuple[str, str], cache: Path) -> Iterator[SentencePair]:
    """The pairs of all parts; the pairs of all data sets of a part are numbered consecutively.

    Raises:
        UserError: as :func:`find_entry` and :func:`read_entry`, or a part has no pair.
    """
    mtdata = load_mtdata(cache)
    tags = language_tags(languages)
    entries = {
        part: [find_entry(mtdata, text, tags, f"corpus.mtdata.{part}") for text in ids] for part, ids in parts.items()
    }
    for part, found in entries.items():
        texts = (pair for entry in found for pair in read_entry(mtdata, cache, *entry))
        yield from number_pairs(part, texts, if_none=f"corpus.mtdata.{part}: no pairs in {', '.join(parts[part])}")


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
    """Write the raw table."""
    write_parts(arguments.output, read_parts(given_parts(arguments), tuple(arguments.languages), arguments.cache))


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--languages", required=True, nargs=2, metavar=("SOURCE", "TARGET"), help="codes such as de")
    add_part_options(parser, metavar="ID", help="mtdata ids")
    parser.add_argument("--cache", required=True, type=Path, help="mtdata's folder")
    parser.add_argument("--output", required=True, type=Path, help="raw.tsv.gz")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
