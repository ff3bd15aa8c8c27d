"""The files provider finds each source's target, or says why it cannot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from generate import generate_targets
from generate.providers.files import generate
from workbench.cli import UserError
from workbench.pairs import Source

SOURCES = [Source("train:3", "drei Worte hier"), Source("train:1", "ein Wort mehr")]


def lines(path: Path, *texts: str) -> Path:
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


POOL = hashlib.sha256(b"drei Worte hier\nein Wort mehr\n").hexdigest()


def targets(
    aligned_with: str, markup: str = "strip", more: Mapping[str, str] | None = None, **inputs: Path
) -> list[str]:
    settings = {"aligned_with": aligned_with, "max_line_bytes": 1000, "markup": markup, "pool_sha256": POOL}
    settings |= {"alignment": "refuse", "empty": "refuse"} | dict(more or {})
    files = {"split": Path("results/corpus/pool.tsv"), **inputs}
    return [generated.text for generated in generate(SOURCES, settings, files, 1)]


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


def test_a_table_says_what_it_translates(tmp_path: Path) -> None:
    rows = ["text\tid", "one\ttrain:1", "three\ttrain:3"]
    assert targets("pool", targets=lines(tmp_path / "t", *rows), more={"pool_sha256": ""}) == ["three", "one"]
    rows = ["source\ttarget", "ein Wort mehr\tone", "drei <b>Worte</b> hier\tthree"]
    assert targets("train", targets=lines(tmp_path / "t", *rows)) == ["three", "one"]
    with pytest.raises(UserError, match="lacks 1 of the pool's 2 sources, the first is train:3"):
        targets("pool", targets=lines(tmp_path / "t", *rows[:2]))


def test_lines_for_another_pool_are_refused_with_the_commands(tmp_path: Path) -> None:
    path = lines(tmp_path / "t", "three", "one")
    command = r"tail -n \+2 results/corpus/pool.tsv \| cut -f2 > pool.txt"
    with pytest.raises(UserError, match=f"nothing proves that its lines were written for the present pool.*{command}"):
        targets("pool", targets=path, more={"pool_sha256": None})
    with pytest.raises(UserError, match=f"written for another pool: .* its pool_sha256 is {POOL} now.*{command}"):
        targets("pool", targets=path, more={"pool_sha256": "0" * 64})


def test_empty_targets_are_refused_or_kept(tmp_path: Path) -> None:
    path = lines(tmp_path / "t", "three", "<br/>")
    with pytest.raises(UserError, match="1 of 2 targets are empty, the first is number 2; fill them, or"):
        targets("pool", targets=path)
    assert targets("pool", targets=path, more={"empty": "keep"}) == ["three", ""]


def test_a_wrong_number_of_lines_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="2 lines, but the corpus' training text has at least 3"):
        targets("train", targets=lines(tmp_path / "t", "one", "two"))
    with pytest.raises(UserError, match="1 lines, but the pool has 2 rows"):
        targets("pool", targets=lines(tmp_path / "t", "one"))


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    own = lines(tmp_path / "s", "ein Wort mehr")
    with pytest.raises(UserError, match=r"lacks 1 of the pool's 2 sources, the first is train:3: 'drei Worte hier'"):
        targets("sources", targets=lines(tmp_path / "t", "one"), sources=own)


def test_empty_targets_are_counted_and_those_of_a_generator_are_not_all_empty(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A model may write nothing for a source; a generator that writes nothing at all is refused, a learner is not."""
    caplog.set_level("INFO")
    split = lines(tmp_path / "split", "id\tsource", *(f"{source.id}\t{source.text}" for source in SOURCES))

    def write(empty: str, *texts: str) -> list[str]:
        settings = {"aligned_with": "pool", "max_line_bytes": 1000, "markup": "keep", "pool_sha256": POOL}
        shaping = json.dumps(settings | {"alignment": "warn", "empty": "keep"})
        arguments = ["--provider", "files", "--settings", shaping, "--split", str(split), "--empty", empty]
        arguments += ["--input", "targets", str(lines(tmp_path / "t", *texts)), "--output", str(tmp_path / "out.tsv")]
        generate_targets.main(generate_targets.PARSER.parse_args([*arguments, "--threads", "1"]))
        return [row.split("\t")[1] for row in (tmp_path / "out.tsv").read_text(encoding="utf-8").splitlines()[1:]]

    assert write("refuse", "three", "") == ["three", ""]
    assert "2 targets by files, 1 of them EMPTY" in caplog.text
    with pytest.raises(UserError, match="every one of its 2 targets is empty"):
        write("refuse", "", "")
    assert write("keep", "", "") == ["", ""]
