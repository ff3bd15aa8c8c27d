"""From tables of text to the tables of lexical diversity."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sacrebleu.metrics import CHRF

from analyse.diversity import collect_diversity, measure_diversity
from analyse.diversity.collect_diversity import COLUMNS
from analyse.diversity.comparison import MEASURES
from analyse.diversity.measure_diversity import COLUMNS as MEASURED_COLUMNS
from stats.holm import holm
from workbench.cli import UserError
from workbench.generated import Generated, write_generated
from workbench.tables import read_rows, write_rows

SETTINGS = {
    "tokenize": None,
    "tokens": 10_000,
    "types_tokens": 40,
    "window": 10,
    "threshold": 0.72,
    "draws": 10,
    "self_bleu_segments": 20,
    "swaps": 19,
}
HUMAN = [f"The {noun} {verb} a {noun}, number {n}!" for n, (noun, verb) in enumerate(
    zip(["cat", "dog", "bird", "tree"] * 6, ["sees", "likes", "saw"] * 8, strict=True)
)]  # fmt: skip
MACHINE = [f"A {noun} is there: {n % 5}." for n, noun in enumerate(["cat", "dog", "bird"] * 8)]
Measure = Callable[..., list[dict[str, str]]]


@pytest.fixture
def measure(tmp_path: Path) -> Measure:
    """Measure texts, one a seed, and return the rows by column."""

    def run(*texts: list[str], settings: dict[str, Any] | None = None, seed: int = 1) -> list[dict[str, str]]:
        references = tmp_path / "references.tsv"
        write_rows(references, ["id", "source", "target"], [(f"t:{n}", "x", text) for n, text in enumerate(HUMAN)])
        paths = [tmp_path / f"{number}.tsv" for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            write_generated(path, (Generated(f"t:{n}", line) for n, line in enumerate(text) if line != "-"))
        arguments = ["--text", *map(str, paths), "--references", str(references), "--target-language", "en"]
        arguments += ["--settings", json.dumps(SETTINGS | (settings or {})), "--seed", str(seed)]
        output = tmp_path / "measured.tsv"
        measure_diversity.main(measure_diversity.PARSER.parse_args([*arguments, "--output", str(output)]))
        return [dict(zip(MEASURED_COLUMNS, row, strict=True)) for row in read_rows(output, MEASURED_COLUMNS)]

    return run


def test_a_row_for_every_measure(measure: Measure) -> None:
    rows = measure(MACHINE)
    assert [(row["measure"], row["better"]) for row in rows] == list(MEASURES.items())
    assert {row["seeds"] for row in rows} == {"1"}
    (tokens,) = {row["tokens"] for row in rows}
    assert tokens == str(5 * len(HUMAN))  # the machine's five words are fewer than the human seven
    for row in rows:
        assert float(row["difference"]) == pytest.approx(float(row["value"]) - float(row["human"]), abs=2e-4)
        assert float(row["difference_low"]) <= float(row["difference"]) <= float(row["difference_high"])


def test_chrf_is_in_every_row(measure: Measure) -> None:
    expected = CHRF().corpus_score(MACHINE, [HUMAN]).score
    assert {row["chrf"] for row in measure(MACHINE)} == {f"{expected:.4f}"}


def test_values_of_seeds_are_means(measure: Measure) -> None:
    other = [f"{line} {n}" for n, line in enumerate(MACHINE)]
    first, second, both = measure(MACHINE), measure(other), measure(MACHINE, other)
    assert {row["seeds"] for row in both} == {"2"}
    assert {row["tokens"] for row in both} == {first[0]["tokens"]}  # all versions are cut to the shortest
    chrf = [float(rows[0]["chrf"]) for rows in (first, second, both)]
    assert chrf[2] == pytest.approx((chrf[0] + chrf[1]) / 2, abs=1e-3)
    assert [row["human"] for row in both[:6]] == [row["human"] for row in first[:6]]


def test_two_equal_seeds_are_as_one(measure: Measure) -> None:
    once, twice = measure(MACHINE), measure(MACHINE, MACHINE)
    assert [row | {"seeds": "2"} for row in once] == twice


def test_segments_without_a_target_are_left_out_on_both_sides(measure: Measure) -> None:
    gaps = [line if n % 3 else "-" for n, line in enumerate(MACHINE)]
    assert measure(gaps)[0]["tokens"] == str(5 * sum(line != "-" for line in gaps))


def test_a_limit_of_words(measure: Measure) -> None:
    rows = measure(MACHINE, settings={"tokens": 33})
    assert {row["tokens"] for row in rows} == {"33"}


def test_the_seed_decides_the_swaps_only(measure: Measure) -> None:
    one, other = measure(MACHINE), measure(MACHINE, seed=2)
    assert measure(MACHINE) == one
    assert [row["value"] for row in one[:3]] != [] and one != other


def test_a_text_without_words_has_no_value(measure: Measure) -> None:
    rows = measure([""] * len(HUMAN))
    assert {row["tokens"] for row in rows} == {"0"}
    assert all(row["value"] == row["difference"] == row["p_value"] == "" for row in rows)


def test_a_text_of_other_segments_is_refused(measure: Measure) -> None:
    with pytest.raises(UserError, match="holds no segment of"):
        measure(["-"] * len(HUMAN))


def test_collected_with_holm_over_the_measures_of_a_text(measure: Measure, tmp_path: Path) -> None:
    rows = measure(MACHINE)
    table, output = tmp_path / "measured.tsv", tmp_path / "test.tsv"
    runs = ["--run", "small", "strong", "3200", str(table), "--run", "small", "weak", "3200", str(table)]
    arguments = [*runs, "--output", str(output)]
    collect_diversity.main(collect_diversity.PARSER.parse_args(arguments))
    collected = [dict(zip(COLUMNS, row, strict=True)) for row in read_rows(output, COLUMNS)]
    expected = holm([float(row["p_value"]) for row in rows])
    for text, found in (("strong", collected[: len(rows)]), ("weak", collected[len(rows) :])):
        about = {"scope": "test", "text": text, "learner": "small", "size": "3200"}
        assert [{**about, **row, "p_holm": f"{p:.6f}"} for row, p in zip(rows, expected, strict=True)] == found


def test_measures_without_a_value_are_not_in_the_family(measure: Measure, tmp_path: Path) -> None:
    measure([""] * len(HUMAN))
    arguments = ["--origin", "g", str(tmp_path / "measured.tsv")]
    output = tmp_path / "pool.tsv"
    collect_diversity.main(collect_diversity.PARSER.parse_args([*arguments, "--output", str(output)]))
    assert set(read_rows(output, ["scope", "learner", "size", "p_holm"])) == {("pool", "", "", "")}


def test_a_study_without_generators_has_an_empty_table(tmp_path: Path) -> None:
    output = tmp_path / "pool.tsv"
    collect_diversity.main(collect_diversity.PARSER.parse_args(["--output", str(output)]))
    assert output.read_text(encoding="utf-8") == "\t".join(COLUMNS) + "\n"
