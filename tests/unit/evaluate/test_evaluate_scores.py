"""Scores, their sufficient statistics, and the tables that contain them."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import get_args

import pytest
from paths import SCHEMA
from sacrebleu import metrics as sacrebleus

from evaluate import collect_scores, score_run
from planning.configuration.schema import load_schema, schema_problems
from stats import metrics
from stats.metrics import build_scorers, read_counts
from workbench.cli import UserError
from workbench.runs import Run, compared_groups
from workbench.tables import p_text, read_rows, score_text, write_rows

METRICS = ["bleu", "chrf", "ter"]
REFERENCES = [
    "The cat sat on the mat.",
    "Please enter your user name and password.",
    "There are 3 new messages in your inbox.",
    "“Quotes” — and dashes; don't forget them!",
    "OK",
]
HYPOTHESES = [
    "The cat is sitting on the mat.",
    "Please enter the user name and the password.",
    "In your inbox there are 3 messages.",
    "Quotes and dashes, do not forget.",
    "",
]


def write_inputs(folder: Path, hypotheses: list[str], references: list[str]) -> tuple[Path, Path]:
    """The two tables that a run is scored from."""
    test, output = folder / "test.tsv", folder / "hypotheses.tsv"
    ids = [f"t:{n}" for n in range(len(references))]
    write_rows(test, ["id", "source", "target"], zip(ids, ["x"] * len(ids), references, strict=True))
    rows = [(f"t:{n}", text, "-0.5", "{}") for n, text in enumerate(hypotheses)]
    write_rows(output, ["id", "text", "logprob", "metadata"], rows)
    return test, output


def score(folder: Path, test: Path, output: Path, **changes: object) -> dict:
    """Run the script's main and return the scores."""
    arguments = {
        "hypotheses": output,
        "references": test,
        "metrics": METRICS,
        "metric_options": {},
        "target_language": "en",
        "generated": False,
        "segments": folder / "segments.tsv",
        "statistics": folder / "statistics.tsv",
        "scores": folder / "scores.json",
    }
    score_run.main(Namespace(**arguments | changes))
    return json.loads((folder / "scores.json").read_text(encoding="utf-8"))


def sacrebleu(folder: Path, *options: str) -> str:
    """What sacreBLEU's command line prints for the two texts."""
    (folder / "ref").write_text("\n".join(REFERENCES) + "\n", encoding="utf-8")
    (folder / "hyp").write_text("\n".join(HYPOTHESES) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "sacrebleu", "ref", "-i", "hyp", *options]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, encoding="utf-8").stdout


def test_scores_equal_the_command_line(tmp_path: Path) -> None:
    scores = score(tmp_path, *write_inputs(tmp_path, HYPOTHESES, REFERENCES))
    printed = json.loads(sacrebleu(tmp_path, "-m", "bleu", "chrf", "ter", "-w", "4"))
    assert scores["sentences"] == 5
    for ours, theirs in zip(scores["metrics"].values(), printed, strict=True):
        assert ours["name"] == theirs["name"]
        assert ours["score"] == theirs["score"]
        assert ours["signature"] == theirs["signature"]


@pytest.mark.parametrize("place", [1, 2, 3])
def test_sentence_scores_equal_the_command_line(tmp_path: Path, place: int) -> None:
    score(tmp_path, *write_inputs(tmp_path, HYPOTHESES, REFERENCES))
    rows = list(read_rows(tmp_path / "segments.tsv", ["hypothesis", *METRICS]))
    assert [row[0] for row in rows] == HYPOTHESES
    printed = sacrebleu(tmp_path, "-m", METRICS[place - 1], "-sl", "-w", "4", "-b").split()
    assert [row[place] for row in rows] == printed


@pytest.mark.parametrize(
    ("metric", "options", "given"),
    [
        ("bleu", {"lowercase": True, "tokenize": "char"}, ["-lc", "--tokenize", "char"]),
        ("bleu", {"tokenize": "intl", "smooth_method": "floor"}, ["--tokenize", "intl", "--smooth-method", "floor"]),
        ("chrf", {"word_order": 2, "beta": 1}, ["--chrf-word-order", "2", "--chrf-beta", "1"]),
        ("ter", {"case_sensitive": True, "normalized": True}, ["--ter-case-sensitive", "--ter-normalized"]),
    ],
)
def test_options_equal_the_command_lines(tmp_path: Path, metric: str, options: dict, given: list[str]) -> None:
    inputs = write_inputs(tmp_path, HYPOTHESES, REFERENCES)
    scores = score(tmp_path, *inputs, metrics=[metric], metric_options={metric: options})
    ours, theirs = scores["metrics"][metric], json.loads(sacrebleu(tmp_path, "-m", metric, *given, "-w", "4"))
    assert (ours["name"], ours["score"], ours["signature"]) == tuple(theirs[k] for k in ("name", "score", "signature"))


@pytest.mark.parametrize("language", ["zh", "zh_CN", "zh-Hant"])
def test_target_language_chooses_the_tokenizer(language: str) -> None:
    (scorer,) = build_scorers(["bleu"], {}, language)
    assert scorer.corpus.tokenizer_signature == "zh"


def test_perfect_output(tmp_path: Path) -> None:
    metrics = score(tmp_path, *write_inputs(tmp_path, REFERENCES, REFERENCES))["metrics"]
    assert [metrics[name]["score"] for name in METRICS] == [100, 100, 0]


def test_empty_output_scores_nothing(tmp_path: Path) -> None:
    metrics = score(tmp_path, *write_inputs(tmp_path, [""] * 5, REFERENCES))["metrics"]
    assert [metrics[name]["score"] for name in METRICS] == [0, 0, 100]


def test_one_segment(tmp_path: Path) -> None:
    metrics = score(tmp_path, *write_inputs(tmp_path, ["a b"], ["a b c d"]))["metrics"]
    assert metrics["ter"]["score"] == 50


def test_counts_come_back(tmp_path: Path) -> None:
    score(tmp_path, *write_inputs(tmp_path, ["a b", "c"], ["a b c d", "c"]))
    counts = read_counts(tmp_path / "statistics.tsv", ["ter", "bleu"])
    assert counts.metrics["ter"].tolist() == [[2, 4], [0, 1]]
    assert counts.metrics["bleu"][0].tolist() == [2, 4, 2, 1, 0, 0, 2, 1, 0, 0]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["t:0", "t:2", "t:1"], r"line 3: id 't:2' where .* has 't:1'"),
        (["t:0", "t:1"], r"2 segments where .* has 3"),
        (["t:0", "t:1", "t:2", "t:3"], r"4 segments where .* has 3"),
    ],
)
def test_other_segments_are_refused(tmp_path: Path, ids: list[str], message: str) -> None:
    test, output = write_inputs(tmp_path, ["a"] * 3, ["a"] * 3)
    write_rows(output, ["id", "text"], [(name, "a") for name in ids])
    with pytest.raises(UserError, match=message):
        score(tmp_path, test, output)
    assert not (tmp_path / "scores.json").exists()


def test_no_segment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no segment"):
        score(tmp_path, *write_inputs(tmp_path, [], []))


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["blue"], {}, "metric 'blue'.*allowed: bleu, chrf, ter"),
        (["bleu"], {"blue": {}}, "metric 'blue'"),
        (["bleu"], {"bleu": {"tokenise": "13a"}}, "option 'tokenise': unknown; allowed: .*tokenize"),
        (["bleu"], {"bleu": {"trg_lang": "zh"}}, "option 'trg_lang': unknown"),
        (["bleu"], {"bleu": {"tokenize": "none of these"}}, "sacreBLEU refuses"),
        (["bleu"], {"bleu": {"tokenize": "ja-mecab"}}, r"refuses them: [^\n]*install them[^\n]*\Z"),
    ],
)
def test_wrong_metrics_are_refused(names: list[str], options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_scorers(names, options, "en")


def test_the_schema_has_sacrebleus_options() -> None:
    """Every option of every metric, with its type and its names, so that none is refused after all training."""
    schema = load_schema(SCHEMA)
    metrics = schema["properties"]["evaluation"]["properties"]["metric_options"]["properties"]
    assert list(metrics) == METRICS == [name.lower() for name in sacrebleus.METRICS]
    types = {bool: "boolean", int: "integer", float: "number", str: "string"}
    for name, metric in metrics.items():
        parameters = inspect.signature(sacrebleus.METRICS[name.upper()]).parameters
        settable = {key: value for key, value in parameters.items() if key not in ("references", "trg_lang")}
        assert metric["properties"].keys() == settable.keys()
        for key, parameter in settable.items():
            option = metric["properties"][key]
            (kind,) = {*get_args(parameter.annotation)} - {type(None)} or {parameter.annotation}
            assert types[kind] == option.get("type", "string"), key
    bleu = metrics["bleu"]["properties"]
    # MeCab is not among the workbench's packages.
    assert {*bleu["tokenize"]["enum"]} == sacrebleus.BLEU.TOKENIZERS - {"ja-mecab", "ko-mecab"}
    assert {*bleu["smooth_method"]["enum"]} == sacrebleus.BLEU.SMOOTH_DEFAULTS.keys()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bleu": {"tokenize": "intl", "smooth_value": 0.5}, "chrf": {"word_order": 2}, "ter": {}}, None),
        ({"blue": {}}, "unknown key; allowed: bleu, chrf, ter; did you mean 'bleu'?"),
        ({"bleu": {"tokenise": "13a"}}, "unknown key; .*did you mean 'tokenize'?"),
        ({"bleu": {"tokenize": "moses"}}, "'moses' is not allowed; allowed: 13a, "),
        ({"bleu": {"lowercase": "yes"}}, "'yes' is not of type boolean"),
        ({"chrf": {"char_order": 0}}, "0 is too small"),
        ({"ter": {"lowercase": True}}, "unknown key; allowed: asian_support, "),
    ],
)
def test_wrong_options_are_found_before_anything_runs(options: dict, message: str | None) -> None:
    schema = load_schema(SCHEMA)
    problems = schema_problems({"metric_options": options}, schema["properties"]["evaluation"])
    assert [re.match(message, problem.message) is not None for problem in problems] == [True] * (message is not None)


def test_tables_of_runs(tmp_path: Path) -> None:
    runs = [Run("base", name, 100, seed, "human.random") for name in ("a", "b") for seed in (1, 2)]
    write_rows(
        tmp_path / "runs.tsv",
        ["learner", "condition", "size", "seed", "recipe"],
        [("base", run.condition, 100, run.seed, run.recipe) for run in runs],
    )
    for seed in (1, 2):
        folder = runs[seed - 1].folder(tmp_path / "runs")
        folder.mkdir(parents=True)
        bleu = {"score": 20 + seed, "signature": "s"}
        scores = {"sentences": 7, "metrics": {"bleu": bleu}}
        (folder / "scores.json").write_text(json.dumps(scores))
        training = {"updates": 10 * seed, "epochs": 3, "best_valid_loss": None, "seconds": 1.5}
        (folder / "training.json").write_text(json.dumps(training))
    arguments = Namespace(
        runs=tmp_path / "runs.tsv",
        runs_folder=tmp_path / "runs",
        metrics=["bleu"],
        scores=tmp_path / "scores.tsv",
        timings=tmp_path / "timings.tsv",
    )
    collect_scores.main(arguments)
    assert (tmp_path / "scores.tsv").read_text().splitlines() == [
        "learner\tcondition\tsize\tseed\tbleu\trecipe\tsentences\tupdates\tepochs\tbest_valid_loss\tbleu_signature",
        "base\ta\t100\t1\t21.0000\thuman.random\t7\t10\t3\t\ts",
        "base\ta\t100\t2\t22.0000\thuman.random\t7\t20\t3\t\ts",
        "base\tb\t100\t1\t21.0000\thuman.random\t7\t10\t3\t\ts",
        "base\tb\t100\t2\t22.0000\thuman.random\t7\t20\t3\t\ts",
    ]
    assert (tmp_path / "timings.tsv").read_text().splitlines() == [
        "learner\trecipe\tsize\tseed\tseconds\ttarget_tokens_per_second",
        "base\thuman.random\t100\t1\t1.5\t",
        "base\thuman.random\t100\t2\t1.5\t",
    ]
    assert compared_groups(runs) == [("base", 100, 1), ("base", 100, 2)]
    arguments.metrics = ["ter"]
    with pytest.raises(UserError, match="no score of metric 'ter'"):
        collect_scores.main(arguments)


def test_numbers_in_tables() -> None:
    assert [score_text(v) for v in (None, 1 / 3, -0.00001, -10.0)] == [
        "",
        "0.3333",
        "0.0000",
        "-10.0000",
    ]
    assert p_text(1 / 1001) == "0.000999"


def test_generated_text_is_scored_on_what_it_holds(tmp_path: Path) -> None:
    test, output = write_inputs(tmp_path, HYPOTHESES, REFERENCES)
    # In another order than the pool's, and one source has no target.
    rows = [(f"t:{n}", HYPOTHESES[n]) for n in (3, 0, 2, 1)]
    write_rows(output, ["id", "text"], rows)
    scores = score(tmp_path, test, output, generated=True)
    assert scores["sentences"] == 4
    assert [row[0] for row in read_rows(tmp_path / "segments.tsv", ["id"])] == ["t:0", "t:1", "t:2", "t:3"]
    (tmp_path / "part").mkdir()
    part = score(tmp_path, *write_inputs(tmp_path / "part", HYPOTHESES[:4], REFERENCES[:4]))
    assert scores["metrics"]["bleu"]["score"] == part["metrics"]["bleu"]["score"]


def test_generated_text_of_other_sources_is_refused(tmp_path: Path) -> None:
    test, output = write_inputs(tmp_path, ["a"] * 3, ["a"] * 3)
    write_rows(output, ["id", "text"], [("u:1", "a")])
    with pytest.raises(UserError, match="holds no segment of"):
        score(tmp_path, test, output, generated=True)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_counts_do_not_depend_on_how_many_segments_are_counted_at_a_time(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    for scorer in build_scorers(METRICS, {}, "en"):
        whole = scorer.statistics(HYPOTHESES, REFERENCES)
        with monkeypatch.context() as patched:
            patched.setattr(metrics, "_CHUNK", size)
            assert scorer.statistics(HYPOTHESES, REFERENCES).tolist() == whole.tolist()
            totals = scorer.totals(zip(HYPOTHESES, REFERENCES, strict=True))
        assert totals.tolist() == whole.sum(axis=0).tolist()
