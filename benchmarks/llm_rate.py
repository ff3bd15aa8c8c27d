"""Measure how fast an LLM is asked: the online executor with its journal against the ideal and against the bare SDK.

Run from the repository root in the workflow's environment, on an idle machine; takes about a minute::

    .venv/bin/python benchmarks/llm_rate.py

Each regime has a fresh fake server (fake_llm) on a free port and an empty journal. The clock runs from before the
journal is opened until it is closed. This includes asking whether the model exists, but no imports.

The ideal is what the server and the number of requests at once allow: the mean latency times the requests, divided by
the requests at once, or the requests beyond the burst divided by the limit. If latencies differ, nobody can reach it
without knowing them beforehand: a slow request that starts last ends last. Therefore a second ideal is printed: the
time of the same requests, in the same order, each started as soon as a place is free ("list schedule").
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "workflow" / "scripts"), str(ROOT), str(ROOT / "tests" / "helpers")]

import openai  # noqa: E402
from fake_server import Server, fake_llm  # noqa: E402
from llm_settings import llm_setup  # noqa: E402

from fake_llm.faults import Latency  # noqa: E402
from fake_llm.state import digest_of  # noqa: E402
from llm.asking.online import OnlineExecutor  # noqa: E402
from llm.asking.progress import Progress  # noqa: E402
from llm.calls import Call, Work  # noqa: E402
from llm.journal import Journal  # noqa: E402
from llm.prices import price_of  # noqa: E402
from llm.providers import open_api  # noqa: E402

MODEL = "fake-strong"
PRICE = {"input": 0.15, "output": 0.6}


@dataclass(frozen=True)
class Regime:
    """How many requests, how many at once, and how the server answers them.

    Attributes:
        latency: of an answer, as the fake server takes it.
        limit, burst: of the server, requests a second and at once; None for no limit.
        per_minute: the limit that the executor knows, None for none.
    """

    requests: int
    at_once: int
    latency: dict[str, float]
    limit: float | None = None
    burst: float = 0.0
    per_minute: float | None = None

    def faults(self) -> dict[str, Any]:
        """The server's settings."""
        rate = {"rate": {"per_second": self.limit, "burst": self.burst}} if self.limit else {}
        return {"latency": self.latency, **rate}


_LIMITED = {"limit": 40.0, "burst": 40.0}
REGIMES = {
    "flat": Regime(200, 50, {"base": 0.5}),
    "fast": Regime(3000, 200, {"base": 0.05}),
    "tail": Regime(400, 50, {"base": 0.5, "tail_share": 0.05, "tail_factor": 10.0}),
    "limited": Regime(400, 50, {"base": 0.05}, **_LIMITED, per_minute=2400),
    "limited, burst 10": Regime(400, 50, {"base": 0.05}, limit=40.0, burst=10.0, per_minute=2400),
    "not told": Regime(400, 50, {"base": 0.05}, **_LIMITED),
    "not told, burst 10": Regime(400, 50, {"base": 0.05}, limit=40.0, burst=10.0),
}


@dataclass
class Outcome:
    """Seconds and processor seconds that it took, and how many answers arrived."""

    seconds: float
    cpu: float
    answers: int


class Sentences:
    """The simplest dialogue: one call for each item."""

    def follow(self, work: Work) -> None:
        """There is nothing more to ask."""


@dataclass
class Ideal:
    """Seconds at the mean latency and as a list schedule."""

    mean: float
    schedule: float
    latencies: list[float] = field(repr=False)


def ideal_of(regime: Regime, calls: list[Call]) -> Ideal:
    """The shortest time in which the server can be asked ``calls``."""
    latency = Latency(**regime.latency)
    latencies = [latency.seconds(digest_of(call.body)) for call in calls]
    places = [0.0] * regime.at_once
    for seconds in latencies:
        heapq.heapreplace(places, places[0] + seconds)
    paced = (regime.requests - regime.burst) / regime.limit if regime.limit else 0.0
    return Ideal(max(sum(latencies) / regime.at_once, paced), max(*places, paced), latencies)


async def ask_bare(server: Server, regime: Regime, calls: list[Call]) -> int:
    """Ask with the SDK alone and its own retries; return how many answers arrived."""
    answers = 0
    waiting = iter(calls)

    async def worker() -> None:
        nonlocal answers
        for call in waiting:
            try:
                await client.chat.completions.create(**call.body)
                answers += 1
            except openai.OpenAIError:
                pass

    async with openai.AsyncOpenAI(api_key="bench-bare", base_url=server.openai) as client:
        await client.models.retrieve(MODEL)
        await asyncio.gather(*(worker() for _ in range(regime.at_once)))
    return answers


async def ask(settings: dict[str, Any], regime: Regime, calls: list[Call], folder: Path) -> int:
    """Ask with the online executor; return how many answers the journal holds."""
    api = open_api(settings)
    with Journal(folder / "journal.sqlite", "study", "generator", api.sdk) as journal:
        price = price_of("openai", MODEL, settings["base_url"], PRICE, False)
        asked = {"concurrency": regime.at_once, "attempts": 6, "patience": 600}
        budget = {"requests_per_minute": regime.per_minute, "max_usd": 5.0}
        setup = llm_setup(api, journal, price, Sentences(), **asked, **budget)
        executor = OnlineExecutor(setup, Progress(len(calls), lambda: journal.spent()[1], 5.0))
        try:
            await api.preflight()
            await executor.run(Work(call, 0.0005, 60, None) for call in calls)
        finally:
            await api.close()
        return journal.read("SELECT count(*) FROM attempts WHERE state = 'answered'")[0][0]


def timed(function: Callable[[], Any]) -> Outcome:
    """Run a coroutine function to its end."""
    started, cpu = time.perf_counter(), time.process_time()
    answers = asyncio.run(function())
    return Outcome(time.perf_counter() - started, time.process_time() - cpu, answers)


def measure(name: str, regime: Regime) -> Iterator[str]:
    """The lines of the table for one regime."""
    with fake_llm(**regime.faults()) as server, tempfile.TemporaryDirectory() as folder:
        settings = {
            "provider": "openai",
            "model": MODEL,
            "base_url": server.openai,
            "api_key_env": None,
            "timeout": 60,
            "concurrency": regime.at_once,
            "temperature": 0,
        }
        api = open_api(settings)
        calls = [
            api.call(None, f"Translate from German into English:\n\nSatz {number}: das Haus ist alt.", 60, 0, 0)
            for number in range(regime.requests)
        ]
        ideal = ideal_of(regime, calls)
        for client in ("bare SDK", "workbench"):
            server.reset()
            if client == "bare SDK":
                outcome = timed(lambda: ask_bare(server, regime, calls))
            else:
                outcome = timed(lambda: ask(settings, regime, calls, Path(folder)))
            statuses = server.stats()["total"]["statuses"]
            throttled, requests = statuses.get("429", 0), sum(statuses.values())
            yield (
                f"{name:18} {client:10} {outcome.seconds:6.2f} s {regime.requests / outcome.seconds:7.1f}/s "
                f"{ideal.mean:6.2f} s {ideal.schedule:6.2f} s {ideal.schedule / outcome.seconds:6.2f} "
                f"{throttled:5} {throttled / requests:6.1%} {regime.requests - outcome.answers:5} {outcome.cpu:6.2f} s"
            )


def main() -> None:
    """Print a line for each regime and client."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--regime", choices=REGIMES, action="append", help="only this one; may be repeated")
    arguments = parser.parse_args()
    print(
        f"{'regime':18} {'client':10} {'time':>8} {'rate':>9} {'ideal':>8} {'schedule':>8} {'ratio':>6} "
        f"{'429':>5} {'share':>6} {'lost':>5} {'CPU':>8}"
    )
    for name in arguments.regime or REGIMES:
        for line in measure(name, REGIMES[name]):
            print(line, flush=True)


if __name__ == "__main__":
    main()
