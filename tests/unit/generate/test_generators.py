"""The files provider finds each source's target, or says why it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from generate.providers.files import generate
from workbench.cli import UserError
from workbench.pairs import Source

SOURCES = [Source("train:3", "drei Worte hier"), Source("train:1", "ein Wort mehr")]


def lines(path: Path, *texts: str) -> Path:
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


def targets(aligned_with: str, markup: str = "strip", **inputs: Path) -> list[str]:
    settings = {"aligned_with": aligned_with, "max_line_bytes": 1000, "markup": markup}
    return [generated.text for generated in generate(SOURCES, settings, inputs, 1)]


def test_lines_aligned_with_the_corpus(tmp_path: Path) -> None:
    assert targets("train", targets=lines(tmp_path / "t", "one", "two", "three")) == ["three", "one"]


def test_lines_aligned_with_the_pool(tmp_path: Path) -> None:
    assert targets("pool", targets=lines(tmp_path / "t", "three", "one")) == ["three", "one"]


def test_lines_aligned_with_separate_sources(tmp_path: Path) -> None:
    own = lines(tmp_path / "s", "ein  Wort\u00a0mehr", "ganz anders", "drei Worte hier")
    assert targets("sources", targets=lines(tmp_path / "t", "one", "other", "three"), sources=own) == ["three", "one"]


def test_markup_is_treated_as_in_the_corpus(tmp_path: Path) -> None:
    own = lines(tmp_path / "s", "ein <b>Wort</b> mehr", "drei&nbsp;Worte<br>hier")
    translated = lines(tmp_path / "t", "one &amp; <i>only</i>", "three")
    assert targets("sources", targets=translated, sources=own) == ["three", "one & only"]
    for kept in ("keep", "drop"):
        assert targets("pool", kept, targets=translated) == ["one &amp; <i>only</i>", "three"]
        with pytest.raises(UserError, match="lacks 2 of the pool's 2 sources"):
            targets("sources", kept, targets=translated, sources=own)


def test_a_wrong_number_of_lines_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="2 lines, but the corpus' training text has at least 3"):
        targets("train", targets=lines(tmp_path / "t", "one", "two"))
    with pytest.raises(UserError, match="1 lines, but the pool has 2 rows"):
        targets("pool", targets=lines(tmp_path / "t", "one"))


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    own = lines(tmp_path / "s", "ein Wort mehr")
    with pytest.raises(UserError, match=r"lacks 1 of the pool's 2 sources, the first is train:3: 'drei Worte hier'"):
        targets("sources", targets=lines(tmp_path / "t", "one"), sources=own)
