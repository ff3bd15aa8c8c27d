"""A journal is safe from what servers claim, from damaged rows and files, and from a terminal that closes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_server import Server, fake_llm
from journalling import COST, WORST, accounts_agree, answer, ask, call, reply, states, wait_for
from llm_study import Generator, toy_sources
from paths import ROOT, SCRIPTS

from llm.calls import Usage
from llm.journal import Journal, Stored, Ticket
from llm.journal.ledger import ledger
from workbench.cli import UserError


@pytest.mark.parametrize("tokens", [10**19, 10**15, -1, -(10**19), 0])
@pytest.mark.parametrize("usd", [float("inf"), float("nan"), -60.0, 1e15, COST])
def test_no_count_of_a_server_breaks_the_accounts(tmp_path: Path, tokens: int, usd: float) -> None:
    async def go(journal: Journal) -> Stored:
        ticket = await journal.begin(call(1), WORST)
        assert isinstance(ticket, Ticket)
        return await journal.finish(ticket, reply(), replace(answer(), usage=Usage(tokens, tokens, tokens)), usd)

    with Journal(tmp_path / "journal.sqlite", "study", "gpt") as journal:
        stored = wait_for(lambda: go(journal))
        assert stored.usd == (COST if usd == COST else WORST)
        assert 0 <= stored.input_tokens <= 10**12
        assert journal.spent() == (stored.usd, stored.usd)
        assert ledger(journal, "study", "gpt")["output_tokens"] == stored.output_tokens
        accounts_agree(journal)


def test_an_older_journal_with_absurd_accounts_is_mended_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path, "study", "gpt") as journal:
        for number in range(3):
            wait_for(lambda number=number: ask(journal, number))
    db = sqlite3.connect(path)
    db.execute("DELETE FROM meta WHERE name = 'mended'")
    db.execute("UPDATE attempts SET usd = -60, input_tokens = -5, output_tokens = 9000000000000000000 WHERE id = 2")
    db.execute("UPDATE attempts SET usd = 1e9 WHERE id = 3")
    db.execute("UPDATE spend SET usd = -59.0")
    db.commit()
    db.close()
    with Journal.open_reading(path, "study", "gpt") as journal:  # it cannot be changed here, and is read with care
        assert journal.spent() == (0.0, 0.0)
        assert ledger(journal, "study", "gpt")["input_tokens"] == 20
    for _ in range(2):
        with Journal(path, "study", "gpt") as journal:
            assert journal.spent() == (COST + 2 * WORST,) * 2
            accounts_agree(journal)


def test_a_link_to_a_journal_is_the_same_journal(tmp_path: Path) -> None:
    path, link = tmp_path / "journal.sqlite", tmp_path / "elsewhere" / "link.sqlite"
    link.parent.mkdir()
    link.symlink_to(path)
    with Journal(path, "study", "gpt") as journal:
        wait_for(lambda: journal.begin(call(1), WORST))
        with Journal(link, "study", "gpt") as other:
            assert states(other) == {"sent": 1}
            assert len(other.workers()) == 2
    assert [entry.name for entry in link.parent.iterdir()] == ["link.sqlite"]


def test_a_damaged_file_is_left_as_it_is_and_the_remedy_works(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path, "study", "gpt") as journal:
        for number in range(30):
            wait_for(lambda number=number: ask(journal, number))
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"\xff" * 4096 + whole[4096:], whole[:1000]):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"copy it aside|not a journal"), Journal(path, "study", "gpt") as journal:
            journal.answered(call(1).key)
        assert path.read_bytes() == damaged


# A study


def spoil(generator: Generator, change: str, attempts: str = "id = 2") -> None:
    db = sqlite3.connect(generator.folder / "journal.sqlite")
    db.execute(f"UPDATE attempts SET {change} WHERE {attempts}")
    db.commit()
    db.close()


def journal_tool(generator: Generator, *arguments: str) -> str:
    command = [ROOT / "tools" / "journal", arguments[0], generator.folder / "journal.sqlite", *arguments[1:]]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("change", ["raw = substr(raw, 1, 40)", "raw = '{}'", "raw = NULL", "raw = x'ff00'"])
def test_a_damaged_answer_is_named_and_asked_again_after_the_command_that_is_given(
    server: Server, tmp_path: Path, change: str
) -> None:
    generator = Generator(tmp_path, server, toy_sources(4), outcomes={"failed": ["stop"]})
    generator.run()
    spoil(generator, change)
    spoil(generator, "headers = '{\"x'", "id = 3")
    (tmp_path / "generated.tsv").unlink()
    for _ in range(2):
        with pytest.raises(UserError, match="1 of 4 sources stop the study") as stopped:
            generator.run()
        assert "attempt 2" in str(stopped.value) and "Run again" not in str(stopped.value)
        assert f"tools/journal prune {tmp_path / 'journal.sqlite'} --unreadable --yes" in str(stopped.value)
    would, did = (journal_tool(generator, "prune", "--unreadable", *sure) for sure in ((), ("--yes",)))
    assert "would remove" in would and "1 answers" in would and "1 answers" in did
    generator.run()
    assert server.stats()["total"]["answers"] == 5
    assert len(generator.table("generated")) == 4
    generator.check_accounts()


def test_a_pipe_that_closes_in_mid_run_loses_nothing(server: Server, tmp_path: Path) -> None:
    server.faults(latency=0.2)
    generator = Generator(tmp_path, server, toy_sources(8), concurrency=1)
    process = generator.start(PYTHONUNBUFFERED="1")
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(60) == 0
    assert "Traceback" not in generator.log and "Logging error" not in generator.log
    assert len(generator.table("generated")) == 8
    generator.check_accounts()


def test_without_a_log_a_closed_pipe_is_no_traceback_either(server: Server, tmp_path: Path) -> None:
    generator = Generator(tmp_path, server, toy_sources(3))
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, str(SCRIPTS / "llm/prompt_llm.py"), *generator.arguments()]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, env=environment, timeout=60)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
    generator.check_accounts()


def test_a_terminal_that_is_closed_stops_the_run_as_an_interrupt_does(server: Server, tmp_path: Path) -> None:
    server.faults(latency=0.3)
    generator = Generator(tmp_path, server, toy_sources(30), concurrency=2)
    process = generator.start()
    deadline = time.monotonic() + 60
    while not server.stats()["total"].get("answers") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.stdout is not None
    process.stdout.close()
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 130
    assert "Traceback" not in generator.log and "ERROR interrupted" in generator.log
    server.faults(latency=0.0)
    generator.run()
    assert server.stats()["total"]["paid_again"] == 0
    generator.check_accounts()


@pytest.fixture
def server(running: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    running.reset(faults=True)
    monkeypatch.setenv("OPENAI_API_KEY", "fake-key-for-damage")
    return running


@pytest.fixture(scope="module")
def running() -> Any:
    with fake_llm() as server:
        yield server
