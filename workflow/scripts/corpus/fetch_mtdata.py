"""Download public parallel corpora by their mtdata ids, such as ``Statmt-europarl-10-deu-eng``.

mtdata knows the address and format of each corpus; ids and their language pairs are checked against its index before
anything is downloaded. Downloading is ours, because mtdata goes on without a valid certificate: a file is fetched once,
over TLS if the server has it, and its SHA-256 is kept beside it and checked whenever it is read. The configuration may
pin that digest. mtdata's index, a pickle, is built in a folder of this process and never read from a shared one.
"""

import argparse
import difflib
import importlib
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import requests

from corpus.raw_table import SentencePair, add_part_options, given_parts, number_pairs, write_parts
from workbench.cli import UserError, add_repeatable, progress, run_script, say, script_parser
from workbench.files import atomic_path, file_digest, write_text

_CHUNK_BYTES = 1 << 20
_TIMEOUT = (10, 60)  # seconds to connect, and between two parts of an answer


def load_mtdata() -> ModuleType:
    """Import ``mtdata.data``, which builds its index in the folder that the variable ``MTDATA`` names.

    Without the variable the folder is a temporary one; the index then stays in memory only.
    """
    tarfile.TarFile.extraction_filter = staticmethod(tarfile.data_filter)  # nothing lands outside mtdata's folder
    with tempfile.TemporaryDirectory() as folder:
        if "MTDATA" not in os.environ:
            say("building mtdata's index of data sets")
            os.environ["MTDATA"] = folder
        return importlib.import_module("mtdata.data")


def fetch(url: str, path: Path, pins: Mapping[str, str]) -> None:
    """Download ``url`` to ``path`` unless it is there, and check its SHA-256.

    Args:
        url: its address; ``https`` is tried first.
        path: the file, next to which its digest is kept.
        pins: the digest that a file must have, by the last part of its address.

    Raises:
        UserError: it cannot be fetched, was damaged or replaced since, or has not the pinned digest.
    """
    name = url.rpartition("/")[2]
    record, pin = path.with_name(f"{path.name}.sha256"), pins.get(name)
    if not (path.exists() and record.exists()):
        path.unlink(missing_ok=True)
        is_encrypted = _download(url, path)
        write_text(record, f"{file_digest(path)}  {path.name}\n")
        if not (is_encrypted or pin):
            say(
                f"WARNING: {url} came unencrypted; to be sure that it stays the same, pin it: "
                f"corpus.mtdata.sha256: {{{name}: {file_digest(path)}}}"
            )
    digest = file_digest(path)
    if digest != record.read_text(encoding="utf-8").split()[0]:
        raise UserError(f"{path}: damaged or replaced since it was fetched; delete it to fetch it again")
    if pin and pin != digest:
        raise UserError(
            f"{path}: its SHA-256 is {digest}, corpus.mtdata.sha256 says {pin}: damaged, forged or another version; "
            "delete it to fetch it again, or correct the pin"
        )


def _download(url: str, path: Path) -> bool:
    """Download a file; returns whether every step was encrypted."""
    secure = url.replace("http://", "https://", 1)
    for address in dict.fromkeys((secure, url)):
        try:
            with requests.get(address, stream=True, timeout=_TIMEOUT) as response:
                if response.status_code != 200:
                    if address != url:
                        continue
                    raise UserError(f"cannot download {url} (HTTP status {response.status_code})")
                chunks = response.iter_content(_CHUNK_BYTES)
                total = int(response.headers.get("Content-Length", "0")) // _CHUNK_BYTES
                with atomic_path(path) as temporary, temporary.open("wb") as file:
                    for chunk in progress(chunks, total, f"MB of {path.name}"):
                        file.write(chunk)
                return all(urlsplit(step.url).scheme == "https" for step in (*response.history, response))
        except requests.exceptions.SSLError as error:
            if address == url:
                raise UserError(
                    f"{url}: its certificate cannot be verified ({error}); if a proxy of yours re-encrypts, give its "
                    "certificates by the variable REQUESTS_CA_BUNDLE"
                ) from error
        except requests.exceptions.RequestException:
            if address == url:
                raise
    return False


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


def read_entry(
    mtdata: ModuleType, cache: Path, pins: Mapping[str, str], entry: Any, swapped: bool
) -> Iterator[tuple[str, str]]:
    """Download a data set unless it is in the cache, and yield its pairs, source first.

    Raises:
        UserError: it cannot be downloaded or read.
    """
    mtdata.Cache.download = lambda _, url, path, **__: fetch(url, path, pins)
    try:
        paths = mtdata.Cache(cache.resolve()).get_entry(entry)
        for record in mtdata.Parser(paths, ext=entry.in_ext or None, ent=entry).read_segs(show_pbar=False):
            first, second = record[0] or "", record[1] or ""
            yield (second, first) if swapped else (first, second)
    except requests.exceptions.RequestException as error:
        raise UserError(
            f"{entry.did}: cannot download {entry.url}: no network, or the server is down ({type(error).__name__})"
        ) from error
    except UserError as error:
        raise UserError(f"{entry.did}: {error}") from error
    except OSError:
        raise
    except Exception as error:  # mtdata passes on whatever its many parsers raise, and tarfile for a hostile archive
        problem = f"{type(error).__name__} {error}"[:200]
        raise UserError(f"{entry.did}: mtdata cannot fetch or read {entry.url} ({problem})") from error


def read_parts(
    parts: Mapping[str, list[str]], languages: tuple[str, str], cache: Path, pins: Mapping[str, str]
) -> Iterator[SentencePair]:
    """The pairs of all parts; the pairs of all data sets of a part are numbered consecutively.

    Raises:
        UserError: as :func:`find_entry` and :func:`read_entry`, or a part has no pair.
    """
    mtdata = load_mtdata()
    tags = language_tags(languages)
    entries = {
        part: [find_entry(mtdata, text, tags, f"corpus.mtdata.{part}") for text in ids] for part, ids in parts.items()
    }
    for part, found in entries.items():
        texts = (pair for entry in found for pair in read_entry(mtdata, cache, pins, *entry))
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
    pins = dict(arguments.sha256)
    write_parts(arguments.output, read_parts(given_parts(arguments), tuple(arguments.languages), arguments.cache, pins))


PARSER = script_parser(__doc__)
PARSER.add_argument("--languages", required=True, nargs=2, metavar=("SOURCE", "TARGET"), help="codes such as de")
add_part_options(PARSER, metavar="ID", help="mtdata ids")
add_repeatable(PARSER, "--sha256", ("FILE", "DIGEST"), "pinned digest of a download")
PARSER.add_argument("--cache", required=True, type=Path, help="folder of downloads")
PARSER.add_argument("--output", required=True, type=Path, help="raw.tsv.gz")


if __name__ == "__main__":
    run_script(PARSER, main)
