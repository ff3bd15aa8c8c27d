"""An answer is paid for once: a table of edits and, for each, the jobs that run after it and the requests they send."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_server import Server, fake_llm
from llm_study import read_table
from stale_jobs import Edit, configured, planned_after
from toy_corpus import toy_corpus
from workspace import Workspace, jobs

from workbench.text import hash64, match_key

pytestmark = pytest.mark.slow

STUDY = """\
languages: {source: de, target: en}
corpus:
  kind: files
  files: {train: {source: text/train.de, target: text/train.en}}
splits: {pretrain: 30, pool: 60, valid: 10, test: 10}
generators:
  gpt:
    provider: openai
    model: fake-strong
    base_url: "URL/v1"
    price: {input: 1, output: 2}
    system_prompt: system.txt
  claude:
    provider: anthropic
    model: fake-weak
    base_url: "URL"
    price: {input: 1, output: 2}
quality:
  judge:
    metric: llm_judge
    generators: [gpt]
    provider: openai
    model: fake-medium
    base_url: "URL/v1"
    price: {input: 1, output: 2}
    prompt: judge.txt
conditions:
  human: {mixture: {human: 1}}
  alone: {mixture: {gpt: 1}}
  mixed: {mixture: {gpt: 0.5, claude: 0.5}}
sizes: [50]
llm: {journal: journal.sqlite}
"""
POOL = 60
HUMAN, MIXED, CLAUDE = "human.random", "claude=0.5+gpt=0.5.random", "claude.random"
GPT_TEXT, CLAUDE_TEXT = (f"results/generators/{name}/generated.tsv" for name in ("gpt", "claude"))
JUDGE, JUDGED = "prompt_judge:judge/gpt", "results/quality/judge/judgements/gpt.tsv"
DATASETS = {f"build_dataset:{recipe}" for recipe in (HUMAN, MIXED)}
CORPUS = {"read_files", "clean_corpus", "split_corpus"}


def asked(*generators: str) -> set[str]:
    """The jobs that ask and what hangs on all answers: a source without one leaves every dataset."""
    return {f"prompt_llm:{name}" for name in generators} | {JUDGE, "collect_ledgers"} | DATASETS


def targets(*recipes: str) -> list[str]:
    """What generators and judges write and what is made of it, without any training."""
    return [
        "results/ledger.tsv",
        GPT_TEXT,
        CLAUDE_TEXT,
        JUDGED,
        *(f"results/datasets/{recipe}.tsv" for recipe in recipes),
    ]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with fake_llm() as running:
        yield running


@pytest.fixture(scope="module")
def answered(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A study whose generators and judge have answered everything."""
    workspace = Workspace(tmp_path_factory.mktemp("answered") / "study", STUDY.replace("URL", server.url))
    workspace.write_lines("system.txt", ["You are a translator."])
    shutil.copy(workspace.folder / "resources/prompts/judge.txt", workspace.folder)
    workspace.snakemake("--cores", "2", *targets(HUMAN, MIXED))
    stats = server.stats()["total"]
    assert (stats["answers"], stats["paid_again"]) == (3 * POOL, 0)
    return workspace


def all_of(*edits: Edit) -> Edit:
    def edit(workspace: Workspace) -> None:
        for one in edits:
            one(workspace)

    return edit


def a_pair_more(workspace: Workspace) -> None:
    """Add a pair that the draw puts into the pool, so that no other split changes and one pair leaves the pool."""

    def rank(source: str) -> int:
        row = hash64(f"1\t{match_key(source)}")
        return hash64(f"group\t{row}")

    corpus = workspace.folder / "results/corpus"
    pool = [rank(row["source"]) for row in read_table(corpus / "pool.tsv")]
    before = [rank(row["source"]) for row in read_table(corpus / "pretrain.tsv")]
    assert pool == sorted(pool) and max(before) < min(pool)
    german, english = next(pair for pair in toy_corpus(9000)[1000:] if min(pool) < rank(pair[0]) < max(pool))
    for language, line in (("de", german), ("en", english)):
        with (workspace.folder / f"text/train.{language}").open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


HOW_IT_IS_ASKED = """\
    model: fake-strong
    concurrency: 3
    mode: batch
    max_usd: 1
    requests_per_minute: 5
    attempts: 2
    patience: 9
    timeout: 7
    account: other
    batch: {max_requests: 7}
"""
EXPORT = "workflow/scripts/llm/asking/export.py"

# What asks nothing, and the jobs that it makes Snakemake plan.
PLANS: dict[str, tuple[Edit, set[str]]] = {
    "how it is asked, and a comment": (
        all_of(
            configured(("    model: fake-strong\n", HOW_IT_IS_ASKED)),
            configured(("    model: fake-medium\n", HOW_IT_IS_ASKED.replace("fake-strong", "fake-medium"))),
            configured(("llm: {", "llm: {max_usd: 3, shutdown_notice: 5, ")),
            lambda workspace: workspace.edit(EXPORT, "def export(", "# All of it.\ndef export("),
        ),
        set(),
    ),
    "a condition more": (
        configured(("conditions:\n", "conditions:\n  claude: {mixture: {claude: 1}}\n")),
        {f"build_dataset:{CLAUDE}"},
    ),
    "a judge more": (
        configured(
            (
                "  judge:\n",
                "  other: {metric: llm_judge, generators: [gpt], provider: openai, model: gpt-4o}\n  judge:\n",
            )
        ),
        {"prompt_judge:other/gpt", "collect_ledgers"},
    ),
    "a generator that another stands in for": (
        configured(("    provider: anthropic\n", "    provider: anthropic\n    fallback: human\n")),
        DATASETS,
    ),
    "code of the export": (
        lambda workspace: workspace.edit(EXPORT, "    counts = Counts()\n", "    counts = Counts(0)\n"),
        asked("gpt", "claude"),
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_an_edit_reruns_what_depends_on_it(answered: Workspace, name: str, tmp_path: Path) -> None:
    edit, expected = PLANS[name]
    recipes = [HUMAN, MIXED, CLAUDE] if name == "a condition more" else [HUMAN, MIXED]
    assert planned_after(edit, answered, tmp_path / "study", *targets(*recipes)) == expected


# What makes generators run, the jobs that run until they have, and the requests that they send.
RUNS: dict[str, tuple[Edit, set[str], int]] = {
    "a pair more in the corpus": (a_pair_more, CORPUS | {"prompt_llm:gpt", "prompt_llm:claude", JUDGE}, 3),
    "the system prompt": (
        # What it writes then is the same, and is judged already.
        lambda workspace: workspace.edit("system.txt", "a translator", "an interpreter"),
        {"prompt_llm:gpt", JUDGE},
        POOL,
    ),
    "the judge's prompt": (
        lambda workspace: workspace.edit("judge.txt", "How good is", "Tell how good is"),
        {JUDGE},
        POOL,
    ),
    "a lost export, and a policy": (
        all_of(
            lambda workspace: (workspace.folder / GPT_TEXT).unlink(),
            configured(("    provider: anthropic\n", "    provider: anthropic\n    outcomes: {copy: [drop]}\n")),
        ),
        {"prompt_llm:gpt", "prompt_llm:claude", JUDGE},
        0,
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_an_edit_asks_for_what_is_new_alone(answered: Workspace, server: Server, name: str, tmp_path: Path) -> None:
    edit, expected, requests = RUNS[name]
    workspace = answered.copy(tmp_path / "study")
    before = (workspace.folder / GPT_TEXT).read_bytes()
    edit(workspace)
    server.reset()
    printed = workspace.snakemake("--cores", "2", GPT_TEXT, CLAUDE_TEXT, JUDGED).stdout
    stats = server.stats()["total"]
    assert jobs(printed) == expected
    assert stats["answers"] == stats["distinct"] == requests
    # To look the model up costs nothing; where nothing is asked, nothing is looked up.
    assert stats["requests"] <= requests + 3 * (requests > 0)
    if not requests:
        assert (workspace.folder / GPT_TEXT).read_bytes() == before


def test_a_second_study_with_the_same_journal_pays_nothing(answered: Workspace, server: Server, tmp_path: Path) -> None:
    workspace = answered.copy(tmp_path / "study")
    workspace.edit("study.yaml", "languages: {", "results: second\nlanguages: {")
    server.reset()
    workspace.snakemake("--cores", "2", "second/ledger.tsv")
    assert server.stats()["total"]["requests"] == 0
    rows = {row["generator"]: row for row in read_table(workspace.folder / "second/ledger.tsv")}
    for row in rows.values():
        assert (row["requests"], row["reused"], row["targets"], float(row["usd"])) == ("0", str(POOL), str(POOL), 0)
    assert list(rows) == ["gpt", "claude", "judge judge of gpt"]
    for name in ("gpt", "claude"):
        first, second = (
            workspace.folder / f"{study}/generators/{name}/generated.tsv" for study in ("results", "second")
        )
        assert first.read_bytes() == second.read_bytes()
    row = read_table(workspace.folder / "results/ledger.tsv")[0]
    assert (row["generator"], row["requests"], row["reused"]) == ("gpt", str(POOL), "0")
