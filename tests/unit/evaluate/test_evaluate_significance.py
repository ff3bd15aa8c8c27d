"""Paired tests, the bootstrap and the summary table."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from paths import SCRIPTS

from evaluate import collect_comparisons, compare_runs, score_run, summarise_conditions
from evaluate.results import ConditionSummary
from stats.bootstrap import draw_counts, interval, resampled_totals, two_sided_p
from workbench.cli import UserError, named_files
from workbench.intervals import Interval
from workbench.records import read_records
from workbench.tables import read_rows, write_rows

METRICS = ["bleu", "chrf", "ter"]
WORDS = [
    "the",
    "a",
    "new",
    "file",
    "folder",
    "user",
    "name",
    "was",
    "is",
    "not",
    "found",
    "please",
    "save",
    "in",
    "of",
    "to",
]


def sentences(count: int) -> list[str]:
    """Made-up references."""
    rng = random.Random("references")
    return [" ".join(rng.choices(WORDS, k=rng.randint(5, 12))) for _ in range(count)]


def damaged(texts: list[str], share: float, name: str) -> list[str]:
    """Texts from which ``share`` of the words were dropped."""
    rng = random.Random(name)
    return [" ".join(w for w in text.split() if rng.random() >= share) for text in texts]


class Study:
    """Scored runs of made-up sentences: a baseline, a little worse, much worse, and the baseline once more."""

    def __init__(self, folder: Path, segments: int = 60, seeds: tuple[int, ...] = (1, 2)) -> None:
        self.folder = folder
        self.references = sentences(segments)
        self.shares = {"human": 0.10, "near": 0.12, "far": 0.40, "again": 0.10}
        self.texts: dict[tuple[str, int], list[str]] = {}
        ids = [f"t:{n}" for n in range(segments)]
        write_rows(
            folder / "test.tsv",
            ["id", "source", "target"],
            zip(ids, ids, self.references, strict=True),
        )
        rows = []
        for name, share in self.shares.items():
            recipe = "human" if name == "again" else name
            for seed in seeds:
                rows.append(("base", name, 100, seed, recipe))
                texts = damaged(self.references, share, f"{recipe} {seed}")
                self.texts[name, seed] = texts
                run = self.run(name, seed)
                write_rows(run / "hypotheses.tsv", ["id", "text"], zip(ids, texts, strict=True))
                score_run.main(
                    Namespace(
                        hypotheses=run / "hypotheses.tsv",
                        references=folder / "test.tsv",
                        generated=False,
                        metrics=METRICS,
                        metric_options={},
                        target_language="en",
                        segments=run / "segments.tsv",
                        statistics=run / "statistics.tsv",
                        scores=run / "scores.json",
                    )
                )
        columns = ["learner", "condition", "size", "seed", "recipe"]
        write_rows(folder / "runs.tsv", columns, rows)

    def run(self, name: str, seed: int) -> Path:
        """Folder of a run; ``again`` shares that of ``human``."""
        return self.folder / f"runs/base/{'human' if name == 'again' else name}/100/{seed}"

    def compare(self, seed: int, **changes: object) -> list[tuple[str, ...]]:
        """Run the paired test and return its rows."""
        arguments = {
            "learner": "base",
            "size": 100,
            "seed": seed,
            "baseline": "human",
            "statistics": [f"{n}={self.run(n, seed) / 'statistics.tsv'}" for n in self.shares],
            "metrics": METRICS,
            "metric_options": {},
            "target_language": "en",
            "test": "bootstrap",
            "samples": 200,
            "resampling_seed": 12345,
            "threads": 1,
            "comparisons": self.folder / f"comparisons/base/100/{seed}.tsv",
        }
        arguments |= changes
        compare_runs.main(Namespace(**arguments))
        columns = ["metric", "condition", "score", "difference", "p_value", "signature"]
        return list(read_rows(arguments["comparisons"], columns))

    def summarise(self, **changes: object) -> list[ConditionSummary]:
        """Run the bootstrap and return its rows."""
        arguments = {
            "runs": self.folder / "runs.tsv",
            "runs_folder": self.folder / "runs",
            "baseline": "human",
            "metrics": METRICS,
            "metric_options": {},
            "target_language": "en",
            "resamples": 300,
            "resampling_seed": 1,
            "summary": self.folder / "summary.tsv",
        }
        arguments |= changes
        summarise_conditions.main(Namespace(**arguments))
        return read_records(arguments["summary"], ConditionSummary)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study(tmp_path_factory.mktemp("study"))


@pytest.mark.parametrize(("test", "option", "seed"), [("bootstrap", "bs", 12345), ("randomization", "ar", 7)])
def test_paired_test_equals_the_command_line(study: Study, tmp_path: Path, test: str, option: str, seed: int) -> None:
    files = {"ref": study.references} | {name: study.texts[name, 1] for name in study.shares}
    for name, texts in files.items():
        (tmp_path / name).write_text("\n".join(texts) + "\n")
    command = [sys.executable, "-m", "sacrebleu", "ref", "-i", "human", "near", "far"]
    command += ["-m", *METRICS, f"--paired-{option}", f"--paired-{option}-n", "200"]
    # Not as JSON: with numpy 2 and TER that fails in sacreBLEU 2.6.0.
    command += ["-w", "4", "-f", "latex", "--no-color"]
    printed = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"SACREBLEU_SEED": str(seed)},
        check=True,
        capture_output=True,
        encoding="utf-8",
    ).stdout
    rows = study.compare(1, test=test, resampling_seed=seed, comparisons=tmp_path / "comparisons.tsv")
    for condition in ("near", "far"):
        (line,) = re.findall(rf"^ *{condition} &(.*)$", printed, flags=re.MULTILINE)
        theirs = re.findall(r"([\d.]+) (?:\([^p)]*\) )?\(p = ([\d.]+)\)", line)
        ours = [(f"{float(score):.4f}", f"{float(p):.4f}") for _, name, score, _, p, _ in rows if name == condition]
        assert ours == theirs
    for _, _, _, _, _, signature in rows:
        assert signature in printed


def test_planted_difference_is_found(study: Study) -> None:
    found = {(row[0], row[1]): float(row[4]) for row in study.compare(1)}
    assert all(found[metric, "far"] == pytest.approx(1 / 201, abs=1e-6) for metric in METRICS)


def test_same_output_is_no_difference(study: Study) -> None:
    rows = [row for row in study.compare(2) if row[1] == "again"]
    assert [(row[3], row[4]) for row in rows] == [("0.0000", "1.000000")] * 3


def test_processes_change_nothing(study: Study, tmp_path: Path) -> None:
    one = study.compare(1, comparisons=tmp_path / "one.tsv")
    assert study.compare(1, threads=2, comparisons=tmp_path / "two.tsv") == one


def test_seed_of_the_environment_is_not_used(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SACREBLEU_SEED", "99")
    signature = study.compare(1)[0][5]
    assert "seed:12345" in signature


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"baseline": "humans"}, "humans: not among .* allowed: human, near, far, again"),
        ({"resampling_seed": 0}, "must be 1 or more"),
        ({"statistics": ["human"]}, "--statistics human: must be NAME=FILE"),
        ({"metrics": ["bleu"], "statistics": ["human=a=b", "human=c"]}, "each name once"),
    ],
)
def test_wrong_comparisons_are_refused(study: Study, changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        study.compare(1, **changes)


def test_comparisons_are_collected(study: Study) -> None:
    rows = [study.compare(seed) for seed in (1, 2)]
    collect_comparisons.main(
        Namespace(
            runs=study.folder / "runs.tsv",
            comparisons_folder=study.folder / "comparisons",
            significance=study.folder / "significance.tsv",
        )
    )
    columns = ["seed", "metric", "condition", "p_value", "p_holm"]
    table = list(read_rows(study.folder / "significance.tsv", columns))
    assert [row[0] for row in table] == ["1"] * len(rows[0]) + ["2"] * len(rows[1])
    for seed in ("1", "2"):
        found = {name: (p, p_holm) for s, metric, name, p, p_holm in table if (s, metric) == (seed, "bleu")}
        near, far = float(found["near"][0]), float(found["far"][0])  # a family of two
        assert found["again"] == ("1.000000", "")
        assert float(found["far"][1]) == pytest.approx(2 * far, abs=2e-6)
        assert float(found["near"][1]) == pytest.approx(max(near, 2 * far), abs=2e-6)


def test_collecting_comparisons_loads_neither_sacrebleu_nor_numpy() -> None:
    scripts = SCRIPTS
    command = "import sys, evaluate.collect_comparisons; print({'sacrebleu', 'numpy'} & sys.modules.keys() or 'none')"
    done = subprocess.run([sys.executable, "-c", command], cwd=scripts, check=True, capture_output=True, text=True)
    assert done.stdout == "none\n"


def test_files_are_given_under_names() -> None:
    assert named_files("--splits", []) == {}
    assert list(named_files("--splits", ["b=x=y", "a=z"]).items()) == [("b", Path("x=y")), ("a", Path("z"))]
    for wrong in ("a", "a=", "=z"):
        with pytest.raises(UserError, match=f"--splits {wrong}: must be NAME=FILE"):
            named_files("--splits", [wrong])


def test_resamples_do_not_depend_on_their_number() -> None:
    few, many = draw_counts(50, 5, seed=3), draw_counts(50, 9, seed=3)
    assert np.array_equal(few, many[:5])
    assert np.all(many.sum(axis=1) == 50)
    assert not np.array_equal(few, draw_counts(50, 5, seed=4))


def test_totals_are_sums_over_the_resample() -> None:
    counts = np.array([[1, 1, 1], [0, 3, 0]], dtype=np.uint16)
    statistics = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    assert resampled_totals(counts, statistics).tolist() == [[6, 60], [6, 60]]


def test_interval_of_a_mean_is_the_textbook_one() -> None:
    values = np.random.default_rng(1).normal(10, 2, size=(400, 1))
    means = resampled_totals(draw_counts(400, 4000, seed=1), values)[:, 0] / 400
    low, high = interval(means)
    error = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - error, abs=0.03)
    assert high == pytest.approx(values.mean() + error, abs=0.03)


def test_the_p_value_agrees_with_the_interval() -> None:
    assert two_sided_p(np.full(99, 0.0)) == 1
    assert two_sided_p(np.full(99, 2.0)) == pytest.approx(2 / 100)
    assert two_sided_p(np.array([-1.0] * 3 + [1.0] * 96)) == pytest.approx(8 / 100)


def test_p_value_is_uniform_without_a_difference() -> None:
    rng = np.random.default_rng(2)
    counts = draw_counts(100, 200, seed=1)
    samples = rng.normal(size=(300, 100, 1))
    p_values = np.array([two_sided_p(resampled_totals(counts, sample)[:, 0]) for sample in samples])
    assert 0.02 < np.mean(p_values < 0.05) < 0.10


def test_summary_holds_the_runs_scores(study: Study) -> None:
    rows = {(row.condition, row.metric): row for row in study.summarise()}
    scores = [
        json.loads((study.run("far", seed) / "scores.json").read_text())["metrics"]["bleu"]["score"] for seed in (1, 2)
    ]
    row = rows["far", "bleu"]
    assert (row.seeds, row.sentences, row.resamples, row.name) == (2, 60, 300, "BLEU")
    assert row.score.value == pytest.approx(np.mean(scores), abs=1e-3)
    assert (row.score_min, row.score_max) == (min(scores), max(scores))
    assert row.score_sd == pytest.approx(np.std(scores, ddof=1), abs=1e-3)
    assert row.score.low < row.score.value < row.score.high


def test_summary_finds_what_was_planted(study: Study) -> None:
    rows = {(row.condition, row.metric): row for row in study.summarise()}
    assert rows["human", "bleu"].difference is None
    for metric in METRICS:
        far, again = rows["far", metric], rows["again", metric]
        assert far.p_value < 0.05
        assert again.difference == Interval(0, 0, 0)
        assert again.p_value == 1
    assert rows["far", "bleu"].difference.high < 0
    assert rows["far", "ter"].difference.low > 0
    assert rows["far", "ter"].better == "lower"
    near = rows["near", "bleu"]
    assert near.difference.low < near.difference.value < near.difference.high
    assert near.difference.value == pytest.approx(near.score.value - rows["human", "bleu"].score.value, abs=1e-3)


def test_summary_interval_is_that_of_sacrebleu(study: Study) -> None:
    """sacreBLEU's own bootstrap of one run, with other draws, gives about the same interval."""
    from sacrebleu.metrics import BLEU

    row = next(r for r in study.summarise(resamples=1000) if (r.condition, r.metric) == ("far", "bleu"))
    texts = study.texts["far", 1]
    theirs = BLEU().corpus_score(texts, [study.references], n_bootstrap=1000)
    assert row.score.high - row.score.low < 2 * theirs._ci * 1.1


def test_summary_is_the_same_again(study: Study, tmp_path: Path) -> None:
    for name in ("one.tsv", "two.tsv"):
        study.summarise(summary=tmp_path / name)
    assert (tmp_path / "one.tsv").read_bytes() == (tmp_path / "two.tsv").read_bytes()


def test_summary_of_one_seed_and_of_a_wrong_baseline(tmp_path: Path) -> None:
    small = Study(tmp_path, segments=8, seeds=(1,))
    rows = small.summarise()
    assert {row.condition for row in rows if row.difference is None} == {"human"}
    assert {(row.condition == "human", row.baseline) for row in rows} == {(True, ""), (False, "human")}
    assert all(row.score_sd is None for row in rows)
    with pytest.raises(UserError, match=r"--baseline humans: .* no such condition; allowed: human, near, far, again"):
        small.summarise(baseline="humans")
    given = "--runs a --runs-folder b --metrics bleu --target-language en --resamples 1 --resampling-seed 1 --summary c"
    with pytest.raises(SystemExit):
        summarise_conditions.PARSER.parse_args(given.split())


def test_another_condition_changes_no_row(study: Study, tmp_path: Path) -> None:
    whole = study.summarise()
    lines = (study.folder / "runs.tsv").read_text().splitlines(keepends=True)
    (tmp_path / "runs.tsv").write_text("".join(line for line in lines if "\tfar\t" not in line))
    part = study.summarise(runs=tmp_path / "runs.tsv", summary=tmp_path / "summary.tsv")
    assert part == [row for row in whole if row.condition != "far"]
