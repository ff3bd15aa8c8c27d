"""Read parallel text from two line-aligned files or one tab-separated file, plain or gzip.

A line ends at ``\\n`` (or ``\\r\\n``) only: U+2028, U+0085 or a vertical tab inside a sentence does not break the
alignment. gzip is recognised by content. A tab-separated file has two columns, source and target, or a first line that
names its columns, ``source`` and ``target`` among them.
"""

import codecs
import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from corpus.raw_table import SentencePair, number_pairs
from workbench.cli import UserError
from workbench.files import open_unpacked


def read_lines(path: Path, max_bytes: int) -> Iterator[str]:
    """The lines of a UTF-8 file, plain or gzip, without line ends and byte order mark.

    Raises:
        UserError: the file is missing, empty or damaged, or a line is not text or longer than ``max_bytes``.
    """
    number = 0
    try:
        with open_unpacked(path) as file:
            while line := file.readline(max_bytes + 2):
                number += 1
                line = line.removesuffix(b"\n").removesuffix(b"\r")
                if number == 1:
                    line = line.removeprefix(codecs.BOM_UTF8)
                if len(line) > max_bytes:
                    raise UserError(
                        f"{path}, line {number}: longer than {max_bytes:,} bytes; is it one sentence a line?"
                    )
                if b"\0" in line:
                    raise UserError(f"{path}, line {number}: a NUL byte; is it UTF-16, or not text at all?")
                yield line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}, line {number}: not UTF-8 (byte 0x{error.object[error.start]:02x} at byte "
            f"{error.start + 1} of the line); convert the file, for instance with iconv"
        ) from error
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        kind = "truncated" if isinstance(error, EOFError) else "damaged"
        raise UserError(f"{path}: {kind} gzip file, readable up to line {number:,}") from error
    if number == 0:
        raise UserError(f"{path}: the file is empty")


def read_aligned(source: Path, target: Path, max_bytes: int) -> Iterator[tuple[str, str]]:
    """The pairs of two files aligned by line.

    Raises:
        UserError: as :func:`read_lines`, or the files have different numbers of lines.
    """
    sources, targets = read_lines(source, max_bytes), read_lines(target, max_bytes)
    for number, (left, right) in enumerate(zip_longest(sources, targets)):
        if left is None or right is None:
            more = 1 + sum(1 for _ in (targets if left is None else sources))
            counts = (number, number + more) if left is None else (number + more, number)
            raise UserError(
                f"{source} has {counts[0]:,} lines and {target} has {counts[1]:,}; line-aligned files have as many"
            )
        yield left, right


def column_names(line: str) -> list[str]:
    """The column names in ``line``, the first of a table; an empty list if it is a pair already."""
    names = [field.strip().lower() for field in line.split("\t")]
    return names if "source" in names and "target" in names else []


def read_table(path: Path, max_bytes: int) -> Iterator[tuple[str, str]]:
    """The pairs of a tab-separated file.

    Raises:
        UserError: as :func:`read_lines`, or a line has the wrong number of columns.
    """
    places, width = (0, 1), 2
    expected = "source<TAB>target, or a first line that names the columns source and target"
    for number, line in enumerate(read_lines(path, max_bytes), start=1):
        fields = line.split("\t")
        if number == 1 and (names := column_names(line)):
            places, width = (names.index("source"), names.index("target")), len(names)
            expected = f"the {width} columns that the first line names"
            continue
        if len(fields) != width:
            columns = "1 column" if len(fields) == 1 else f"{len(fields)} columns"
            raise UserError(f"{path}, line {number}: {columns}; expected {expected}")
        yield fields[places[0]], fields[places[1]]


def read_parts(parts: Mapping[str, Sequence[Path]], max_bytes: int) -> Iterator[SentencePair]:
    """The pairs of all parts, each in the order of its files: source and target, or one table of both.

    Raises:
        UserError: as :func:`read_aligned` and :func:`read_table`, or a part has no pair.
    """
    for name, files in parts.items():
        texts = read_table(files[0], max_bytes) if len(files) == 1 else read_aligned(files[0], files[1], max_bytes)
        yield from number_pairs(name, texts, if_none=f"{files[0]}: no line after the one that names the columns")
        print(f"{name}: read from {' and '.join(map(str, files))}")
