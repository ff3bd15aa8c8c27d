"""Scores become ranks: the best first, ties in the study's random order, what has no score last."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from curate.quality import load_metric
from curate.score_quality import PARSER, TargetInstances, main, ranks
from workbench.cli import UserError
from workbench.draws import random_order
from workbench.generated import Generated, write_generated
from workbench.tables import read_rows, write_rows

IDS = [f"train:{n}" for n in range(50)]


def test_the_best_score_has_rank_1_whichever_is_better() -> None:
    values = ["0.3000", "-1.0000", "12.0000"]
    assert ranks(IDS[:3], values, "higher", 1) == [2, 3, 1]
    assert ranks(IDS[:3], values, "lower", 1) == [2, 1, 3]


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_what_has_no_score_is_last(better: str) -> None:
    values = ["" if n % 5 == 0 else f"{n}.0000" for n in range(50)]
    found = ranks(IDS, values, better, 1)
    assert sorted(found) == list(range(1, 51))
    assert {found[n] for n in range(0, 50, 5)} == set(range(41, 51))


def test_a_metric_without_information_gives_the_random_order() -> None:
    expected = [IDS[place] for place in random_order(IDS, 7)]
    for values in (["1.0000"] * 50, [""] * 50):
        found = ranks(IDS, values, "higher", 7)
        assert sorted(IDS, key=lambda name: found[IDS.index(name)]) == expected
    assert ranks(IDS, ["1.0000"] * 50, "higher", 8) != ranks(IDS, ["1.0000"] * 50, "higher", 7)


def test_ties_do_not_depend_on_the_order_of_rows() -> None:
    values = [f"{n % 3}.0000" for n in range(50)]
    forward = dict(zip(IDS, ranks(IDS, values, "higher", 1), strict=True))
    backward = dict(zip(IDS[::-1], ranks(IDS[::-1], values[::-1], "higher", 1), strict=True))
    assert forward == backward


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A pool of six sources and a generator's text for five of them, in another order."""
    pool = [(f"train:{n}", f"Quelle {n}", f"human target {n}") for n in range(6)]
    write_rows(tmp_path / "pool.tsv", ["id", "source", "target"], pool)
    texts = {4: "human target 4", 3: "human target", 2: "target", 1: "nothing of it", 0: "human target 0"}
    write_generated(tmp_path / "g.tsv", (Generated(f"train:{n}", text, -0.1 * n) for n, text in texts.items()))
    return tmp_path / "pool.tsv", tmp_path / "g.tsv"


def test_only_a_metric_that_needs_the_human_target_sees_it(files: tuple[Path, Path]) -> None:
    assert {i.human for i in TargetInstances(*files, load_metric("consensus").METRIC)} == {None}
    seen = TargetInstances(*files, load_metric("oracle").METRIC)
    assert [(i.id, i.human) for i in seen] == [(f"train:{n}", f"human target {n}") for n in range(5)]


def run(pool: Path, generated: Path, output: Path, metric: str, *more: str, settings: object = None) -> None:
    files = ["--pool", str(pool), "--generated", str(generated), "--output", str(output), *more]
    options = ["--metric", metric, "--settings", json.dumps(settings or {}), "--threads", "1", "--seed", "1"]
    main(PARSER.parse_args([*files, *options]))


def test_the_table_has_score_and_rank_in_the_pools_order(files: tuple[Path, Path], tmp_path: Path) -> None:
    run(*files, tmp_path / "logprob.tsv", "logprob")
    rows = list(read_rows(tmp_path / "logprob.tsv", ["id", "score", "rank"]))
    assert rows == [(f"train:{n}", f"{-0.1 * n + 0:.4f}", str(n + 1)) for n in range(5)]


def test_ranks_of_scores_and_of_their_average(files: tuple[Path, Path], tmp_path: Path) -> None:
    run(*files, tmp_path / "oracle.tsv", "oracle")
    run(*files, tmp_path / "logprob.tsv", "logprob")
    parts = [text for name in ("oracle", "logprob") for text in ("--input", f"scores:{name}", f"{tmp_path}/{name}.tsv")]
    run(*files, tmp_path / "blend.tsv", "rank_average", *parts)
    oracle, blend = (dict(read_rows(tmp_path / f"{name}.tsv", ["id", "rank"])) for name in ("oracle", "blend"))
    assert {oracle["train:0"], oracle["train:4"]} == {"1", "2"}
    assert [oracle[f"train:{n}"] for n in (3, 2, 1)] == ["3", "4", "5"]
    assert blend["train:0"] == "1"


def test_the_same_arguments_give_the_same_bytes(files: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("first", "second"):
        run(*files, tmp_path / f"{name}.tsv", "oracle")
    assert (tmp_path / "first.tsv").read_bytes() == (tmp_path / "second.tsv").read_bytes()


def test_a_generator_without_any_score_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    write_rows(tmp_path / "judge.tsv", ["id", "score"], [("train:1", "")])
    with pytest.raises(UserError, match=r"metric llm_judge has no score for any of its 5 targets"):
        run(*files, tmp_path / "out.tsv", "llm_judge", "--input", "judge", str(tmp_path / "judge.tsv"))
    assert not (tmp_path / "out.tsv").exists()


def test_text_for_other_sources_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    write_generated(tmp_path / "late.tsv", [Generated("train:99", "elsewhere")])
    with pytest.raises(UserError, match=r"late\.tsv: holds no source of .*pool\.tsv"):
        run(files[0], tmp_path / "late.tsv", tmp_path / "out.tsv", "oracle")


def test_on_the_command_line_an_error_is_one_line(files: tuple[Path, Path], refusal) -> None:
    arguments = ["--pool", files[0], "--generated", files[1], "--output", "out.tsv", "--threads", 1, "--seed", 1]
    said = refusal(
        "curate/score_quality.py",
        *arguments,
        "--metric",
        "llm_judge",
        "--settings",
        "{}",
        "--input",
        "judge",
        "nowhere",
    )
    assert said == "nowhere: No such file or directory"
