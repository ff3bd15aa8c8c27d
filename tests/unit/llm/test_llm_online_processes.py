"""The online executor in separate processes: limits that several keep together, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from fake_server import Server
from paths import ROOT, SCRIPTS
from warm_python import python

from llm.asking.gate import REFUSALS_THAT_END
from llm.journal import Journal

HELPERS = ROOT / "tests" / "helpers"
SCRIPT = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path

    from llm.providers import open_api
    from llm.calls import Work
    from llm.journal import Journal
    from llm.asking.online import OnlineExecutor
    from llm.prices import price_of
    from llm.asking.progress import Progress
    from llm_settings import llm_setup
    from workbench.cli import run_script, script_parser

    path, url, name, number, per_minute, grace = sys.argv[1:]
    sys.argv[1:] = []

    class Dialogue:
        def follow(self, work):
            return None

    async def run():
        asked = {"provider": "openai", "model": "fake-strong", "base_url": url, "api_key_env": None, "timeout": 60}
        api = open_api({**asked, "concurrency": 20})
        with Journal(Path(path), "study", name, api.sdk) as journal:
            works = [Work(api.call(None, f"{name} {n}", 60, 0, 0), 0.01, 50, n) for n in range(int(number))]
            price = price_of("openai", "fake-strong", url, {"input": 1, "output": 1}, False)
            setup = llm_setup(
                api, journal, price, Dialogue(),
                requests_per_minute=float(per_minute) or None, concurrency=20, attempts=4, patience=30,
            )
            progress = Progress(len(works), lambda: journal.spent()[1])
            executor = OnlineExecutor(setup, progress, float(grace))
            try:
                await executor.run(iter(works))
            finally:
                await api.close()

    run_script(script_parser(None), lambda arguments: asyncio.run(run()))
    """
)


def start(server: Server, path: Path, name: str, number: int, per_minute: float = 0, grace: float = 10) -> Any:
    """A process that asks its own ``number`` calls."""
    arguments = [path / "journal.sqlite", server.openai, name, number, per_minute, grace]
    return subprocess.Popen(
        [python(), "-c", SCRIPT, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(SCRIPTS), str(HELPERS)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(server: Server, process: Any, count: str, number: int) -> None:
    """Wait until the server has counted so many requests or answers."""
    while server.stats()["total"][count] < number:
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.02)


def test_two_processes_keep_one_limit_together(server: Server, tmp_path: Path) -> None:
    server.faults(rate={"per_second": 40, "burst": 20})
    processes = [start(server, tmp_path, name, 60, 2400) for name in ("one", "two")]
    for process in processes:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
    statuses = server.stats()["total"]["statuses"]
    assert statuses["200"] == 120
    assert statuses.get("429", 0) <= 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_and_keeps_what_was_served(
    server: Server, tmp_path: Path, number: signal.Signals
) -> None:
    server.faults(latency={"base": 0.3, "jitter": 0.3})
    process = start(server, tmp_path, "one", 2000)
    wait_for(server, process, "answers", 30)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "interrupted" in output
    assert "Traceback" not in output
    served = server.stats()["total"]
    journal = Journal.open_reading(tmp_path / "journal.sqlite")
    states = dict(journal.read("SELECT state, count(*) FROM attempts GROUP BY state"))
    assert states == {"answered": served["answers"]}
    assert served["answers"] == served["requests"] < 200


@pytest.mark.parametrize("twice", [False, True])
def test_what_is_not_answered_in_time_is_kept_as_perhaps_paid(server: Server, tmp_path: Path, twice: bool) -> None:
    server.faults(timeout=1.0)
    process = start(server, tmp_path, "one", 100, grace=60 if twice else 0.5)
    wait_for(server, process, "requests", REFUSALS_THAT_END)
    process.send_signal(signal.SIGINT)
    if twice:
        time.sleep(1.2)
        process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    journal = Journal.open_reading(tmp_path / "journal.sqlite")
    assert journal.read("SELECT state, count(*), sum(usd) FROM attempts GROUP BY state") == [
        ("failed", REFUSALS_THAT_END, pytest.approx(0.1))
    ]
