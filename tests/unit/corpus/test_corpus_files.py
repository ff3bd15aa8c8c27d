"""The user's own files: every way in which they can be wrong, and what is allowed."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.clean_corpus import CleaningRules
from corpus.raw_table import read_raw

SCRIPT = "corpus/read_files.py"
LIMIT = ("--max-line-bytes", 1000, "--alignment", "refuse", "--output", "raw.tsv.gz")


def write(folder: Path, **contents: bytes) -> None:
    for name, content in contents.items():
        (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("source", "target", "says"),
    [
        (b"eins\nzwei\ndrei\n", b"one\ntwo\n", "source has 3 lines and target has 2"),
        (b"eins\n", b"one\ntwo\nthree", "source has 1 lines and target has 3"),
        (b"eins\nzwei\n", b"one\nt\xe9o\n", "target, line 2: not UTF-8 (byte 0xe9 at byte 2 "),
        (b"eins\nzw\0ei\n", b"one\ntwo\n", "source, line 2: a NUL byte"),
        ("eins\n".encode("utf-16-le"), b"one\n", "source, line 1: a NUL byte"),
        (
            "eins\n".encode("utf-16"),
            b"one\n",
            "source: UTF-16, not text in UTF-8; convert it: iconv -f UTF-16 -t UTF-8",
        ),
        (b"PK\x03\x04...", b"one\n", "source: a zip archive, or a document in one, not text in UTF-8; unpack it"),
        (b"\x28\xb5\x2f\xfd...", b"one\n", "source: zstd, not text in UTF-8; unpack it: zstd -d "),
        (
            b'<srcset id="a">\n<doc id="b">\n<seg id="1">eins</seg>\n',
            b"one\n",
            "source: looks like SGML or XML, not one ",
        ),
        (b'{"de": "eins"}\n{"de": "zwei"}\n', b"one\n", "source: looks like JSON, not one sentence a line"),
        (b"Deutsch\neins\n", b"English\none\n", "line 1 looks like a header ('Deutsch' and 'English'); delete it"),
        (b"", b"one\n", "source: the file is empty"),
        (b"eins\n", gzip.compress(b"", mtime=0), "target: the file is empty"),
        (b"eins\n", b"one\n" + b"x" * 1001, "target, line 2: longer than 1,000 bytes"),
        (b"eins\n", gzip.compress(b"one\n" * 999, mtime=0)[:-9], "target: truncated packed file"),
        (b"eins\n", lzma.compress(b"one\n" * 999)[:-9], "target: truncated packed file"),
        (b"eins\n", gzip.compress(b"one\n", mtime=0)[:-8] + b"8 bytes.", "target: damaged packed file"),
    ],
)
def test_wrong_aligned_files(
    tmp_path: Path, refusal: Callable[..., str], source: bytes, target: bytes, says: str
) -> None:
    write(tmp_path, source=source, target=target)
    assert says in refusal(SCRIPT, "--train", "source", "target", *LIMIT)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (b"eins\tone\nzwei\n", "table, line 2: 1 column; expected source<TAB>target"),
        (b"eins\tone\tun\n", "table, line 1: 3 columns; expected source<TAB>target"),
        (b"id\tsource\ttarget\n1\teins\n", "table, line 2: 2 columns; expected the 3 columns"),
        (
            b"src\ttrg\neins\tone\n",
            "table: line 1 looks like a header ('src' and 'trg'); delete it, or name the columns ",
        ),
        (b"deu\tEnglish\neins\tone\n", "table: line 1 looks like a header"),
        (b"de_DE\ten-GB\neins\tone\n", "table: line 1 looks like a header"),
        (b'source\ttarget\n"""a"" b"\t"""c"" d"\nzwei\ttwo\n', "table: 2 of 4 fields are quoted as in CSV (line 2: "),
        (b"source\ttarget\n", "table: no line after the one that names the columns"),
    ],
)
def test_wrong_table(tmp_path: Path, refusal: Callable[..., str], table: bytes, says: str) -> None:
    write(tmp_path, table=table)
    assert says in refusal(SCRIPT, "--train", "table", *LIMIT)


def test_a_missing_file(tmp_path: Path, refusal: Callable[..., str]) -> None:
    write(tmp_path, target=b"one\n")
    assert refusal(SCRIPT, "--train", "nowhere", "target", *LIMIT) == "nowhere: no such file"


def test_a_refused_file_leaves_the_old_output(tmp_path: Path, refusal: Callable[..., str]) -> None:
    write(tmp_path, source=b"eins\n" * 9, target=b"one\n" * 8, **{"raw.tsv.gz": b"old"})
    refusal(SCRIPT, "--train", "source", "target", *LIMIT)
    assert (tmp_path / "raw.tsv.gz").read_bytes() == b"old"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_files_are_read_by_their_content(
    tmp_path: Path, run_script: Callable, pack: Callable[[bytes], bytes]
) -> None:
    write(tmp_path, source=pack(b"eins\nzwei\n"), target=b'"one" or "two"\n"" and <file>\n')
    assert run_script(SCRIPT, "--train", "source", "target", *LIMIT).returncode == 0
    assert [pair.source for pair in read_raw(tmp_path / "raw.tsv.gz")] == ["eins", "zwei"]


def test_displaced_lines_are_refused_or_told(tmp_path: Path, run_script: Callable, refusal: Callable[..., str]) -> None:
    numbers = [f"{n * n} {'Wort ' * (n % 7)}" for n in range(1, 101)]
    texts = [numbers, [*numbers[:30], *numbers[31:], "1"]]
    write(tmp_path, **{name: "\n".join(side).encode() for name, side in zip(("source", "target"), texts, strict=True)})
    said = refusal(SCRIPT, "--train", "source", "target", *LIMIT)
    assert re.match(r"source and target: pair 3\d looks misaligned: from there on texts fit the source \+1 lines", said)
    assert said.endswith("mend the files or, if they are right, set corpus.alignment to warn")
    done = run_script(SCRIPT, "--train", "source", "target", *LIMIT, "--alignment", "warn")
    assert done.returncode == 0
    assert "WARNING: source and target: pair 3" in done.stderr


def test_only_a_line_feed_ends_a_line(tmp_path: Path, run_script: Callable) -> None:
    """Byte order mark, CRLF, U+2028, U+0085, vertical tab, a lone CR and a missing last line
    end.
    """
    odd = "\ufeffeins\r\nz\u2028w\x85e\x0bi\r\nd\rrei\r\n\r\nfünf"
    write(tmp_path, source=odd.encode(), target=gzip.compress(b"one\ntwo\nthree\nfour\nfive\n"))
    done = run_script(SCRIPT, "--train", "source", "target", *LIMIT)
    assert done.returncode == 0, done.stderr
    pairs = list(read_raw(tmp_path / "raw.tsv.gz"))
    assert [pair.source for pair in pairs] == ["eins", "z w e i", "d rei", "", "fünf"]
    assert [pair.id for pair in pairs] == [f"train:{n}" for n in range(1, 6)]
    assert pairs[3].target == "four"


def test_tables_with_and_without_names_and_several_parts(tmp_path: Path, run_script: Callable) -> None:
    write(tmp_path, a=b"eins\tone\n", b=gzip.compress(b"Target\tid\tSource\ntwo\t7\tzwei\r\n"))
    parts = ("--test", "b", "--train", "a")
    assert run_script(SCRIPT, *parts, *LIMIT).returncode == 0
    assert list(read_raw(tmp_path / "raw.tsv.gz")) == [
        ("train:1", "eins", "one"),
        ("test:1", "zwei", "two"),
    ]
    first = (tmp_path / "raw.tsv.gz").read_bytes()
    assert run_script(SCRIPT, *parts, *LIMIT).returncode == 0
    assert (tmp_path / "raw.tsv.gz").read_bytes() == first


def test_a_damaged_raw_table_is_named(tmp_path: Path, refusal: Callable[..., str]) -> None:
    write(tmp_path, **{"raw.tsv.gz": gzip.compress(b"id\tsource\ttarget\ntrain:1\ta\tb\n")[:-9]})
    rules = CleaningRules(0, 1, 9, 99, 9, "keep", "keep", "keep")
    arguments = "--languages de en --raw raw.tsv.gz --output clean.tsv --table cleaning.tsv --rules"
    said = refusal("corpus/clean_corpus.py", *arguments.split(), json.dumps(rules._asdict()))
    assert "raw.tsv.gz: damaged" in said
