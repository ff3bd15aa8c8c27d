"""Files that a script is given under names: ``NAME=FILE`` arguments."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from workbench.cli import UserError


def named_files(option: str, pairs: Iterable[str]) -> dict[str, Path]:
    """The ``NAME=FILE`` arguments of ``option`` as files by name, in their order; a file's path may hold ``=``.

    Raises:
        UserError: an argument lacks the name, the ``=`` or the file, or a name is given twice.
    """
    files: dict[str, Path] = {}
    for pair in pairs:
        name, _, path = pair.partition("=")
        if not (name and path) or name in files:
            raise UserError(f"{option} {pair}: must be NAME=FILE, each name once")
        files[name] = Path(path)
    return files
