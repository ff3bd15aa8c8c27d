"""What the server remembers, all of it in memory: settings, counts, files, batches, jobs."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from fake_llm.faults import Faults
from fake_llm.limits import Bucket, Limiter
from fake_llm.translate import Translator

LAST_REQUESTS = 200


@dataclass
class Tally:
    """Counts for one key, or for all."""

    requests: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    lost: int = 0
    batch_answers: int = 0
    batches: int = 0
    jobs: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    bodies: Counter[bytes] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """The counts; of the bodies only how many were answered once, twice, …"""
        times = Counter(self.bodies.values())
        return {
            "requests": self.requests,
            "statuses": dict(self.statuses),
            "answers": self.answers,
            "distinct": len(self.bodies),
            "paid_again": self.answers - len(self.bodies),
            "times": {str(n): times[n] for n in sorted(times)},
            "lost": self.lost,
            "batch_answers": self.batch_answers,
            "batches": self.batches,
            "jobs": self.jobs,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "faults": dict(self.faults),
            "models": dict(self.models),
        }


@dataclass
class State:
    """The state of one server."""

    translator: Translator
    faults: Faults = field(default_factory=Faults)
    keys: dict[str, Tally] = field(default_factory=dict)
    total: Tally = field(default_factory=Tally)
    limiters: dict[str, Limiter] = field(default_factory=dict)
    tries: Counter[bytes] = field(default_factory=Counter)
    last: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=LAST_REQUESTS))
    files: dict[str, Any] = field(default_factory=dict)
    batches: dict[str, Any] = field(default_factory=dict)
    message_batches: dict[str, Any] = field(default_factory=dict)
    jobs: dict[str, Any] = field(default_factory=dict)
    tuned: dict[str, Any] = field(default_factory=dict)
    most_in_flight: int = 0
    in_flight: int = 0
    numbers: itertools.count = field(default_factory=itertools.count)
    tasks: set[asyncio.Task] = field(default_factory=set)

    def reset(self) -> None:
        """Forget everything but the settings and the translator; abandon running batches and jobs."""
        for task in self.tasks:
            task.cancel()
        fresh = State(self.translator, self.faults, numbers=self.numbers, in_flight=self.in_flight)
        self.__dict__.update(fresh.__dict__)

    def tally(self, key: str) -> Tally:
        """The counts of a key."""
        if key not in self.keys:
            self.keys[key] = Tally()
        return self.keys[key]

    def limiter(self, key: str) -> Limiter:
        """The limits of a key."""
        if key not in self.limiters:
            self.limiters[key] = Limiter(Bucket(), Bucket())
        return self.limiters[key]

    def number(self) -> int:
        """A number that no other request, file, batch or job has."""
        return next(self.numbers)

    def count(self, key: str, **amounts: int) -> None:
        """Add to the counts for a key and for all."""
        for tally in (self.total, self.tally(key)):
            for name, amount in amounts.items():
                setattr(tally, name, getattr(tally, name) + amount)

    def count_in(self, key: str, counter: str, name: Any) -> None:
        """Add one to an entry of one of the counters for a key and for all."""
        for tally in (self.total, self.tally(key)):
            getattr(tally, counter)[name] += 1

    def start(self, life: Coroutine[Any, Any, None]) -> None:
        """Run a batch or a job in the background."""
        task = asyncio.create_task(life)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def sleep(self, seconds: float, stop: Callable[[], bool]) -> None:
        """Wait for ``seconds``, or until ``stop`` returns true."""
        end = time.monotonic() + seconds
        while not stop() and (left := end - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.02))

    def served(self) -> int:
        """Answers written so far."""
        return self.total.answers

    def stats(self) -> dict[str, Any]:
        """The counts, in the format of ``GET /_stats``."""
        return {
            "total": self.total.as_json(),
            "keys": {shown(key): tally.as_json() for key, tally in self.keys.items()},
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
            "files": len(self.files),
        }


def shown(key: str) -> str:
    """A key for display; a long one is shortened, because it could be real and sent here by mistake."""
    return key if len(key) <= 20 else f"{key[:3]}…{key[-4:]}"


def digest_of(body: Mapping[str, Any]) -> bytes:
    """A digest that distinguishes bodies, ignoring the order of their keys."""
    return blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=16).digest()
