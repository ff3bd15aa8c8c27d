"""Digests of the files that a user gives, so that a file with other content is noticed whatever its date.

Snakemake compares dates first: a corpus that ``cp -p``, ``unzip`` or ``rsync -t`` put in place of a newer one would
leave all results as they were. A digest is computed again only if size, times or inode of the file have changed.
"""

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from workbench.files import file_digest, write_text


class UserFiles:
    """Digests of files and folders, kept in the file ``cache``; without it all are computed again."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._known: dict[str, list[object]] = {}
        with suppress(OSError, ValueError, TypeError):  # there is none, or it is damaged
            self._known.update(json.loads(cache.read_text(encoding="utf-8")))

    def digest(self, path: str) -> str | None:
        """SHA-256 of a file, or of the names and digests of the files in a folder; None if it cannot be read."""
        try:
            if not Path(path).is_dir():
                return self._of_file(Path(path))
            files = sorted(file for file in Path(path).rglob("*") if file.is_file())
            return _combined([str(file.relative_to(path)), self._of_file(file)] for file in files)
        except OSError:
            return None

    def _of_file(self, path: Path) -> str:
        place, state = str(path.absolute()), path.stat()
        stamp: list[object] = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
        known = self._known.get(place)
        if not isinstance(known, list) or known[:-1] != stamp:
            known = self._known[place] = [*stamp, file_digest(path)]
            with suppress(OSError):  # the next plan computes it again
                write_text(self._cache, json.dumps(self._known))
        return str(known[-1])


def _combined(entries: Iterable[object]) -> str:
    return hashlib.sha256(json.dumps(list(entries)).encode()).hexdigest()
