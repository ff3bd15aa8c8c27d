"""The journal under several processes, kill -9 and a full disk."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from journalling import COST, WORST, accounts_agree, ask, call, states, wait_for
from paths import SCRIPTS

from llm.journal import Journal, Ticket
from workbench.cli import UserError

# Asks calls 0 to LAST, several at once, in its own order; says which it sends and which are written.
ASKER = """
import asyncio, random, resource, sys
from pathlib import Path
from llm.calls import Answer, Call, Finish, Reply, Usage
from llm.journal import Journal, Limits, OverBudget, Ticket
from workbench.cli import UserError

path, generator, last, at_once, limit, seed, size, seconds = sys.argv[1:]
worst, cost = 0.25, 0.0625

async def ask(journal, number):
    call = Call("openai", "http://server/v1", "v1", {"model": "m", "messages": [number]})
    outcome = await journal.begin(call, worst, Limits(float(limit) if limit else None, None))
    if not isinstance(outcome, Ticket):
        return
    print("sent", call.key, flush=True)
    await asyncio.sleep(random.uniform(0, float(seconds)))
    answer = Answer("a", Finish.STOP, None, "m-1", None, None, None, Usage(10, 5))
    await journal.finish(outcome, Reply("x" * int(size), {}), answer, cost)
    print("written", call.key, flush=True)

async def ask_all(journal):
    numbers = list(range(int(last)))
    random.Random(seed).shuffle(numbers)
    waiting = iter(numbers)
    async def work():
        for number in waiting:
            try:
                await ask(journal, number)
            except OverBudget:
                print("refused", number, flush=True)
                await asyncio.sleep(0.005)
    async with asyncio.TaskGroup() as group:
        for _ in range(int(at_once)):
            group.create_task(work())

try:
    with Journal(Path(path), "study", generator) as journal:
        print("open", flush=True)
        asyncio.run(ask_all(journal))
except* UserError as errors:
    leaf = errors
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    sys.exit(str(leaf))
"""


def asker(
    path: Path,
    generator: str,
    last: int,
    *,
    at_once: int = 20,
    limit: str = "",
    seed: int = 0,
    size: int = 500,
    seconds: float = 0.01,
    full: int = 0,
) -> subprocess.Popen[str]:
    """A process that asks.

    Args:
        path: the journal.
        generator: in whose name.
        last: how many calls.
        at_once: how many at once.
        limit: USD that the study may spend.
        seed: of the order of the calls.
        size: length of the answers.
        seconds: that an answer takes at most.
        full: bytes beyond which no file of the process may grow; 0 for no such limit.
    """
    return subprocess.Popen(
        [sys.executable, "-c", ASKER, str(path), generator, *map(str, (last, at_once, limit, seed, size, seconds))],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (full, full))) if full else None,
    )


def said(output: str, word: str) -> list[str]:
    return [line.split()[1] for line in output.splitlines() if line.startswith(f"{word} ") and line.count(" ") == 1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "answers.sqlite"


def test_killed_at_random_moments(path: Path) -> None:
    written: list[str] = []
    sent: list[str] = []
    for attempt in range(6):
        process = asker(path, "gpt", 800, at_once=20, seed=attempt)
        assert process.stdout is not None
        output = process.stdout.readline()
        time.sleep(random.uniform(0.0, 0.15))
        process.kill()
        output += process.communicate()[0]
        written += said(output, "written")
        sent += said(output, "sent")
        with Journal(path, "study", "gpt") as journal:
            assert all(journal.answered(key) is not None for key in written)
            assert "sent" not in states(journal)
            assert journal.read("PRAGMA integrity_check") == [("ok",)]
            accounts_agree(journal)
    process = asker(path, "gpt", 800)
    output = process.communicate()[0]
    assert process.returncode == 0
    sent += said(output, "sent")
    with Journal(path, "study", "gpt") as journal:
        assert states(journal)["answered"] == 800
        accounts_agree(journal)
        assert len(sent) <= journal.read("SELECT count(*) FROM attempts")[0][0]
    assert len(sent) - len(set(sent)) <= 6 * 20  # paid twice: what was in flight at a kill


def test_two_processes_ask_each_call_once(path: Path) -> None:
    processes = [asker(path, name, 150, seed=seed) for seed, name in enumerate(("one", "two"))]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    sent = [key for output, _ in outputs for key in said(output, "sent")]
    assert len(sent) == len(set(sent)) == 150
    with Journal(path, "study", "gpt") as journal:
        assert states(journal) == {"answered": 150}
        assert journal.spent()[0] == pytest.approx(150 * COST)
        accounts_agree(journal)


def test_what_a_dead_process_was_asking_is_asked_by_who_waits_for_it(path: Path) -> None:
    process = asker(path, "one", 1, at_once=1, seconds=1000)
    assert process.stdout is not None
    assert [process.stdout.readline().split()[0] for _ in range(2)] == ["open", "sent"]

    async def go(journal: Journal) -> None:
        waiting = asyncio.create_task(journal.begin(call(0), WORST))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        process.kill()
        assert isinstance(await waiting, Ticket)

    with Journal(path, "study", "two") as journal:
        wait_for(lambda: go(journal))
        assert states(journal) == {"lost": 1, "sent": 1}
        assert journal.spent() == (2 * WORST, WORST)
    process.communicate()


def test_two_processes_never_exceed_the_budget(path: Path) -> None:
    limit = 20 * WORST
    processes = [asker(path, name, 200, limit=str(limit), seed=seed) for seed, name in enumerate(("one", "two"))]
    most = 0.0
    while any(process.poll() is None for process in processes):
        if path.exists() and path.stat().st_size:
            try:
                with Journal.open_reading(path, "study") as journal:
                    most = max(most, journal.spent()[0])
            except UserError:
                continue  # its tables are being made
        time.sleep(0.01)
    outputs = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    with Journal.open_reading(path, "study") as journal:
        spent = journal.spent()[0]
        accounts_agree(journal)
    assert 0 < most <= limit + 1e-9
    assert 0 < spent <= limit
    assert any("refused" in output for output, _ in outputs)


def test_a_full_disk_ends_in_one_line_and_the_journal_stays_whole(path: Path) -> None:
    process = asker(path, "gpt", 3000, size=4000, full=1_000_000)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    check_full(path, output, errors)


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small disk takes root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(path: Path) -> None:
    with small_disk(path.parent):
        process = asker(path, "gpt", 3000, size=4000)
        output, errors = process.communicate(timeout=60)
        check_full(path, output, errors)
        ballast = path.with_name("ballast")
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        with Journal.open_reading(path) as journal:  # with not a byte left
            assert all(journal.answered(key) is not None for key in said(output, "written"))
        with pytest.raises(UserError, match="disk"), Journal(path, "study", "gpt") as full:
            for number in range(5000, 5100):
                wait_for(lambda number=number: ask(full, number))
        ballast.unlink()


def check_full(path: Path, output: str, errors: str) -> None:
    assert len(errors.strip().splitlines()) == 1, errors
    assert "free some space and run again" in errors
    written = said(output, "written")
    assert written
    with Journal.open_reading(path, "study", "gpt") as journal:
        assert all(journal.answered(key) is not None for key in written)
        assert journal.read("PRAGMA integrity_check") == [("ok",)]
        accounts_agree(journal)


def test_a_reader_in_another_process_leaves_the_log_of_a_living_writer_alone(tmp_path: Path) -> None:
    """Opening the file by any other means than SQLite would drop the writer's locks: its log would be deleted."""
    path = tmp_path / "journal.sqlite"
    reading = (
        "import sys; from pathlib import Path; from llm.journal import Journal\n"
        "with Journal.open_reading(Path(sys.argv[1])) as journal:\n"
        "    print(journal.read('SELECT count(*) FROM accounts')[0][0])"
    )

    async def write_beside_a_reader() -> list[str]:
        seen = []
        environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
        with Journal(path, "study", "generator") as journal:
            for name in ("a", "b", "c"):
                await journal.write(partial(add_account, name=name))
                journal.read("SELECT 1")
                done = subprocess.run(
                    [sys.executable, "-c", reading, path], capture_output=True, text=True, check=True, env=environment
                )
                seen.append(done.stdout.strip())
        return seen

    def add_account(db: sqlite3.Connection, name: str) -> None:
        db.execute("INSERT INTO accounts (name) VALUES (?)", (name,))

    assert asyncio.run(write_beside_a_reader()) == ["1", "2", "3"]
