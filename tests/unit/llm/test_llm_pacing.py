"""Paces, limits and breakers, by their own clocks; and the progress line."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from llm.asking import pace
from llm.asking.gate import Gate, Slot
from llm.asking.pace import BURST_SECONDS, Account, Breaker, Concurrency, backoff
from llm.asking.progress import Progress
from llm.calls import Failure, FailureKind
from llm.journal import Journal


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite", "study", "generator") as opened:
        yield opened


def reserve(
    journal: Journal, tokens: list[int], requests: float | None = None, per_token: float | None = None, unused: int = 0
) -> list[float]:
    """Turns from now, in seconds, that the account's row grants."""
    now = time.monotonic()
    given_back = [unused, *[0] * len(tokens)]

    def in_order(db: sqlite3.Connection) -> list[float]:
        limits = (requests, per_token)
        return [pace._reserve(db, "account", limits, *cost) for cost in zip(tokens, given_back, strict=False)]

    async def write() -> list[float]:
        return await journal.write(in_order)

    return [slot - now for slot in asyncio.run(write())]


def test_turns_come_at_the_rate_of_the_limit_after_a_small_burst(journal: Journal) -> None:
    slots = reserve(journal, [1] * 40, requests=10)
    late = slots[int(10 * BURST_SECONDS) + 1 :]
    assert [round(b - a, 3) for a, b in pairwise(late)] == [0.1] * (len(late) - 1)
    assert slots[-1] == pytest.approx(3.9 - BURST_SECONDS, abs=0.05)
    assert reserve(journal, [1], requests=10)[0] > 3.5


def test_tokens_are_paced_too_and_what_was_not_used_is_given_back(journal: Journal) -> None:
    assert reserve(journal, [500] * 5, requests=100, per_token=1000)[-1] == pytest.approx(2.0 - BURST_SECONDS, abs=0.1)
    assert reserve(journal, [500], per_token=1000)[0] == pytest.approx(2.5 - BURST_SECONDS, abs=0.2)
    assert reserve(journal, [500], per_token=1000, unused=2000)[0] == pytest.approx(1.0 - BURST_SECONDS, abs=0.3)


def test_a_clock_that_was_set_back_does_not_stop_the_account(journal: Journal) -> None:
    def far(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO accounts (name, requests_at) VALUES ('account', ?)", (time.time() + 1e6,))

    async def write() -> None:
        await journal.write(far)

    asyncio.run(write())
    assert reserve(journal, [1], requests=10)[0] <= pace.MOST_DEBT_SECONDS + 1


def test_without_a_limit_nobody_waits_and_nothing_is_written(journal: Journal) -> None:
    async def turns() -> None:
        account = Account(journal, "account")
        await asyncio.gather(*(account.turn(10) for _ in range(1000)))
        await account.close()

    asyncio.run(turns())
    assert journal.read("SELECT * FROM accounts") == []


def test_a_fast_account_reserves_many_turns_at_once(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    transactions = 0
    carry_out = journal._writer._carry_out

    def counting(entries: list[Any]) -> None:
        nonlocal transactions
        transactions += 1
        carry_out(entries)

    monkeypatch.setattr(journal._writer, "_carry_out", counting)

    async def turns() -> None:
        account = Account(journal, "account", requests_per_minute=60_000)
        await asyncio.gather(*(account.turn(10) for _ in range(1000)))
        await account.close()

    asyncio.run(turns())
    assert transactions <= 50


def test_429s_without_an_answer_between_them_close_the_account_for_everybody(journal: Journal, tmp_path: Path) -> None:
    async def close() -> None:
        account = Account(journal, "account")
        account.throttled(30.0)
        account.served(10, 10, {})
        account.throttled(30.0)
        account.throttled(30.0)
        assert account.closed_for == 0
        account.throttled(30.0)
        assert account.closed_for > 25
        await account.close()
        with Journal(tmp_path / "journal.sqlite", "other study", "other") as second:
            other = Account(second, "account")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(other.turn(1), 0.1)
            assert other.closed_for > 25
            await other.close()
            free = Account(second, "another account")
            await free.turn(1)

    asyncio.run(close())


def test_a_broken_journal_reaches_those_who_wait(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(function):  # type: ignore[no-untyped-def]
        raise OSError("the disk is full")

    monkeypatch.setattr(journal, "write", broken)

    async def turn() -> None:
        account = Account(journal, "account", requests_per_minute=60)
        with pytest.raises(OSError, match="full"):
            await account.turn(1)

    asyncio.run(turn())


def test_an_announced_limit_is_kept_unless_another_is_configured(journal: Journal) -> None:
    async def seconds(account: Account, headers: dict[str, str]) -> float:
        account.served(10, 10, headers)
        started = time.monotonic()
        await asyncio.gather(*(account.turn(10) for _ in range(60)))
        await account.close()
        return time.monotonic() - started

    openai = {"x-ratelimit-limit-requests": "6000", "x-ratelimit-limit-tokens": "10000000"}
    anthropic = {"anthropic-ratelimit-requests-limit": "6000"}
    assert asyncio.run(seconds(Account(journal, "a"), openai)) > 0.3
    assert asyncio.run(seconds(Account(journal, "b"), anthropic)) > 0.3
    assert asyncio.run(seconds(Account(journal, "c", requests_per_minute=600_000), openai)) < 0.3
    assert asyncio.run(seconds(Account(journal, "d"), {"x-ratelimit-limit-requests": "1000000000"})) < 0.3


def test_concurrency_is_cut_once_for_what_was_under_way_together_and_recovers() -> None:
    concurrency = Concurrency(50)
    sent = time.monotonic()
    for _ in range(20):
        concurrency.overloaded(sent)
    assert concurrency.limit == 30
    concurrency.overloaded(time.monotonic() + 1)
    assert concurrency.limit == 18
    for _ in range(2000):
        concurrency.served()
    assert concurrency.limit == 50
    for step in range(100):
        concurrency.overloaded(time.monotonic() + 10 + step)
    assert concurrency.limit == 1


def test_the_breaker_opens_after_failures_in_a_row_and_probes_ever_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm.asking.pace.random.uniform", lambda low, high: high)
    monkeypatch.setattr("llm.asking.pace.time.monotonic", clock := Clock())
    breaker = Breaker(3)
    breaker.failed(None)
    breaker.failed(None)
    assert not breaker.is_open
    breaker.served()
    for _ in range(3):
        breaker.failed(None)
    waits = []
    for _ in range(7):
        waits.append(breaker.wait)
        breaker.failed(None)  # was under way with the one that failed before
        assert breaker.wait == waits[-1]
        clock.now += breaker.wait
        breaker.failed(None)
    assert breaker.is_open
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    assert breaker.failing_for == sum(waits)
    breaker.served()
    assert not breaker.is_open
    assert breaker.failing_for == 0


DOWN = Failure(FailureKind.OVERLOADED, "overloaded", status=503)


def test_the_gate_lets_one_request_probe_a_provider_that_is_down(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llm.asking.pace.random.uniform", lambda low, high: 0.0)

    async def probe() -> None:
        gate = Gate(Account(journal, "account"), 8)
        for _ in range(10):
            gate.note_failure(DOWN, 0.0)
        assert gate.breaker.is_open
        await asyncio.wait_for(gate.wait_for_change(), 5)  # its time has come already
        assert gate.is_open
        with Slot(gate):
            assert not gate.is_open
        assert gate.is_open

    asyncio.run(probe())


def test_the_gate_rests_while_a_probe_is_due_and_no_request_is(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llm.asking.pace.random.uniform", lambda low, high: 0.0)

    async def wake_ups() -> int:
        gate, count = Gate(Account(journal, "account"), 8), 0
        for _ in range(10):
            gate.note_failure(DOWN, 0.0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while True:
                    await gate.wait_for_change()
                    count += 1
        return count

    assert 0 < asyncio.run(wake_ups()) <= 12


def test_the_gate_begins_requests_one_by_one_when_money_is_short(journal: Journal) -> None:
    async def spend() -> None:
        gate = Gate(Account(journal, "account"), 8)
        with Slot(gate) as first:
            first.begun(is_sent=True)
            with Slot(gate) as second:
                assert gate.note_over_budget()
                second.begun(is_sent=False)
            assert not gate.is_open  # until the first one has ended
        assert gate.is_open
        with Slot(gate) as third:
            assert not gate.is_open
            third.begun(is_sent=True)
            assert gate.is_open
        with Slot(gate):
            assert not gate.note_over_budget()  # nothing else is under way: the budget is spent
        assert gate.is_empty

    asyncio.run(spend())


def test_backoff_is_drawn_below_a_bound_that_doubles() -> None:
    assert all(0 <= backoff(n, base=1, most=8) <= min(8, 2**n) for n in range(40))
    assert max(backoff(10, base=1, most=8) for _ in range(200)) > 4


def test_the_progress_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm.asking.progress.time.monotonic", clock := Clock())
    progress = Progress(10_000, lambda: 0.42, 5.0)
    progress.start()
    clock.now += 10
    progress.asked, progress.found, progress.throttled = 380, 820, 3
    assert progress.line() == "1,200 of 10,000, 38.0/s, 3 x 429, $0.42 of $5.00, about 4 min left"
    clock.now += 10
    progress.asked, progress.failed = 380 + 190, 2
    assert progress.line() == ("1,390 of 10,000, 28.5/s, 3 x 429, 2 other failures, $0.42 of $5.00, about 5 min left")


def test_the_progress_line_without_answers_or_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm.asking.progress.time.monotonic", Clock())
    progress = Progress(10, lambda: 0.0)
    progress.start()
    assert progress.line() == "0 of 10, 0.0/s, $0.00, no answer lately"
