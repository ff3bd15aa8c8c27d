"""LLMs as learners, a hosted one against the fake server and a tiny local one: from the corpus to scores and report."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_server import Server, fake_llm
from tiny_llm import tiny_llm
from toy_corpus import toy_corpus
from workspace import STUDY, Workspace

pytestmark = pytest.mark.slow

KEY = {"OPENAI_API_KEY": "sk-made-up-0123456789"}
GENERATORS = """\
generators:
  garbled: {provider: files, targets: text/garbled.en}
conditions:
  human: {mixture: {human: 1}}
  own: {mixture: {self: 1}}
  steps: {mixture: {garbled: 1}, schedule: incremental}
sizes: [0, 100, 200]
seeds: [1]
learners:
  gpt:
    kind: openai
    model: fake-medium
    conditions: [human, steps]
    base_url: "URL/v1"
    api_key_env: OPENAI_API_KEY
    price: {input: 1, output: 2}
    training_price: 3
    poll_seconds: 0.2
  tiny:
    kind: local
    model: tiny-llm
    conditions: [human, own]
    method: full
    options: {num_train_epochs: 8, learning_rate: 0.004}
    max_tokens: 500
    decoding: {max_output_factor: 1}
training: {save_every: 20}
llm: {journal: journal.sqlite}
"""
TRAININGS = ["human.random/100", "human.random/200", "garbled.random/100", "garbled.random.incremental/200"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A fake provider whose jobs take a moment."""
    with fake_llm(tuning={"seconds": 0.5}) as server:
        yield server


@pytest.fixture(scope="module")
def studied(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The study, run once."""
    text = STUDY[: STUDY.index("generators:")].replace("pool: 400", "pool: 200") + GENERATORS.replace("URL", server.url)
    workspace = Workspace(tmp_path_factory.mktemp("learners") / "study", text)
    texts = [text for pair in toy_corpus(1000) for text in pair]
    prompt = (workspace.folder / "resources/prompts/translate.txt").read_text(encoding="utf-8")
    tiny_llm(workspace.folder / "tiny-llm", [prompt, "German", "English", *texts])
    workspace.snakemake("--cores", "2", **KEY)
    return workspace


def rows(workspace: Workspace, name: str) -> list[dict[str, str]]:
    """The rows of a table of the results."""
    with (workspace.folder / "results" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def run_folder(workspace: Workspace, learner: str, run: str) -> Path:
    """Folder of a run of the first seed."""
    return workspace.folder / "results" / "runs" / learner / run / "1"


def test_both_learners_go_from_zero_shot_to_the_largest_size(studied: Workspace) -> None:
    chrf = {
        (row["learner"], row["condition"], int(row["size"])): float(row["score"])
        for row in rows(studied, "summary.tsv")
        if row["metric"] == "chrf"
    }
    for learner, other in (
        ("gpt", "steps"),
        ("tiny", "own"),
    ):  # words in reverse and what no one taught teach no English
        assert chrf[learner, "human", 0] == chrf[learner, other, 0]
        assert chrf[learner, "human", 200] > max(chrf[learner, "human", 0], chrf[learner, other, 200])
    recipes = {(row["learner"], row["recipe"]) for row in rows(studied, "scores.tsv")}
    assert {("gpt", "zero-shot"), ("gpt", "garbled.random.incremental"), ("tiny", "self-tiny.random")} <= recipes


def test_the_models_are_kept(studied: Workspace) -> None:
    assert (run_folder(studied, "tiny", "self-tiny.random/200") / "model" / "model.safetensors").is_file()
    for run in TRAININGS:
        model = json.loads((run_folder(studied, "gpt", run) / "model.json").read_text(encoding="utf-8"))
        assert model["model"].startswith("ft:fake-medium:")
    start = json.loads((run_folder(studied, "gpt", TRAININGS[2]) / "model.json").read_text(encoding="utf-8"))
    later = json.loads((run_folder(studied, "gpt", TRAININGS[3]) / "model.json").read_text(encoding="utf-8"))
    assert later["start"] == start["model"]


def test_every_job_is_paid_once_and_told(studied: Workspace, server: Server) -> None:
    assert server.stats()["total"]["jobs"] == len(TRAININGS)
    ledger = rows(studied, "ledger.tsv")
    tunings = [row for row in ledger if row["mode"] == "fine-tuning"]
    assert len(tunings) == len(TRAININGS)
    assert all(float(row["usd"]) > 0 for row in tunings)
    runs = {row["generator"] for row in ledger}
    assert {"gpt/zero-shot/0/1", "gpt/human.random/200/1", "gpt/human.random/200/1 tuning"} <= runs


def test_the_report_tells_whose_text_it_was(studied: Workspace) -> None:
    page = (studied.folder / "results/report/index.html").read_text(encoding="utf-8")
    assert "Before fine-tuning, gpt scores" in page
    assert "<td>self</td>" in page
    assert "learner gpt, fine-tuning" in page
    answer = (studied.folder / "results/answer.txt").read_text(encoding="utf-8")
    assert "With learner tiny, at 200 instances" in answer
    assert "text written by self" in answer


def test_nothing_is_done_or_asked_again(studied: Workspace, server: Server) -> None:
    assert studied.planned() == set()
    before = server.stats()["total"]
    lost = [run_folder(studied, "gpt", TRAININGS[0]) / name for name in ("model.json", "hypotheses.tsv")]
    texts = [file.read_bytes() for file in lost]
    for file in lost:
        file.unlink()
    studied.snakemake("--cores", "2", *(str(file.relative_to(studied.folder)) for file in lost), **KEY)
    after = server.stats()["total"]
    assert [file.read_bytes() for file in lost] == texts
    assert (after["answers"], after["jobs"]) == (before["answers"], before["jobs"])


def test_adapter_and_base_are_merged_on_demand_only_where_there_is_an_adapter(studied: Workspace) -> None:
    whole = studied.snakemake("--cores", "1", "results/runs/tiny/human.random/200/1/merged", check=False)
    assert "a model that was fine-tuned as a whole needs none" in whole.stdout
