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
sizes: [0, 200, 400]
seeds: [1]
learners:
  gpt:
    kind: openai
    model: fake-medium
    base_url: "URL/v1"
    api_key_env: OPENAI_API_KEY
    price: {input: 1, output: 2}
    training_price: 3
    poll_seconds: 0.2
  tiny:
    kind: local
    model: tiny-llm
    method: full
    options: {num_train_epochs: 8, learning_rate: 0.004}
    max_tokens: 500
    decoding: {max_output_factor: 1}
training: {save_every: 20}
llm: {journal: journal.sqlite}
"""
TRAININGS = ["human.random/200", "human.random/400", "garbled.random/200", "garbled.random.incremental/400"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A fake provider whose jobs take a moment."""
    with fake_llm(tuning={"seconds": 0.5}) as server:
        yield server


@pytest.fixture(scope="module")
def studied(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The study, run once."""
    text = STUDY[: STUDY.index("generators:")] + GENERATORS.replace("URL", server.url)
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
    for learner in ("gpt", "tiny"):
        at_zero = {chrf[learner, condition, 0] for condition in ("human", "own", "steps")}
        assert len(at_zero) == 1
        assert chrf[learner, "human", 400] > at_zero.pop()
        assert chrf[learner, "human", 400] > chrf[learner, "steps", 400]  # words in reverse teach no English
    recipes = {row["recipe"] for row in rows(studied, "scores.tsv") if row["learner"] == "tiny"}
    assert {"zero-shot", "self-tiny.random", "garbled.random.incremental"} <= recipes


def test_the_models_are_kept(studied: Workspace) -> None:
    for run in TRAININGS:
        assert (run_folder(studied, "tiny", run) / "model" / "model.safetensors").is_file()
        model = json.loads((run_folder(studied, "gpt", run) / "model.json").read_text(encoding="utf-8"))
        assert model["model"].startswith("ft:fake-medium:")
    start = json.loads((run_folder(studied, "gpt", TRAININGS[2]) / "model.json").read_text(encoding="utf-8"))
    later = json.loads((run_folder(studied, "gpt", TRAININGS[3]) / "model.json").read_text(encoding="utf-8"))
    assert later["start"] == start["model"]


def test_every_job_is_paid_once_and_told(studied: Workspace, server: Server) -> None:
    assert server.stats()["total"]["jobs"] == 6  # three conditions, two sizes
    ledger = rows(studied, "ledger.tsv")
    tunings = [row for row in ledger if row["mode"] == "fine-tuning"]
    assert len(tunings) == 6
    assert all(float(row["usd"]) > 0 for row in tunings)
    assert {"gpt/zero-shot/0/1", "gpt/human.random/400/1", "gpt/human.random/400/1 tuning", "self-gpt"} <= {
        row["generator"] for row in ledger
    }


def test_the_report_tells_whose_text_it_was(studied: Workspace) -> None:
    page = (studied.folder / "results/report/index.html").read_text(encoding="utf-8")
    assert "Before fine-tuning gpt reaches" in page
    assert "on its own text" in page
    assert "learner gpt, fine-tuning" in page
    answer = (studied.folder / "results/answer.txt").read_text(encoding="utf-8")
    assert "With learner tiny, at 400 instances" in answer
    assert "the learner’s own text" in answer


def test_nothing_is_done_or_asked_again(studied: Workspace, server: Server) -> None:
    assert studied.planned() == set()
    before = server.stats()["total"]
    translations = run_folder(studied, "gpt", TRAININGS[0]) / "hypotheses.tsv"
    text = translations.read_bytes()
    for file in (translations, run_folder(studied, "gpt", TRAININGS[1]) / "model.json"):
        file.unlink()
    studied.snakemake("--cores", "2", **KEY)
    after = server.stats()["total"]
    assert translations.read_bytes() == text
    assert (after["answers"], after["jobs"]) == (before["answers"], before["jobs"])
