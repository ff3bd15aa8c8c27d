"""Read parallel text from two line-aligned files or one tab-separated file, plain or packed by gzip, bzip2 or xz.

A line ends at ``\\n`` (or ``\\r\\n``) only: U+2028, U+0085 or a vertical tab inside a sentence does not break the
alignment. Packing is recognised by content. A tab-separated file has two columns, source and target, or a first line
that names its columns, ``source`` and ``target`` among them. What is probably another format, has an unknown header or
looks misaligned is refused, because every line would be taken for a sentence.
"""

import codecs
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from pathlib import Path

from corpus.raw_table import SentencePair, number_pairs
from corpus.recognition import Quoting, refuse_header, refuse_other_format
from workbench.alignment import Doubt, doubt
from workbench.cli import UserError, say
from workbench.files import DAMAGE, open_unpacked

_CHUNK = 10_000  # pairs whose alignment is checked at once


def read_lines(path: Path, max_bytes: int) -> Iterator[str]:
    """The lines of a UTF-8 file, plain or gzip, without line ends and byte order mark.

    Raises:
        UserError: the file is missing, empty or damaged, or a line is not text or longer than ``max_bytes``.
    """
    number = 0
    try:
        refuse_other_format(path)
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
                    raise UserError(
                        f"{path}, line {number}: a NUL byte; is it UTF-16 (convert it with iconv), or not text at all?"
                    )
                yield line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}, line {number}: not UTF-8 (byte 0x{error.object[error.start]:02x} at byte "
            f"{error.start + 1} of the line); convert the file, for instance with iconv"
        ) from error
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        kind = "truncated" if isinstance(error, EOFError) else "damaged"
        raise UserError(f"{path}: {kind} packed file, readable up to line {number:,}") from error
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
        if number == 0:
            refuse_header(f"{source} and {target}", [left, right])
        yield left, right


def column_names(line: str) -> list[str]:
    """The column names in ``line``, the first of a table; an empty list if it is a pair already."""
    names = [field.strip().lower() for field in line.split("\t")]
    return names if {"source", "target"} <= {*names} or {"id", "text"} <= {*names} else []


def read_header(path: Path, max_bytes: int) -> list[str]:
    """The names of a table's columns; empty if the first line does not name them.

    Raises:
        UserError: as :func:`read_lines`.
    """
    return column_names(next(read_lines(path, max_bytes)))


def read_table(
    path: Path, max_bytes: int, columns: tuple[str, str] = ("source", "target")
) -> Iterator[tuple[str, str]]:
    """Two columns of a tab-separated file, the first two if its first line does not name them.

    Raises:
        UserError: as :func:`read_lines`, a line has the wrong number of columns, or the fields are quoted as in CSV.
    """
    places, width = (0, 1), 2
    expected = "source<TAB>target, or a first line that names the columns source and target"
    quoting = Quoting(path)
    for number, line in enumerate(read_lines(path, max_bytes), start=1):
        fields = line.split("\t")
        if number == 1 and (names := column_names(line.replace('"', ""))):
            places, width = (names.index(columns[0]), names.index(columns[1])), len(names)
            expected = f"the {width} columns that the first line names"
            continue
        if len(fields) != width:
            found = "1 column" if len(fields) == 1 else f"{len(fields)} columns"
            raise UserError(f"{path}, line {number}: {found}; expected {expected}")
        if number == 1:
            refuse_header(str(path), fields)
        quoting.see(number, fields)
        yield fields[places[0]], fields[places[1]]
    quoting.refuse()


def read_parts(parts: Mapping[str, Sequence[Path]], max_bytes: int, alignment: str) -> Iterator[SentencePair]:
    """The pairs of all parts, each in the order of its files: source and target, or one table of both.

    Raises:
        UserError: as :func:`read_aligned` and :func:`read_table`, a part has no pair, or it looks misaligned.
    """
    for name, files in parts.items():
        texts = read_table(files[0], max_bytes) if len(files) == 1 else read_aligned(files[0], files[1], max_bytes)
        where = " and ".join(map(str, files))
        checked = without_doubt(texts, where, alignment)
        yield from number_pairs(name, checked, if_none=f"{files[0]}: no line after the one that names the columns")
        print(f"{name}: read from {where}")


def without_doubt(pairs: Iterable[tuple[str, str]], where: str, alignment: str) -> Iterator[tuple[str, str]]:
    """Yield ``pairs`` unless they look misaligned (:func:`tell_doubt`)."""
    pairs, done = iter(pairs), 0
    while chunk := list(islice(pairs, _CHUNK)):
        found = doubt(*zip(*chunk, strict=True))
        if found:
            tell_doubt(found._replace(place=found.place + done), where, alignment)
            alignment = "ignore"  # it was said
        done += len(chunk)
        yield from chunk


def tell_doubt(found: Doubt | None, where: str, alignment: str) -> None:
    """Refuse what looks misaligned, or only say so if ``alignment`` is ``warn``.

    Raises:
        UserError: there is a doubt.
    """
    if found is None or alignment == "ignore":
        return
    message = f"{where}: pair {found.place + 1:,} looks misaligned: {found.reason}"
    if alignment == "warn":
        say(f"WARNING: {message}")
        return
    raise UserError(f"{message}; mend the files or, if they are right, set corpus.alignment to warn")
