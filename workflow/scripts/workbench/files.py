"""Files that appear whole or not at all, and digests of their content."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from workbench.locks import try_lock

_GZIP_MAGIC = b"\x1f\x8b"
_TEMPORARY = ".tmp"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its name when the block ends well and vanishes when it does not.

    The content is on the disk before the name changes, so that a power cut leaves the old file or the new one. What a
    killed process left of the same file goes first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_left_behind(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_TEMPORARY)
    temporary = Path(name)
    try:
        _lock(handle)
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(handle)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """An empty folder beside ``path`` that takes its name when the block ends well and vanishes when it does not.

    A folder that is there already gives way to it. For folders that one process writes at a time: what a killed one
    left goes first.
    """
    temporary = path.parent / f".{path.name}{_TEMPORARY}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                file.chmod(0o666 & ~_umask())  # some libraries write for the owner alone
        sync_folder(temporary)
        if path.exists():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Have the files of a folder on the disk before anything relies on them."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def is_disk_full(error: BaseException) -> bool:
    """Whether writing ended because there was no space left; safetensors and torch have errors of their own for it."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    text = str(error).lower()
    # torch tells of what it could not write by the place in the archive where it then is.
    said = ("no space left on device", "quota exceeded", "pytorchstreamwriter failed", "unexpected pos")
    return any(words in text for words in said)


def _remove_left_behind(path: Path) -> None:
    """Remove the temporary files of ``path`` whose process is gone: the system drops a dead process' lock."""
    name = re.compile(re.escape(f".{path.name}.") + "[a-z0-9_]{8}" + re.escape(_TEMPORARY))
    for temporary in [file for file in path.parent.iterdir() if name.fullmatch(file.name)]:
        with suppress(OSError):  # gone meanwhile, or somebody else's
            handle = os.open(temporary, os.O_RDWR)
            try:
                if _lock(handle):
                    temporary.unlink()
            finally:
                os.close(handle)


def _lock(handle: int) -> bool:
    """Lock an open file; false if another owner has it, or if the file system knows no locks."""
    try:
        return try_lock(handle)
    except OSError:
        return False


def open_unpacked(path: Path) -> BinaryIO:
    """Open a plain or gzip file, told apart by content, for reading its bytes unpacked."""
    with path.open("rb") as probe:
        packed = probe.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    return cast(BinaryIO, gzip.open(path, "rb")) if packed else path.open("rb")


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON with sorted keys, atomically."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
