"""The table of detectors, and the warning of human targets that look post-edited."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from analyse.detectors.collect_detectors import PARSER, main
from report.rows import PairRow
from report.why.detector import detector_findings
from workbench.cli import UserError
from workbench.generated import Generated, write_generated
from workbench.records import read_records
from workbench.tables import read_rows, write_rows

WORDS = ["the", "a", "new", "file", "folder", "user", "name", "was", "is", "not", "found", "please", "save", "in", "of"]
SENTENCES = 100


def report(folder: Path, first: str, second: str, auc: float) -> str:
    """A detector's report, as an argument's ``FIRST--SECOND=FILE``."""
    path = folder / f"{first}--{second}.json"
    figures = {"targets": 1234, "auc": auc, "auc_low": auc - 0.01, "auc_high": auc + 0.01, "brier": 0.2}
    path.write_text(json.dumps({"first": first, "second": second, **figures}), encoding="utf-8")
    return f"{first}--{second}={path}"


def independent(name: str) -> list[str]:
    """Translations that share some words with the human ones, and as many with each other."""
    human, rng = random.Random("human"), random.Random(name)
    return [
        " ".join(word if rng.random() < 0.7 else rng.choice(WORDS) for word in human.choices(WORDS, k=12))
        for _ in range(SENTENCES)
    ]


def collect(folder: Path, human: list[str], generators: dict[str, list[str]], *more: str) -> dict[str, tuple[str, ...]]:
    """Run the script and return the rows of the table of BLEU by generator."""
    pool = [(f"t:{n}", f"Satz {n}", text) for n, text in enumerate(human)]
    write_rows(folder / "pool.tsv", ["id", "source", "target"], pool)
    generated = []
    for name, texts in generators.items():
        write_generated(folder / f"{name}.tsv", (Generated(f"t:{n}", text) for n, text in enumerate(texts)))
        generated.append(f"{name}={folder / name}.tsv")
    arguments = ["--generated", *generated, "--pool", str(folder / "pool.tsv"), "--metrics", "bleu"]
    arguments += ["--target-language", "en", "--margin", "5", "--pairs", str(folder / "pairs.tsv")]
    arguments += ["--post-editing", str(folder / "post_editing.tsv"), *more]
    if "--detectors" not in more:
        arguments += ["--detectors"]
    main(PARSER.parse_args(arguments))
    columns = ["generator", "bleu", "others", "warning"]
    return {row[0]: row[1:] for row in read_rows(folder / "post_editing.tsv", columns)}


def test_every_pair_is_a_row_with_its_kind(tmp_path: Path) -> None:
    detectors = [
        "human-machine:" + report(tmp_path, "human", "a", 0.8),
        "human-human:" + report(tmp_path, "human", "human-B", 0.81),
        "machine-machine:" + report(tmp_path, "a", "b", 0.62),
    ]
    collect(tmp_path, independent("human"), {}, "--detectors", *detectors)
    columns = ["first", "second", "kind", "targets", "auc", "auc_low", "auc_high", "brier"]
    assert list(read_rows(tmp_path / "pairs.tsv", columns)) == [
        ("human", "a", "human-machine", "1234", "0.8000", "0.7900", "0.8100", "0.2000"),
        ("human", "human-B", "human-human", "1234", "0.8100", "0.8000", "0.8200", "0.2000"),
        ("a", "b", "machine-machine", "1234", "0.6200", "0.6100", "0.6300", "0.2000"),
    ]


def test_the_size_of_a_sample_is_in_the_table_and_on_the_page(tmp_path: Path) -> None:
    whole, sampled = report(tmp_path, "human", "a", 0.8), report(tmp_path, "human", "b", 0.7)
    path = tmp_path / "human--b.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "drawn": 200}), encoding="utf-8")
    said = []
    for files in ([whole], [whole, sampled]):
        collect(tmp_path, independent("human"), {}, "--detectors", *(f"human-machine:{file}" for file in files))
        said.append(" ".join(detector_findings(read_records(tmp_path / "pairs.tsv", PairRow)).sentences))
    assert [row for (row,) in read_rows(tmp_path / "pairs.tsv", ["drawn"])] == ["", "200"]
    assert "sample" not in said[0]
    assert "a random sample of 200 of 1,234 sources" in said[1]


@pytest.mark.parametrize("name", ["human-robot:human--a", "human-machine:a--human"])
def test_a_report_under_a_wrong_name_is_refused(tmp_path: Path, name: str) -> None:
    file = report(tmp_path, "human", "a", 0.8).partition("=")[2]
    with pytest.raises(UserError, match="the file is of human and a"):
        collect(tmp_path, independent("human"), {}, "--detectors", f"{name}={file}")


def test_targets_made_from_a_generators_output_call_a_warning(tmp_path: Path) -> None:
    generators = {name: independent(name) for name in ("a", "b", "c")}
    human = [b if n % 2 else text for n, (text, b) in enumerate(zip(independent("h"), generators["b"], strict=True))]
    rows = collect(tmp_path, human, generators)
    assert [name for name, (_, _, warning) in rows.items() if warning] == ["b"]
    bleu, others, warning = rows["b"]
    assert float(others) == max(float(rows[name][0]) for name in ("a", "c")) < float(bleu) - 5
    assert rows["a"][1] == bleu
    assert "more than any other generator (margin 5): either people post-edited its output" in warning


def test_independent_targets_call_none(tmp_path: Path) -> None:
    rows = collect(tmp_path, independent("h"), {name: independent(name) for name in ("a", "b", "c")})
    assert not any(warning for _, _, warning in rows.values())


def test_one_generator_cannot_be_compared(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    texts = independent("a")
    rows = collect(tmp_path, texts, {"a": texts})
    assert rows == {"a": ("100.0000", "", "")}
    assert "post-editing cannot be detected" in caplog.text


def test_with_one_other_there_is_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    human = independent("h")
    rows = collect(tmp_path, human, {"a": human, "b": independent("b")})
    assert rows["a"] == ("100.0000", rows["b"][0], "")
    assert "people may have had: 2, needed: 3" in caplog.text


@pytest.mark.parametrize("language", ["ja", "ko_kr"])
def test_languages_with_an_optional_tokenizer_are_compared_by_character(tmp_path: Path, language: str) -> None:
    human = ["猫が庭で静かに眠っている", "今日はとても良い天気です"]
    texts = {"a": ["猫が庭で静かに寝ている", "今日はとても良い天気だ"], "b": human}
    rows = collect(tmp_path, human, texts, "--target-language", language)
    assert 0 < float(rows["a"][0]) < float(rows["b"][0]) == 100
    chosen = ("--target-language", language, "--metric-options", '{"bleu": {"tokenize": "none"}}')
    assert float(collect(tmp_path, human, texts, *chosen)["a"][0]) == 0


def test_a_generator_that_the_study_trains_is_not_compared(tmp_path: Path) -> None:
    human = independent("h")
    texts = {"trained": human, "a": independent("a"), "b": independent("b")}
    rows = collect(tmp_path, human, texts, "--trained", "trained")
    assert rows["trained"] == ("100.0000", "", "")
    assert rows["a"][1:] == (rows["b"][0], "")


def test_generators_are_compared_on_the_sources_they_share(tmp_path: Path) -> None:
    human = independent("h")
    a, b = independent("a"), independent("b")
    c = independent("c")
    rows = collect(tmp_path, human, {"a": [*human[:50], *a[50:]], "b": b, "c": c})
    assert rows["a"][2]
    # Where b has no target, a's copies do not count.
    path = tmp_path / "half"
    path.mkdir()
    write_generated(path / "b.tsv", (Generated(f"t:{n}", text) for n, text in enumerate(b) if n >= 50))
    generated = [f"a={tmp_path / 'a.tsv'}", f"b={path / 'b.tsv'}", f"c={tmp_path / 'c.tsv'}"]
    arguments = ["--generated", *generated, "--pool", str(tmp_path / "pool.tsv")]
    arguments += ["--metrics", "bleu", "--target-language", "en", "--margin", "5", "--detectors"]
    main(PARSER.parse_args([*arguments, "--pairs", str(path / "p.tsv"), "--post-editing", str(path / "post.tsv")]))
    shared = {row[0]: row[1:] for row in read_rows(path / "post.tsv", ["generator", "bleu", "others", "warning"])}
    assert not shared["a"][2]
    assert float(shared["a"][0]) < float(rows["a"][0])
