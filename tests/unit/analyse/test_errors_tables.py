"""The tables of errors, written by the scripts as the rules run them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from analyse.errors import collect_errors, find_errors, learn_norms
from analyse.errors.collect_errors import COLUMNS
from analyse.texts import analysed_texts
from stats.holm import holm
from workbench.cli import UserError
from workbench.tables import read_rows, write_rows

Judge = Callable[..., None]

NORMS = {
    **{"pairs": 100, "length_quantile": 0.01, "length_power": 0.3, "word_beginning": 5, "cognate_beginning": 4},
    **{"partner_pairs": 2, "partner_share": 0.5, "partner_dice": 0.3},
}
LIMITS = {
    "language_margin": None,
    "copied_words": 4,
    "copied_small_words": 2,
    "stutter_words": 4,
    "oscillation_ngram": 4,
    "oscillation_excess": 2,
    "stutters": 1,
    "repeated_words": 4,
    "repeated_sources": 3,
    "detachment_words": 3,
    "spelt_below": 13,
}
METRICS = ("--metrics", "bleu", "chrf", "ter", "--target-language", "en")
PAIRS = [(f"p:{n}", f"Es gibt {n + 20} Dateien.", f"There are {n + 20} files in all.") for n in range(40)]
FIND = ("--norms", "norms.json", "--source-language", "de", *METRICS, "--settings", json.dumps(LIMITS))
COLLECT = (*METRICS, "--samples", 200, "--resampling-seed", 1, "--output", "errors.tsv")


def run(script: ModuleType, *arguments: object) -> None:
    """Run a script in this process."""
    script.main(script.PARSER.parse_args([str(argument) for argument in arguments]))


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Norms and the human table of a small pool, and a function that judges a text of it."""
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "pool.tsv", ["id", "source", "target"], PAIRS)

    def judge(name: str, texts: dict[str, str] | None, *arguments: str) -> None:
        if texts is not None:
            write_rows(tmp_path / f"{name}.text.tsv", ["id", "text"], texts.items())
            arguments = ("--text", f"{name}.text.tsv", *arguments)
        run(find_errors, *FIND, "--pairs", "pool.tsv", *arguments, "--output", f"{name}.tsv")

    settings = ("--settings", json.dumps(NORMS), "--seed", 1)
    run(learn_norms, "--pairs", "pool.tsv", *settings, "--output", "norms.json")
    judge("human", None)
    return judge


def rows_of(folder: Path) -> dict[tuple[str, str], dict[str, str]]:
    """The rows of the table by text and measure."""
    table = [dict(zip(COLUMNS, row, strict=True)) for row in read_rows(folder / "errors.tsv", COLUMNS)]
    return {(row["text"], row["measure"]): row for row in table}


def wrong_numbers(every: int) -> dict[str, str]:
    """The human targets, of which every ``every``-th has another number and one word less."""
    texts = {key: target for key, _, target in PAIRS}
    return texts | {key: "There are 999 files in." for key in list(texts)[::every]}


def test_origins_are_compared_with_the_human_floor(judge: Judge, tmp_path: Path) -> None:
    judge("machine", wrong_numbers(4), "--generated")
    judge("second", dict(list(wrong_numbers(8).items())[:24]), "--generated")
    origins = [word for name in ("human", "machine", "second") for word in ("--origin", name, f"{name}.tsv")]
    run(collect_errors, *COLLECT, *origins, "--floor", "human.tsv", "--reference-floor", "second.tsv")
    rows = rows_of(tmp_path)

    wrong = rows["machine", "number_missing"]
    assert [wrong[name] for name in ("scope", "basis", "segments")] == ["pool", "source", "40"]
    assert [float(wrong[name]) for name in ("rate", "floor", "difference")] == [250, 0, 250]
    assert float(wrong["p_value"]) < 0.05
    # Against a reference the floor is the second human text, on the segments that it has: 3 of 24 lack a word.
    edits = rows["machine", "ter_insertions"]
    assert [edits["basis"], edits["segments"]] == ["reference", "24"]
    words = 6 * 24
    assert float(edits["rate"]) == pytest.approx(1000 * 6 / words, abs=1e-3)
    assert float(edits["floor"]) == pytest.approx(1000 * 3 / words, abs=1e-3)
    # The human text has no floor but itself, and no reference; the second has no floor against the reference.
    assert rows["human", "number_missing"]["floor"] == ""
    assert ("human", "ter") not in rows
    assert rows["second", "ter"]["floor"] == "" != rows["second", "number_missing"]["floor"]


def test_holm_is_over_the_measures_of_one_text(judge: Judge, tmp_path: Path) -> None:
    judge("machine", wrong_numbers(4), "--generated")
    run(collect_errors, *COLLECT, "--origin", "machine", "machine.tsv", "--floor", "human.tsv")
    rows = [row for row in rows_of(tmp_path).values() if row["p_value"]]
    assert {row["basis"] for row in rows} == {"source"}
    corrected = holm([float(row["p_value"]) for row in rows])
    assert [float(row["p_holm"]) for row in rows] == pytest.approx(corrected, abs=1e-5)


def test_scores_are_those_of_sacrebleus_command_line(judge: Judge, tmp_path: Path) -> None:
    texts = wrong_numbers(3)
    judge("machine", texts, "--generated")
    run(collect_errors, *COLLECT, "--origin", "machine", "machine.tsv", "--floor", "human.tsv")
    (tmp_path / "ref").write_text("".join(f"{target}\n" for _, _, target in PAIRS), encoding="utf-8")
    (tmp_path / "hyp").write_text("".join(f"{text}\n" for text in texts.values()), encoding="utf-8")
    command = [sys.executable, "-m", "sacrebleu", "ref", "-i", "hyp", "-m", "bleu", "chrf", "ter", "-w", "4"]
    printed = json.loads(subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout)
    rows = rows_of(tmp_path)
    assert [rows["machine", name]["rate"] for name in ("bleu", "chrf", "ter")] == [f"{m['score']:.4f}" for m in printed]


def test_runs_of_several_seeds_are_one_text(judge: Judge, tmp_path: Path) -> None:
    for seed, every in ((1, 4), (2, 8)):
        judge(f"seed{seed}", wrong_numbers(every))
    runs = [word for seed in (1, 2) for word in ("--run", "base", "strong", "100", f"seed{seed}.tsv")]
    run(collect_errors, *COLLECT, *runs, "--floor", "human.tsv")
    row = rows_of(tmp_path)["strong", "number_missing"]
    assert [row[name] for name in ("scope", "learner", "size", "seeds")] == ["test", "base", "100", "2"]
    assert float(row["rate"]) == 1000 * (10 + 5) / 2 / 40
    assert rows_of(tmp_path)["strong", "ter"]["p_value"] == ""


def test_every_text_of_a_pool_is_judged_on_the_same_draw(judge: Judge, tmp_path: Path) -> None:
    texts = dict(list(wrong_numbers(4).items())[5:])
    judge("some", None, "--segments", "10", "--seed", "3")
    judge("others", texts, "--generated", "--segments", "10", "--seed", "3")
    drawn, shared = ([row[0] for row in read_rows(tmp_path / f"{name}.tsv", ["id"])] for name in ("some", "others"))
    assert len(drawn) == 10
    assert shared == [name for name in drawn if name in texts]


def test_texts_without_a_common_segment_are_refused(judge: Judge, refusal: Callable[..., str], tmp_path: Path) -> None:
    header, *lines = (tmp_path / "human.tsv").read_text(encoding="utf-8").splitlines()
    others = [f"x{line}" for line in lines]
    (tmp_path / "other.tsv").write_text("\n".join([header, *others]) + "\n", encoding="utf-8")
    said = refusal(
        "analyse/errors/collect_errors.py", *COLLECT, "--origin", "other", "other.tsv", "--floor", "human.tsv"
    )
    assert said == "other.tsv: shares no segment with human.tsv; delete the older file and run again"


def test_norms_that_are_none_are_refused(refusal: Callable[..., str], tmp_path: Path) -> None:
    write_rows(tmp_path / "pool.tsv", ["id", "source", "target"], PAIRS)
    (tmp_path / "norms.json").write_text("[]", encoding="utf-8")
    said = refusal("analyse/errors/find_errors.py", *FIND, "--pairs", "pool.tsv", "--output", "human.tsv")
    assert said.startswith("norms.json is damaged: it is not a JSON object; delete it and run the workflow again")


def test_conditions_that_share_runs_stay_apart() -> None:
    runs = [("base", name, "10", "runs/1.tsv") for name in ("human", "again")]
    assert [text.cells[1] for text in analysed_texts([], runs)] == ["human", "again"]


def test_a_language_that_nothing_is_known_of_names_the_key_of_the_analysis(judge: Judge) -> None:
    settings = ("--settings", json.dumps(LIMITS | {"language_margin": 20}), "--source-language", "tlh")
    with pytest.raises(UserError, match=r"^analysis\.errors\.limits\.language_margin: no language 'tlh' in py3langid"):
        judge("machine", {}, *settings)
