"""The user's own files count by their content: neither their dates nor a cached digest hide another content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from planning import user_files
from planning.user_files import UserFiles


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / ".snakemake" / "user_files.json"


def write(path: Path, text: str, date: int) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (date, date))


def test_other_content_of_an_older_date_and_the_same_size_is_another_file(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "train.de"
    write(path, "neu\n", 2_000_000_000)
    before = UserFiles(cache).digest(str(path))
    write(path, "alt\n", 1_000_000_000)
    assert UserFiles(cache).digest(str(path)) != before


def test_a_touched_file_is_the_same(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "train.de"
    write(path, "neu\n", 1_000_000_000)
    before = UserFiles(cache).digest(str(path))
    os.utime(path)
    assert UserFiles(cache).digest(str(path)) == before


def test_a_file_that_has_not_changed_is_read_once(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    digest_of = user_files.file_digest
    monkeypatch.setattr(user_files, "file_digest", lambda path: read.append(path) or digest_of(path))
    for name in ("a", "b"):
        write(tmp_path / "model" / name, name, 1_000_000_000)
    digests = {UserFiles(cache).digest(str(tmp_path / "model")) for _ in range(3)}
    assert len(digests) == 1 and len(read) == 2


def test_a_folder_counts_by_the_names_and_the_content_of_its_files(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "model"
    found = set()
    for name, text in (("a", "1"), ("a", "2"), ("b", "2"), ("c", "2")):
        write(folder / name, text, 1_000_000_000)
        found.add(UserFiles(cache).digest(str(folder)))
    assert len(found) == 4


@pytest.mark.parametrize("content", ["", "[1]", '{"x": 1}', "{"])
def test_a_damaged_cache_is_made_again(tmp_path: Path, cache: Path, content: str) -> None:
    path = tmp_path / "train.de"
    write(path, "neu\n", 1_000_000_000)
    before = UserFiles(tmp_path / "other.json").digest(str(path))
    write(cache, content.replace("x", str(path)), 1_000_000_000)
    assert UserFiles(cache).digest(str(path)) == before


def test_a_missing_file_has_no_digest(tmp_path: Path, cache: Path) -> None:
    assert UserFiles(cache).digest(str(tmp_path / "none")) is None
