"""Read the list of releases: a pip requirements file in which every line pins a version and the hashes of its files."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from workbench.cli import UserError

_HASH = re.compile(r"--hash[= ]sha256:(\S+)")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Release(NamedTuple):
    """One published version of a package and the SHA-256 of each file that is accepted for it."""

    name: str
    version: str
    sha256: tuple[str, ...]


def read_releases(path: Path) -> list[Release]:
    """The releases in ``path``, in the file's order.

    Raises:
        UserError: the file is missing or empty, or a line is not ``name==version --hash=sha256:...``.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such list of releases (corpus.catalogues.releases)") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 ({error.reason} at byte {error.start})") from error
    releases: list[Release] = []
    for number, line in _logical_lines(text):
        releases.append(_parse_line(line, f"{path}, line {number}"))
        if [r.name.lower() for r in releases].count(releases[-1].name.lower()) > 1:
            raise UserError(f"{path}, line {number}: {releases[-1].name} is listed twice")
    if not releases:
        raise UserError(f"{path}: no release in it; expected lines 'name==version --hash=sha256:...'")
    return releases


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; continuation lines are joined, comments and blank lines left out."""
    text = re.sub(r"(?:^|[^\S\n])#.*", "", text, flags=re.MULTILINE)
    for match in re.finditer(r"(?:.*\\[^\S\n]*\n)*.*", text):
        if line := re.sub(r"\\\s*(?:\n|$)", " ", match[0]).strip():
            yield text.count("\n", 0, match.start()) + 1, line


def _parse_line(line: str, where: str) -> Release:
    requirement, *options = line.split()
    name, _, version = requirement.partition("==")
    if not (_NAME.fullmatch(name) and _VERSION.fullmatch(version)):
        raise UserError(f"{where}: {requirement!r} is not pinned; expected 'name==version --hash=sha256:...'")
    hashes = _HASH.findall(" ".join(options))
    if not hashes or re.sub(_HASH, "", " ".join(options)).strip():
        raise UserError(f"{where}: {name} needs --hash=sha256:... and nothing else after its version")
    bad = [digest for digest in hashes if not _DIGEST.fullmatch(digest)]
    if bad:
        raise UserError(f"{where}: {bad[0]!r} is not a SHA-256 (64 hexadecimal digits)")
    return Release(name, version, tuple(hashes))
