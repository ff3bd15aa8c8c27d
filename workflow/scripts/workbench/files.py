"""Write files and folders atomically, each with its checksum, and check them when they are read.

A rule's job writes ``.NAME.sha256`` next to each file or folder NAME, in the format of ``sha256sum``. A job that reads
NAME calls :func:`checked` first: what a power cut, a full disk or an editor did to it is then noticed.
"""

import bz2
import errno
import gzip
import hashlib
import json
import lzma
import os
import re
import shlex
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

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
_CHECKSUMS = "WORKFLOW_CHECKSUMS"  # environment variable: set in a job whose files have checksums
_intact: set[tuple[Path, int, int]] = set()  # what this process has checked: path, time and size


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
        _replace(path, temporary)
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
        _replace(path, temporary)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace(path: Path, temporary: Path) -> None:
    """Rename ``temporary`` to ``path`` and write its checksum; a process killed in between leaves none."""
    digest = content_digest(temporary) if _CHECKSUMS in os.environ else None
    checksum = checksum_file(path)
    checksum.unlink(missing_ok=True)
    temporary.replace(path)
    if digest:
        unfinished = checksum.with_name(f"{checksum.name}{_TEMPORARY}")
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(f"{digest}  {path.name}\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(checksum)


def checksum_file(path: Path) -> Path:
    """Where the checksum of a file or folder is."""
    return path.with_name(f".{path.name}.sha256")


def is_intact(path: Path) -> bool:
    """Whether a file or folder has the content that its checksum names; what has no checksum has no other content."""
    try:
        recorded = checksum_file(path).read_bytes()
    except FileNotFoundError:
        return True
    return path.exists() and recorded.split(b" ")[0] == content_digest(path).encode()


def checked(path: Path) -> Path:
    """``path``, which is a file or folder that the workflow wrote, after a comparison with its checksum if it has one.

    Raises:
        UserError: its content has changed.
    """
    found = path.stat()
    version = path, found.st_mtime_ns, found.st_size
    if path.is_dir() or version not in _intact:
        if not is_intact(path):
            raise damaged(path, "its content is not what the workflow wrote")
        _intact.add(version)
    return path


def damaged(path: Path, why: str) -> UserError:
    """The error for a file or folder of the workflow that cannot be used: how to get a whole one."""
    delete = f"rm {'-r ' if path.is_dir() else ''}{shlex.quote(str(path))}"
    return UserError(f"{path} is damaged: {why}; delete it and run the workflow again, which makes it again: {delete}")


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


def read_json(path: Path, *keys: str) -> dict[str, Any]:
    """Read a JSON object that the workflow wrote, with at least these ``keys``.

    Raises:
        UserError: the file is damaged.
    """
    try:
        value = json.loads(checked(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise damaged(path, f"it is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise damaged(path, "it is not a JSON object")
    if missing := [key for key in keys if key not in value]:
        raise damaged(path, f"it has no {missing[0]!r}")
    return value


def content_digest(path: Path) -> str:
    """SHA-256 of a file, or of the names and digests of a folder's files except hidden ones, in hexadecimal."""
    if not path.is_dir():
        return file_digest(path)
    files = sorted(file for file in path.rglob("[!.]*") if file.is_file())
    lines = (f"{file.relative_to(path)}\0{file_digest(file)}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
