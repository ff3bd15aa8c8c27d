"""Process the requests of a batch, for both protocols."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fake_llm.answers import say
from fake_llm.exchange import Read, Write, check_quota, count_answer, fail_before
from fake_llm.faults import Batch, unit
from fake_llm.http import Cut, Hang, Problem, encoded
from fake_llm.state import State, digest_of

CHUNK = 100  # requests between two checks of the clock
STEP = 0.02  # seconds between two checks of a slow batch


class Line(NamedTuple):
    """One request of a batch."""

    custom_id: str
    body: Mapping[str, Any]


class Result(NamedTuple):
    """How one request ended: ``outcome`` is succeeded, errored, expired or canceled."""

    custom_id: str
    outcome: str
    status: int
    body: bytes
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass
class Run:
    """The requests of one batch, their number, and their results."""

    id: str
    key: str
    anthropic: bool
    lines: list[Line]
    settings: Batch
    total: int = 0
    results: list[Result] = field(default_factory=list)
    cancelled: bool = False

    def of(self, outcome: str) -> int:
        """How many requests ended with this outcome."""
        return sum(result.outcome == outcome for result in self.results)

    @property
    def any_expired(self) -> bool:
        """Whether a request was not done in time."""
        return any(result.outcome == "expired" for result in self.results)


def settings_for_next(state: State) -> Batch:
    """The settings of a batch created now; uses up one of ``batches``."""
    batch = state.faults.batch
    if batch.batches is None:
        return batch
    if batch.batches > 0:
        batch.batches -= 1
        return batch
    return Batch(seconds=batch.seconds, validating=batch.validating)


async def carry_out(state: State, run: Run, read: Read, write: Write) -> None:
    """Do the requests one by one over the batch's time, until it is cancelled."""
    started, seconds, run.total = time.monotonic(), run.settings.seconds, len(run.lines)
    for done, line in enumerate(run.lines):
        while not run.cancelled and time.monotonic() - started < seconds * done / run.total:
            await asyncio.sleep(min(STEP, seconds))
        if done % CHUNK == 0:
            await asyncio.sleep(0)
        run.results.append(await _one(state, run, line, read, write))
    while not run.cancelled and time.monotonic() - started < seconds:
        await asyncio.sleep(min(STEP, seconds))
    random.Random(run.id).shuffle(run.results)
    run.lines = []


async def _one(state: State, run: Run, line: Line, read: Read, write: Write) -> Result:
    """Do one request."""
    if run.cancelled:
        return Result(line.custom_id, "canceled", 0, b"")
    digest = digest_of(line.body)
    drawn = digest + run.id.encode()
    if run.settings.expired and unit(drawn, "expired") < run.settings.expired:
        return Result(line.custom_id, "expired", 0, b"")
    tries = state.tries[digest]
    state.tries[digest] += 1
    try:
        ask = read(line.body, digest)
        check_quota(state)
        if run.settings.failed and unit(drawn, "failed") < run.settings.failed:
            raise Problem(500, "The server had an error while processing your request.")
        fail_before(state, ask, tries, run.key, run.anthropic)
    except Problem as problem:
        return _errored(line, problem, run.anthropic)
    except (Hang, Cut):
        return _errored(line, Problem(500, "The server had an error while processing your request."), run.anthropic)
    said = await say(state, ask, tries, run.key)
    body = encoded(write(state, ask, said, line.body))
    count_answer(state, run.key, ask, said, batch=True)
    return Result(line.custom_id, "succeeded", 200, body, ask.input_tokens, said.output_tokens)


def _errored(line: Line, problem: Problem, anthropic: bool) -> Result:
    body = encoded(problem.body(anthropic, f"req_{line.custom_id}"))
    return Result(line.custom_id, "errored", problem.wire_status(anthropic), body)
