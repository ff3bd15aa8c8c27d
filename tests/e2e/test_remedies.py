"""Remedies from scores and detector to report, for real, on text with planted faults."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from toy_corpus import toy_corpus
from workspace import STUDY, Workspace

pytestmark = pytest.mark.slow

PARTS = """\
generators:
  careless: {provider: files, targets: text/careless.en}
  people: {provider: files, targets: text/people.en, human: true}
quality:
  length: {metric: length}
  return: {metric: round_trip, decoding: {beam: 1}}
  blend: {metric: rank_average, of: [length, return]}
conditions:
  human: {mixture: {human: 1}}
  careless: {mixture: {careless: 1}}
  length-first: {mixture: {careless: 1}, order: "quality:length"}
  length-last: {mixture: {careless: 1}, order: "quality:length", reverse: true}
  human-like: {mixture: {careless: 1}, order: human_like}
  steps: {mixture: {careless: 1}, order: "quality:length", schedule: incremental}
sizes: [200, 400]
"""


def careless(target: str, place: int) -> str:
    """What a careless translator writes: every second target lacks half of its words."""
    words = target.split()
    return " ".join(words[: len(words) // 2]) if place % 2 else target


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished study with every remedy."""
    start, end = STUDY.index("generators:"), STUDY.index("seeds:")
    text = STUDY[:start] + PARTS + STUDY[end:].replace("training: {", "training: {equal: epochs, ")
    text = text.replace("max-update: 100", "max-update: 300")
    workspace = Workspace(tmp_path_factory.mktemp("remedies") / "study", text)
    targets = [english for _, english in toy_corpus(1000)]
    workspace.write_lines("text/careless.en", [careless(t, place) for place, t in enumerate(targets)])
    workspace.write_lines("text/people.en", [target.replace("The ", "This ") for target in targets])
    workspace.analysis = workspace.snakemake("--cores", "2", "analysis").stdout
    workspace.snakemake("--cores", "2")
    return workspace


def table(workspace: Workspace, name: str) -> list[dict[str, str]]:
    """Rows of a table of the results."""
    with (workspace.folder / "results" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def intact(rows: list[dict[str, str]]) -> float:
    """Share of rows whose target is whole: the planted fault is on every other line of the corpus."""
    return sum(int(row["id"].rpartition(":")[2]) % 2 == 1 for row in rows) / len(rows)


def test_the_analysis_trains_no_learner(study: Workspace) -> None:
    assert "rule train_model" not in study.analysis
    page = (study.folder / "results/analysis/index.html").read_text(encoding="utf-8")
    assert "Why might training on machine-written text cost anything?" in page


@pytest.mark.parametrize("order", ["quality=length", "human_like"])
def test_an_order_finds_the_planted_fault(study: Workspace, order: str) -> None:
    rows = table(study, f"datasets/careless.{order}.tsv")
    assert abs(intact(rows) - 0.5) < 0.1
    assert intact(rows[:150]) > 0.9
    assert intact(rows[-150:]) < 0.1


def test_the_agreement_with_the_oracle_says_which_score_means_something(study: Workspace) -> None:
    found = {row["quality"]: row for row in table(study, "quality/agreement.tsv")}
    assert found.keys() == {"length", "return", "blend", "oracle"}
    assert float(found["length"]["spearman"]) > 0.5
    assert found["oracle"]["practical"] == "no"


def test_errors_are_beside_the_human_floor(study: Workspace) -> None:
    rows = {(row["text"], row["measure"]): row for row in table(study, "errors/pool.tsv")}
    assert float(rows["careless", "omission"]["rate"]) > float(rows["careless", "omission"]["floor"]) + 100
    assert float(rows["careless", "omission"]["p_holm"]) < 0.05


def test_a_remedy_wins_back_and_its_reverse_does_not(study: Workspace) -> None:
    won = {
        (row["condition"], row["size"]): float(row["won"])
        for row in table(study, "remedies.tsv")
        if row["metric"] == "chrf" and row["won"]
    }
    assert won["length-first", "200"] > won["length-last", "200"] + 3
    # At the whole pool all orders share one run: nothing is won.
    assert all(won[name, "400"] == 0 for name in ("length-first", "length-last", "human-like"))


def test_an_incremental_run_goes_on_with_the_one_before(study: Workspace) -> None:
    run = "logs/train_model/transformer/careless.quality=length.incremental/400/1.log"
    log = (study.folder / "results" / run).read_text(encoding="utf-8")
    assert "results/runs/transformer/careless.quality=length/200/1/model.pt" in log
    assert "200 instances, 150 updates" in log  # half of the pool is new, so half of the updates


def test_the_report_answers_the_three_questions(study: Workspace) -> None:
    page = (study.folder / "results/report/index.html").read_text(encoding="utf-8")
    for heading in ("What does it cost?", "Why?", "What helps, and how much?"):
        assert heading in page
    assert len((study.folder / "results/answer.txt").read_text(encoding="utf-8").splitlines()) == 3


# The length is scored again, what is averaged with it, and what is ordered by it, from the dataset to the report.
LENGTH_CHANGED = {
    *("score_quality:length/careless", "score_quality:blend/careless", "compare_quality", "plot_agreement"),
    *(f"build_dataset:careless.quality=length{end}" for end in ("", ".reverse")),
    *(
        f"{rule}:transformer/careless.quality=length{end}/1"
        for rule in ("train_model", "translate_test", "score_run")
        for end in ("/200", ".reverse/200", ".incremental/400")
    ),
    *("find_run_errors:transformer/careless.quality=length.incremental/400/1",),
    *("measure_run_diversity:transformer/careless.quality=length.incremental/400",),
    *("compare_runs:transformer/200/1", "compare_runs:transformer/400/1", "collect_scores", "collect_comparisons"),
    *("summarise_conditions", "contrast_conditions", "collect_run_errors", "collect_run_diversity"),
    *("plot_errors:test", "plot_diversity:test", "plot_learning_curve", "plot_conditions", "plot_remedies"),
    *("write_report", "write_analysis", "analysis"),
}


@pytest.mark.parametrize(
    ("old", "new", "jobs"),
    [
        ("_TO_DEVIATION = ", "# A comment.\n_TO_DEVIATION = ", set()),
        ("_TO_DEVIATION = 1.482602", "_TO_DEVIATION = 1.5", LENGTH_CHANGED),
    ],
)
def test_an_edit_of_a_metric_reruns_exactly_what_depends_on_it(
    study: Workspace, old: str, new: str, jobs: set[str], tmp_path: Path
) -> None:
    workspace = study.copy(tmp_path / "study")
    workspace.edit("workflow/scripts/curate/quality/length.py", old, new)
    assert workspace.planned("all", "analysis") == jobs


def test_a_second_run_does_nothing(study: Workspace) -> None:
    assert "Nothing to be done" in study.snakemake("--cores", "2").stdout
