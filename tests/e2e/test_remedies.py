"""Remedies from scores and detector to report, for real, on text with planted faults."""

from __future__ import annotations

import csv

import pytest
from toy_corpus import toy_corpus
from workspace import STUDY, Workspace

pytestmark = pytest.mark.slow

GENERATORS = """\
  careless: {provider: files, targets: text/careless.en}
  people: {provider: files, targets: text/people.en, human: true}
quality:
  length: {metric: length}
  agreement: {metric: consensus}
  likelihood: {metric: logprob}
  return: {metric: round_trip, decoding: {beam: 1}}
  blend: {metric: rank_average, of: [length, return]}
"""
CONDITIONS = """\
  careless: {mixture: {careless: 1}}
  length-first: {mixture: {careless: 1}, order: "quality:length"}
  length-last: {mixture: {careless: 1}, order: "quality:length", reverse: true}
  human-like: {mixture: {careless: 1}, order: human_like}
  oracle-first: {mixture: {careless: 1}, order: "quality:oracle"}
  picked: {mixture: {human: 1}, order: "quality:length", order_of: careless}
  both: {mixture: {careless: 0.5, weak: 0.5}, combine: all, remedies: twice}
  twice: {mixture: {weak: 1}, copies: 2}
  steps: {mixture: {careless: 1}, order: "quality:length", schedule: incremental}
"""


def careless(target: str, place: int) -> str:
    """What a careless translator writes: every second target lacks half of its words."""
    words = target.split()
    return " ".join(words[: len(words) // 2]) if place % 2 else target


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished study with every remedy."""
    text = STUDY.replace("  second: {provider: fairseq, from_run: {condition: weak, size: 400}}\n", "")
    text = text.replace("  second: {mixture: {second: 1}}\n", CONDITIONS).replace(
        "conditions:\n", GENERATORS + "conditions:\n"
    )
    text = text.replace("sizes: [400]", "sizes: [100, 200, 400]").replace("training: {", "training: {equal: epochs, ")
    workspace = Workspace(tmp_path_factory.mktemp("remedies") / "study", text)
    targets = [english for _, english in toy_corpus(1000)]
    workspace.write_lines("text/careless.en", [careless(t, place) for place, t in enumerate(targets)])
    workspace.write_lines("text/people.en", [target.replace("The ", "This ") for target in targets])
    workspace.snakemake("--cores", "2")
    return workspace


def table(workspace: Workspace, name: str) -> list[dict[str, str]]:
    """Rows of a table of the results."""
    with (workspace.folder / "results" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def intact(rows: list[dict[str, str]]) -> float:
    """Share of rows whose target is whole: the planted fault is on every other line of the corpus."""
    return sum(int(row["id"].rpartition(":")[2]) % 2 == 1 for row in rows) / len(rows)


@pytest.mark.parametrize("order", ["quality=length", "quality=oracle", "human_like"])
def test_an_order_finds_the_planted_fault(study: Workspace, order: str) -> None:
    rows = table(study, f"datasets/careless.{order}.tsv")
    assert abs(intact(rows) - 0.5) < 0.1
    assert intact(rows[:150]) > 0.9
    assert intact(rows[-150:]) < 0.1


def test_the_reverse_and_the_human_control_take_the_same_sources(study: Workspace) -> None:
    first = [row["id"] for row in table(study, "datasets/careless.quality=length.tsv")]
    assert [row["id"] for row in table(study, "datasets/careless.quality=length.reverse.tsv")] == first[::-1]
    assert [row["id"] for row in table(study, "datasets/human.quality=length.of=careless.tsv")] == first


def test_all_outputs_and_their_control_have_the_same_instances_and_sources(study: Workspace) -> None:
    both, twice = table(study, "datasets/careless+weak.all.random.tsv"), table(study, "datasets/weak.x2.random.tsv")
    assert [row["id"] for row in both] == [row["id"] for row in twice]


def test_the_agreement_with_the_oracle_says_which_score_means_something(study: Workspace) -> None:
    found = {
        (row["generator"], row["quality"]): float(row["spearman"]) for row in table(study, "quality/agreement.tsv")
    }
    assert found["careless", "length"] > 0.5
    assert ("careless", "likelihood") not in found
    assert found["weak", "likelihood"] > 0.2


def test_a_remedy_wins_back_and_its_reverse_does_not(study: Workspace) -> None:
    won = {
        (row["condition"], row["size"]): float(row["won"])
        for row in table(study, "remedies.tsv")
        if row["metric"] == "chrf" and row["won"]
    }
    assert won["length-first", "200"] > won["length-last", "200"] + 3
    assert won["oracle-first", "200"] > 0
    # At the whole pool all orders share one run: nothing is won.
    assert all(abs(won[name, "400"]) < 1e-9 for name in ("length-first", "length-last", "human-like"))


def test_an_incremental_run_goes_on_with_the_one_before(study: Workspace) -> None:
    log = (
        study.folder / "results/logs/train_model/transformer/careless.quality=length.incremental/200/1.log"
    ).read_text()
    assert "results/runs/transformer/careless.quality=length/100/1/model.pt" in log
    assert "num_updates" not in log or "100 instances" in log


def test_the_report_answers_the_three_questions(study: Workspace) -> None:
    page = (study.folder / "results/report/index.html").read_text(encoding="utf-8")
    for heading in ("What does it cost?", "Why?", "What helps, and how much?"):
        assert heading in page
    errors = {
        (row["text"], row["measure"]): float(row["rate"]) for row in table(study, "errors/pool.tsv") if row["rate"]
    }
    assert errors["careless", "omission"] > errors["human", "omission"] + 300


def test_a_second_run_does_nothing(study: Workspace) -> None:
    assert "Nothing to be done" in study.snakemake("--cores", "2").stdout
