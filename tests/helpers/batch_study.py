"""A generator in batch mode against the fake server: all is real but the dialogue, which is a simple stand-in."""

from __future__ import annotations

import asyncio
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fake_server import Server
from llm_settings import llm_setup

from llm.asking import remote
from llm.asking.batches import executor, results
from llm.asking.batches.executor import BatchExecutor
from llm.asking.progress import Progress
from llm.calls import FailureKind, Work
from llm.journal import Journal, Limits
from llm.prices import Price, Rates
from llm.providers import open_api
from llm.providers.api import Api
from llm.providers.protocol import BatchState

KEY_VARIABLE = "FAKE_KEY"
PRICE = Price("test", (Rates(0, input=1.0, output=2.0, cached_input=1.0),))
WORST_USD = 0.01
BATCH = {"max_requests": 4, "max_bytes": 1_000_000, "max_enqueued_tokens": None, "poll_seconds": 0.05}
MOST_STEPS = 3


class Talk:
    """Asks every source once, and again in other words while an answer has no text."""

    def __init__(self, api: Api, journal: Journal, sources: Sequence[str], tokens: int) -> None:
        self._api = api
        self._journal = journal
        self._sources = sources
        self._tokens = tokens

    def works(self) -> Iterator[Work | None]:
        for source in self._sources:
            yield self._next(source)

    def follow(self, work: Work) -> Work | None:
        return None if self._journal.answered(work.call.key) is None else self._next(work.item)

    def _next(self, source: str) -> Work | None:
        for step in range(MOST_STEPS):
            prompt = f"Translate into English{', please' * step}:\n\n{source}"
            call = self._api.call(None, prompt, 100, 0, step)
            stored = self._journal.answered(call.key)
            if stored is None:
                failure = self._journal.last_failure(call.key)
                if failure is not None and failure[0] in (FailureKind.REJECTED, FailureKind.FILTERED):
                    return None
                return Work(call, WORST_USD, self._tokens, source)
            if self._api.read(stored.raw).text:
                return None
        return None


class Doomed:
    """Counts what happens, and kills the process at one of the counts."""

    def __init__(self, die_at: int | None) -> None:
        self._left = die_at

    def tick(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class MortalJournal(Journal):
    """A journal whose process may die before each of its transactions, which is after the one before."""

    doom = Doomed(None)

    async def write(self, function: Callable[[Any], Any]) -> Any:
        self.doom.tick()
        return await super().write(function)


class MortalApi:
    """An API whose process may die before each submission."""

    def __init__(self, api: Api, doom: Doomed) -> None:
        self._api = api
        self._doom = doom

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    async def submit_batch(self, intent: str, lines: Path) -> BatchState:
        self._doom.tick()
        return await self._api.submit_batch(intent, lines)


@dataclass
class Study:
    """One generator of one study; each :meth:`run` is a new process' view of it."""

    path: Path
    server: Server
    provider: str
    sources: Sequence[str]
    batch: dict[str, Any] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    tokens: int = 10
    attempts: int = 3
    patience: float = 10.0
    name: str = "generator"
    model: str = "fake-strong"
    progress: Progress | None = None

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "provider": self.provider,
            "model": self.model,
            "base_url": self.server.openai if self.provider == "openai" else self.server.url,
            "api_key_env": KEY_VARIABLE,
            "timeout": 20.0,
            "concurrency": 4,
            "attempts": self.attempts,
            "patience": self.patience,
            "batch": {**BATCH, **self.batch},
            "study_max_usd": self.limits.study_usd,
            "max_usd": self.limits.generator_usd,
        }

    def run(self, die_at: int | None = None) -> None:
        """Ask for what is missing, here."""
        asyncio.run(self._run(Doomed(die_at)))

    async def _run(self, doom: Doomed) -> None:
        api = MortalApi(open_api(self.settings), doom)
        try:
            with MortalJournal(self.path, "study", self.name, api.sdk) as journal:
                journal.doom = doom
                talk = Talk(api, journal, self.sources, self.tokens)
                self.progress = Progress(len(self.sources), lambda: journal.spent()[0])
                setup = llm_setup(api, journal, PRICE, talk, **self.settings)
                await BatchExecutor(setup, self.progress).run(talk.works)
        finally:
            await api.close()

    def process(self, die_at: int | None = None) -> int:
        """The id of a new process that runs; the test waits for it with :func:`ended`."""
        child = os.fork()
        if child:
            return child
        status = 1
        try:
            self.run(die_at)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with Journal.open_reading(self.path) as journal:
            return journal.read(query, parameters)

    def batches(self) -> list[str]:
        """States of all batches in the journal."""
        return [state for (state,) in self.rows("SELECT state FROM batches ORDER BY id")]

    def answers(self) -> int:
        """Answered calls in the journal."""
        return self.rows("SELECT count(*) FROM attempts WHERE state = 'answered'")[0][0]

    def check_money(self) -> None:
        """What is spent is what the attempts cost."""
        query = "SELECT coalesce(sum(coalesce(usd, worst_usd)), 0) FROM attempts"
        (attempts,) = self.rows(query)[0]
        (spent,) = self.rows("SELECT coalesce(sum(usd), 0) FROM spend")[0]
        assert abs(spent - attempts) < 1e-9

    def check_done(self) -> None:
        """Every source is answered and paid once, and nothing is left over."""
        assert self.answers() == len(self.sources)
        assert self.rows("SELECT count(*) FROM attempts WHERE state != 'answered'") == [(0,)]
        assert {*self.batches()} <= {"collected", "released", "failed"}
        assert not list(self.path.parent.glob("*.batches/*"))
        self.check_money()


def ended(child: int) -> int:
    """Exit status of a process, negative for the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def in_small_steps(monkeypatch: Any) -> None:
    """Transactions hold a work or two, so that there are moments to die between them."""
    monkeypatch.setattr(executor, "_AT_ONCE", 1)
    monkeypatch.setattr(results, "RESULTS_AT_ONCE", 1)


def settle_quickly(monkeypatch: Any) -> None:
    """The fake server lists a batch as soon as it has it."""
    monkeypatch.setattr(remote, "SETTLE_SECONDS", 0.1)
    monkeypatch.setattr(remote, "FIRST_POLL_SECONDS", 0.02)


def prepared(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """``server`` with nothing counted and no faults, its key in the environment, and batches that settle quickly."""
    server.reset(faults=True)
    monkeypatch.setenv(KEY_VARIABLE, "fake-key-for-batches")
    settle_quickly(monkeypatch)
    return server


def sentences(count: int) -> list[str]:
    return [f"Das Haus Nummer {number} ist klein." for number in range(count)]
