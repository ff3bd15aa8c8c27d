"""Write files and folders atomically, open packed files, and compute digests."""

import bz2
import errno
import gzip
import hashlib
import json
import lzma
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from workbench.cli import UserError
from workbench.locks import try_lock

_PACKERS: dict[bytes, Callable[..., object]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
_UNPACK = "unpack it, and give the text that is in it"
_CONVERT = "convert it: iconv -f {} -t UTF-8 {{0}} > NEW"
_NOT_TEXT = {
    b"\x28\xb5\x2f\xfd": ("zstd", "unpack it: zstd -d {0}"),
    b"\x04\x22\x4d\x18": ("lz4", "unpack it: lz4 -d {0}"),
    b"\x1f\x9d": ("compress", "unpack it: uncompress {0}"),
    b"PK\3\4": ("a zip archive, or a document in one", _UNPACK),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", _UNPACK),
    b"Rar!\x1a\7": ("a rar archive", _UNPACK),
    b"ustar": ("a tar archive", _UNPACK),
    b"%PDF-": ("a PDF document", "extract its text, one sentence a line"),
    b"{\\rtf": ("an RTF document", "save it as plain text, one sentence a line"),
    b"PAR1": ("a Parquet table", "export it as text, one sentence a line"),
    b"SQLite format 3": ("a database", "export it as text, one sentence a line"),
    b"\xff\xfe\0\0": ("UTF-32", _CONVERT.format("UTF-32")),
    b"\0\0\xfe\xff": ("UTF-32", _CONVERT.format("UTF-32")),
    b"\xff\xfe": ("UTF-16", _CONVERT.format("UTF-16")),
    b"\xfe\xff": ("UTF-16", _CONVERT.format("UTF-16")),
}
DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError)  # raised by reading a damaged packed file
_TEMPORARY = ".tmp"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path next to ``path``: renamed to ``path`` if the block succeeds, removed if it fails.

    The content is on the disk before the rename, which means that a power cut leaves the old file or the new one.
    Temporary files that killed processes left of the same file are removed first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_left_behind(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_TEMPORARY)
    temporary = Path(name)
    try:
        with suppress(OSError):  # a file system without locks
            try_lock(handle)
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
    """An empty folder next to ``path``: renamed to ``path`` if the block succeeds, removed if it fails.

    An existing folder is replaced. Only one process may write a folder at a time; what a killed process left of it is
    removed first.
    """
    temporary = path.parent / f".{path.name}{_TEMPORARY}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                file.chmod(0o666 & ~_umask())  # some libraries write files that only their owner can read
        sync_folder(temporary)
        if path.exists():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Flush the files of a folder to the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def is_disk_full(error: BaseException) -> bool:
    """Whether writing failed because no space was left; safetensors and torch have their own errors for it."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    text = str(error).lower()
    # torch reports a failed write as an unexpected position in its archive.
    messages = ("no space left on device", "quota exceeded", "pytorchstreamwriter failed", "unexpected pos")
    return any(message in text for message in messages)


def _remove_left_behind(path: Path) -> None:
    """Remove temporary files of ``path`` whose process has ended: the system then releases its lock."""
    name = re.compile(re.escape(f".{path.name}.") + "[a-z0-9_]{8}" + re.escape(_TEMPORARY))
    for temporary in [file for file in path.parent.iterdir() if name.fullmatch(file.name)]:
        with suppress(OSError):  # removed in the meantime, owned by another user, or on a file system without locks
            handle = os.open(temporary, os.O_RDWR)
            try:
                if try_lock(handle):
                    temporary.unlink()
            finally:
                os.close(handle)


def open_unpacked(path: Path) -> BinaryIO:
    """Open a plain, gzip, bzip2 or xz file, recognised by content, to read its unpacked bytes.

    Raises:
        UserError: the content is that of an archive, another packer or a document rather than text in UTF-8.
    """
    with path.open("rb") as probe:
        head = probe.read(300)
    opener = next((_PACKERS[magic] for magic in _PACKERS if head.startswith(magic)), None)
    file = cast(BinaryIO, opener(path, "rb")) if opener else path.open("rb")
    if opener:
        with suppress(*DAMAGE):  # reported by who reads on
            head = file.read(300)
        file.seek(0)
    for magic, (kind, remedy) in _NOT_TEXT.items():
        if head.startswith(magic) or (magic == b"ustar" and head[257:262] == magic):
            file.close()
            raise UserError(f"{path}: {kind}, not text in UTF-8; {remedy.format(path)}")
    return file


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: object) -> None:
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
