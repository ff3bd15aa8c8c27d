"""The tool shows what was asked and paid, exports it, and removes nothing unasked."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
from pathlib import Path

import pytest
from paths import ROOT
from warm_python import python

from llm.calls import Answer, Call, Failure, FailureKind, Finish, Reply, Usage
from llm.journal import Journal, Ticket
from llm.journal.ledger import ledger

COST = 0.0625


def call(number: int) -> Call:
    return Call("openai", "http://server/v1", "v1", {"model": "m", "messages": [{"content": f"Größe {number}"}]})


def add_batch(db: sqlite3.Connection) -> None:
    db.execute(
        "INSERT INTO batches(intent, study, generator, provider, account, state, requests, created) "
        "VALUES ('i', 's', 'g', 'openai', 'a', 'ended', 9, 0)"
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Three answers of two generators, one failed attempt and a batch."""
    path = tmp_path / "answers.sqlite"

    async def ask(journal: Journal, number: int, failed: bool) -> None:
        ticket = await journal.begin(call(number), 1.0)
        assert isinstance(ticket, Ticket)
        if failed:
            await journal.fail(ticket, Failure(FailureKind.THROTTLED, "too fast", status=429, raw="slow down"), 0.0)
            return
        answer = Answer("size", Finish.STOP, None, "m-2026", None, None, None, Usage(1200, 5))
        await journal.finish(ticket, Reply('{"text": "size"}' * 100, {"x-request-id": "r"}), answer, COST)

    for generator, number, failed in (("gpt", 1, True), ("gpt", 1, False), ("gpt", 2, False), ("other", 3, False)):
        with Journal(path, "study", generator) as journal:
            asyncio.run(ask(journal, number, failed))
            if failed:
                asyncio.run(journal.write(add_batch))
    return path


def tool(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python(), ROOT / "tools" / "journal", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
    )


def answered(path: Path) -> list[bool]:
    with Journal.open_reading(path) as journal:
        return [journal.answered(call(number).key) is not None for number in (1, 2, 3)]


def test_show_prints_a_row_for_each_generator(path: Path) -> None:
    output = tool("show", path).stdout
    header, gpt, other, empty, _, batch = output.splitlines()
    assert header.split()[:5] == ["study", "generator", "requests", "answered", "failed"]
    assert gpt.split()[:8] == ["study", "gpt", "3", "2", "1", "1", "0", "0"]
    assert "2,400" in gpt and "0.1250" in gpt and "m-2026 (2)" in gpt
    assert other.split()[:5] == ["study", "other", "1", "1", "0"]
    assert empty == ""
    assert batch.split()[:5] == ["1", "s", "g", "openai", "ended"]


def test_it_starts_as_people_type_it() -> None:
    done = subprocess.run([ROOT / "tools" / "journal", "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "export" in done.stdout


def test_show_says_who_is_at_work(path: Path) -> None:
    with Journal(path, "study", "gpt"):
        assert f"in use by process {os.getpid()} on " in tool("show", path).stdout
    assert "in use" not in tool("show", path).stdout


def test_show_prints_a_call_with_its_attempts(path: Path) -> None:
    output = tool("show", path, call(1).key[:12]).stdout
    assert output.startswith(f"key {call(1).key}\nopenai http://server/v1 v1, sample 0\n")
    assert "Größe 1" in output
    assert output.index("throttled") < output.index("slow down") < output.index("answered")
    assert "fits no call" in tool("show", path, "zzz").stdout
    result = tool("show", path, "")
    assert result.returncode == 0


def test_export_writes_calls_and_answers_as_json_lines(path: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in tool("export", path).stdout.splitlines()]
    assert [line["key"] for line in lines] == [call(number).key for number in (1, 2, 3)]
    first = lines[0]
    assert first["body"] == call(1).body
    assert (first["model"], first["usd"], first["generator"], first["headers"]) == (
        "m-2026",
        COST,
        "gpt",
        {"x-request-id": "r"},
    )
    output = tmp_path / "export.jsonl"
    assert "1 answers" in tool("export", path, "--generator", "other", "--output", output).stdout
    assert json.loads(output.read_text(encoding="utf-8"))["key"] == call(3).key


def test_prune_says_what_it_would_do_first(path: Path) -> None:
    before = path.read_bytes()
    result = tool("prune", path, "--generator", "gpt")
    assert "would remove the texts of 1 failed attempts and 2 answers ($0.1250:" in result.stdout
    assert "run again with --yes" in result.stdout
    assert path.read_bytes() == before
    assert answered(path) == [True, True, True]


def test_prune_without_a_selection_keeps_every_answer(path: Path) -> None:
    result = tool("prune", path, "--yes")
    assert "removed the texts of 1 failed attempts and no answer" in result.stdout
    assert answered(path) == [True, True, True]
    assert "slow down" not in tool("show", path, call(1).key).stdout


def test_pruned_answers_are_asked_again_and_stay_in_the_accounts(path: Path) -> None:
    assert "2 answers" in tool("prune", path, "--generator", "gpt", "--yes").stdout
    assert answered(path) == [False, False, True]
    assert tool("prune", path, "--older-than", "1", "--yes").stdout.count(" 0 answers") == 1
    with Journal(path, "study", "gpt") as journal:
        accounts = ledger(journal, "study", "gpt")
        assert (accounts["requests"], accounts["answered"], accounts["pruned"]) == (3, 2, 2)
        assert accounts["usd"] == journal.spent()[1] == 2 * COST
        assert journal.read("SELECT count(*) FROM calls") == [(1,)]
        assert isinstance(asyncio.run(journal.begin(call(1), 1.0)), Ticket)


def test_prune_waits_for_whoever_is_at_work(path: Path) -> None:
    with Journal(path, "study", "gpt"):
        result = tool("prune", path, "--generator", "gpt", "--yes")
    assert result.returncode == 1
    assert f"process {os.getpid()} on " in result.stdout
    assert answered(path) == [True, True, True]


@pytest.mark.parametrize("command", ["show", "export", "prune"])
def test_a_file_that_is_not_a_journal_is_one_line_of_error(tmp_path: Path, command: str) -> None:
    text = tmp_path / "pool.tsv"
    text.write_text("id\tsource\n")
    for path, message in ((text, "is not a journal of LLM answers"), (tmp_path / "none", "there is no journal")):
        result = tool(command, path)
        assert result.returncode == 1
        assert len(result.stdout.splitlines()) == 1
        assert message in result.stdout
    assert [entry.name for entry in tmp_path.iterdir()] == ["pool.tsv"]


def add_job(path: Path, state: str) -> None:
    """A fine-tuning job with the number 1, as the batch has."""
    job = {
        **{"id": 1, "intent": "job-intent", "key": "k", "study": "s", "generator": "g", "run": "r"},
        **{"provider": "openai", "base_url": "http://server/v1", "account": "a", "model": "m"},
        **{"training_file": "f", "instances": 9, "state": state, "worst_usd": 1.0, "usd_per_million": 1.0},
        **{"created": 0, "submitted": 0, "request": "{}"},
    }
    with sqlite3.connect(path) as db:
        db.execute(f"INSERT INTO tunings({', '.join(job)}) VALUES ({', '.join('?' * len(job))})", tuple(job.values()))


def test_forget_takes_a_number_for_what_has_not_ended(path: Path) -> None:
    assert "there is no batch and no fine-tuning job '7'" in tool("forget", path, 7).stdout
    assert "batch 1 of generator 'g' (9 requests, ended) would be given up" in tool("forget", path, 1).stdout
    add_job(path, "failed")
    assert "batch 1 of generator" in tool("forget", path, 1).stdout
    assert "job job-intent cannot be given up: it is failed" in tool("forget", path, "job-intent").stdout


def test_forget_does_not_guess_between_a_batch_and_a_job(path: Path) -> None:
    add_job(path, "created")
    result = tool("forget", path, 1, "--yes")
    assert result.returncode == 1
    assert "1 is the number of a batch and of a fine-tuning job" in result.stdout
    assert "job job-intent of s r (created) is given up" in tool("forget", path, "job-intent", "--yes").stdout
    assert "batch 1 of generator 'g' (9 requests, ended) is given up: 0" in tool("forget", path, "i", "--yes").stdout
