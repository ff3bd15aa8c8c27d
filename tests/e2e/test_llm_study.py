"""Studies with LLMs as generators and as a judge, against the fake server: from the key to BLEU, interruptions too."""

from __future__ import annotations

import html
import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fake_server import Server, fake_llm
from llm_study import find_keys, read_table, signal_group, traces, wait_until
from workspace import STUDY, Workspace, jobs

from llm.journal import Journal

pytestmark = pytest.mark.slow

# Made up, of characters that are written differently in JSON, in addresses and in Python.
KEYS = {
    "OPENAI_API_KEY": 'sk-made"up/A+b=c\\d&0123456789abcdefghij',
    "ANTHROPIC_API_KEY": 'sk-ant-made"up/Z+y=x%5&9876543210zyxwvuts',
}
GENERATORS = """\
generators:
  gpt:
    provider: openai
    model: fake-strong
    base_url: "URL/v1"
    api_key_env: OPENAI_API_KEY
    log_probabilities: true
    concurrency: 8
    outcomes: {refusal: [drop]}
  gpt_batch:
    provider: openai
    model: fake-medium
    base_url: "URL/v1"
    api_key_env: OPENAI_API_KEY
    mode: batch
    batch: {poll_seconds: 0.2, max_requests: 50}
  local: {provider: openai, model: fake-weak, base_url: "URL/v1"}
  claude: {provider: anthropic, model: fake-claude, base_url: "URL", api_key_env: ANTHROPIC_API_KEY}
  claude_batch:
    provider: anthropic
    model: fake-haiku
    base_url: "URL"
    api_key_env: ANTHROPIC_API_KEY
    mode: batch
    batch: {poll_seconds: 0.2, max_requests: 50}
quality:
  judge:
    metric: llm_judge
    generators: [gpt]
    provider: anthropic
    model: fake-haiku
    base_url: "URL"
    api_key_env: ANTHROPIC_API_KEY
    mode: batch
    batch: {poll_seconds: 0.2}
conditions:
  human: {mixture: {human: 1}}
  alone: {mixture: {gpt: 1}}
  best: {mixture: {gpt: 1}, order: "quality:judge"}
  mixed: {mixture: {gpt: 0.2, gpt_batch: 0.2, local: 0.2, claude: 0.2, claude_batch: 0.2}}
llm: {journal: journal.sqlite}
"""
NAMES = ["gpt", "gpt_batch", "local", "claude", "claude_batch"]
POOL = 120
REFUSED = 0.1
GPT_TEXT = "results/generators/gpt/generated.tsv"


def study_text(url: str) -> str:
    """The small study of all tests, with LLMs as its generators."""
    given = STUDY[: STUDY.index("generators:")] + STUDY[STUDY.index("sizes:") :]
    given = given.replace("pretrain: 400, pool: 400", f"pretrain: 300, pool: {POOL}").replace("[400]", "[60]")
    price = "price: {input: 1, output: 2, batch: 0.5}"
    generators = re.sub(r'( +)base_url: "URL(/v1)?"\n', rf"\g<0>\1{price}\n", GENERATORS)
    generators = re.sub(r'base_url: "URL(/v1)?"([,}])', rf'base_url: "URL\1", {price}\2', generators)
    return given.replace("max-update: 100", "max-update: 60") + generators.replace("URL", url)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    text = Workspace(tmp_path_factory.mktemp("text") / "study").folder / "text"
    with fake_llm(pairs=[text / "train.de", text / "train.en"], refusal=REFUSED) as running:
        yield running


@pytest.fixture(scope="module")
def answered(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, Any]]:
    """A study that has run to its end, and what the server counted."""
    workspace = Workspace(tmp_path_factory.mktemp("answered") / "study", study_text(server.url))
    server.faults(http_500={"share": 0.1, "attempts": 1})
    workspace.snakemake("--cores", "2", **KEYS)
    return workspace, server.stats()


@pytest.fixture
def unasked(answered: tuple[Workspace, dict[str, Any]], server: Server, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of the study in which the generator `gpt` has to ask for everything again, into a new journal."""
    workspace = answered[0].copy(tmp_path / "study")
    workspace.edit("study.yaml", "llm: {journal: journal.sqlite}", "llm: {journal: new.sqlite}")
    (workspace.folder / GPT_TEXT).unlink()
    server.reset(faults=True)
    server.faults(refusal=REFUSED)
    yield workspace
    server.reset(faults=True)


def test_every_kind_of_generator_goes_to_bleu_and_into_the_report(
    answered: tuple[Workspace, dict[str, Any]],
) -> None:
    workspace, served = answered
    results = workspace.folder / "results"
    assert {row["condition"]: float(row["bleu"]) > 0 for row in read_table(results / "scores.tsv")} == {
        "human": True,
        "alone": True,
        "best": True,
        "mixed": True,
    }
    ledgers = {row["generator"]: row for row in read_table(results / "ledger.tsv")}
    judge = ledgers.pop("judge judge of gpt")
    assert list(ledgers) == NAMES
    assert [ledgers[name]["mode"] for name in NAMES] == ["online", "batch", "online", "online", "batch"]
    for row in ledgers.values():
        assert int(row["sources"]) == POOL == int(row["targets"]) + int(row["left_out"])
        assert int(row["requests"]) >= POOL
        assert float(row["usd"]) > 0
    assert 0 < int(ledgers["gpt"]["left_out"]) < POOL / 4
    assert served["total"]["batch_answers"] >= 3 * POOL - int(ledgers["gpt"]["left_out"])
    assert int(judge["sources"]) == int(ledgers["gpt"]["targets"])
    assert (judge["mode"], float(judge["usd"]) > 0) == ("batch", True)
    # What was answered, what was refused and asked for again, what failed at first: all of it is accounted for.
    files = [f"generators/{name}/ledger.json" for name in NAMES] + ["quality/judge/judgements/gpt.ledger.json"]
    full = [json.loads((results / name).read_text(encoding="utf-8")) for name in files]
    assert sum(ledger["answered"] for ledger in full) == served["total"]["answers"]
    assert full[2]["failed"] == full[2]["failures"]["transient"] > 0
    page = html.unescape((results / "report/index.html").read_text(encoding="utf-8"))
    for row in [*ledgers.values(), judge]:
        assert row["usd"] in page and row["served"] in page


def test_a_condition_begins_with_what_the_judge_finds_best(answered: tuple[Workspace, dict[str, Any]]) -> None:
    results = answered[0].folder / "results"
    scores = {row["id"]: row["score"] for row in read_table(results / "quality/judge/judgements/gpt.tsv")}
    (path,) = (results / "datasets").glob("gpt.*judge*.tsv")
    ordered = [int(scores[row["id"]] or -1) for row in read_table(path)]
    assert ordered == sorted(ordered, reverse=True) and len(set(ordered)) > 1


def test_a_server_without_a_key_gets_none(answered: tuple[Workspace, dict[str, Any]]) -> None:
    keys = answered[1]["keys"]
    assert len(keys) == 3
    assert keys["no-key"]["models"] == {"fake-weak": keys["no-key"]["answers"]}


def test_what_a_generator_has_no_target_for_leaves_every_condition(
    answered: tuple[Workspace, dict[str, Any]],
) -> None:
    results = answered[0].folder / "results"
    missing = set()
    for name in NAMES:
        texts = {row["id"] for row in read_table(results / f"generators/{name}/generated.tsv")}
        rejects = {row["id"] for row in read_table(results / f"generators/{name}/rejects.tsv")}
        pool = {row["id"] for row in read_table(results / "corpus/pool.tsv")}
        assert pool - texts <= rejects
        missing |= pool - texts
    orders = [
        [(row["id"], row["source"]) for row in read_table(path)]
        for path in sorted((results / "datasets").glob("*.tsv"))
    ]
    assert len(orders) == 4 and all(sorted(order) == sorted(orders[0]) for order in orders)
    assert {identifier for identifier, _ in orders[0]} == pool - missing


def test_no_file_holds_a_key(answered: tuple[Workspace, dict[str, Any]]) -> None:
    folder = answered[0].folder
    assert (folder / "journal.sqlite").stat().st_size > 100_000
    assert list((folder / ".snakemake").rglob("*.snakemake.log"))
    assert find_keys(folder, list(KEYS.values())) == []


def test_the_search_for_keys_finds_them(tmp_path: Path) -> None:
    key = KEYS["OPENAI_API_KEY"]
    for form, pattern in traces(key).items():
        (tmp_path / "log").write_bytes(b"before " + pattern + b" after")
        assert any(form in line for line in find_keys(tmp_path, [key])), form
    with Journal(tmp_path / "journal.sqlite", "study", "gpt", sdk=key):
        (tmp_path / "log").unlink()
        assert find_keys(tmp_path, [key]) == []


def test_how_it_is_asked_makes_nothing_stale(answered: tuple[Workspace, dict[str, Any]], tmp_path: Path) -> None:
    workspace = answered[0].copy(tmp_path / "study")
    assert workspace.planned() == set()
    workspace.edit("study.yaml", "concurrency: 8", "concurrency: 3\n    mode: batch\n    max_usd: 1")
    workspace.edit("study.yaml", "llm: {", "llm: {max_usd: 7, ")
    assert workspace.planned() == set()
    # All answers are there: to see what a study costs takes no key and no request.
    printed = workspace.snakemake("--cores", "1", "estimate").stdout
    assert re.search(r"^the study +0 +\$0\.00 ", printed, re.MULTILINE)
    assert "llm.max_usd: $7.00" in printed


def start(workspace: Workspace) -> subprocess.Popen[str]:
    """Snakemake on what the generator `gpt` writes, in its own process group, as in a terminal."""
    with (workspace.folder / "printed.txt").open("w") as printed:
        return subprocess.Popen(
            workspace.command("--cores", "2", GPT_TEXT),
            cwd=workspace.folder,
            env=workspace.environment(KEYS),
            text=True,
            stdout=printed,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


def interrupted(workspace: Workspace, server: Server, number: signal.Signals) -> subprocess.Popen[str]:
    """A run that gets a signal when a third of the pool is answered."""
    process = start(workspace)
    try:
        wait_until(lambda: server.stats()["total"]["answers"] >= POOL / 3, process)
    finally:
        with suppress(ProcessLookupError):
            signal_group(process, number)
    return process


def answers_in(journal: Path) -> int:
    with Journal.open_reading(journal) as reading:
        return reading.read("SELECT count(*) FROM attempts WHERE state = 'answered'")[0][0]


def test_killed_while_asking_the_same_command_ends_in_the_same_text(
    answered: tuple[Workspace, dict[str, Any]], unasked: Workspace, server: Server
) -> None:
    server.faults(latency=0.3)
    interrupted(unasked, server, signal.SIGKILL).wait()
    unasked.wait_for_end()
    assert not (unasked.folder / GPT_TEXT).exists()
    server.faults(latency=None)
    unasked.snakemake("--cores", "2", GPT_TEXT, **KEYS)
    assert (unasked.folder / GPT_TEXT).read_bytes() == (answered[0].folder / GPT_TEXT).read_bytes()
    stats = server.stats()["total"]
    assert stats["distinct"] == POOL
    assert stats["paid_again"] <= 8
    assert find_keys(unasked.folder, list(KEYS.values())) == []


def test_interrupted_while_asking_no_paid_answer_is_lost(
    answered: tuple[Workspace, dict[str, Any]], unasked: Workspace, server: Server
) -> None:
    server.faults(latency=0.3)
    process = interrupted(unasked, server, signal.SIGINT)
    before = time.monotonic()
    process.wait(timeout=60)
    assert time.monotonic() - before < 15
    assert process.returncode != 0
    paid = server.stats()["total"]["answers"]
    assert POOL / 3 <= paid < POOL
    assert answers_in(unasked.folder / "new.sqlite") == paid
    printed = (unasked.folder / "printed.txt").read_text(encoding="utf-8")
    assert "[gpt] ERROR: interrupted" in printed
    assert "Traceback" not in printed
    server.faults(latency=None)
    unasked.snakemake("--cores", "2", GPT_TEXT, **KEYS)
    stats = server.stats()["total"]
    assert (stats["answers"], stats["paid_again"]) == (POOL, 0)
    assert (unasked.folder / GPT_TEXT).read_bytes() == (answered[0].folder / GPT_TEXT).read_bytes()


def test_a_study_over_its_budget_does_not_start(unasked: Workspace, server: Server) -> None:
    unasked.edit("study.yaml", "llm: {", "llm: {max_usd: 0.0001, ")
    failed = unasked.snakemake("--cores", "1", GPT_TEXT, check=False, **KEYS)
    assert failed.returncode != 0
    assert server.stats()["total"]["requests"] == 0
    (line,) = [line for line in failed.stdout.splitlines() if line.startswith("[gpt] ERROR: ")]
    assert "llm.max_usd" in line
    assert "Traceback" not in failed.stdout


def test_a_missing_key_is_said_before_the_first_job(unasked: Workspace, server: Server) -> None:
    failed = unasked.snakemake("--cores", "1", GPT_TEXT, check=False, OPENAI_API_KEY="")
    assert failed.returncode != 0
    assert server.stats()["total"]["requests"] == 0
    lines = [line for line in failed.stdout.splitlines() if "OPENAI_API_KEY" in line]
    assert lines == [
        "generators.gpt.api_key_env: the environment has no OPENAI_API_KEY, which gpt needs: "
        "export OPENAI_API_KEY=…, or set api_key_env"
    ]
    assert "Traceback" not in failed.stdout
    assert jobs(failed.stdout) == set() and not (unasked.folder / "new.sqlite").exists()
