"""Batches whose results are damaged or late, and clocks that jump: nothing is lost, nothing is paid twice."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from batch_study import WORST_USD, Study, prepared, sentences
from fake_server import Server

from llm.journal import Limits
from llm.providers import connection
from llm.providers.openai import OpenAIApi
from llm.providers.protocol import BatchState
from workbench.cli import UserError


@pytest.fixture
def server(running: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    return prepared(running, monkeypatch)


@pytest.fixture(params=["openai", "anthropic"])
def study(request: pytest.FixtureRequest, server: Server, tmp_path: Path) -> Callable[..., Study]:
    def make(count: int, **more: Any) -> Study:
        path = more.pop("path", tmp_path / "journal.sqlite")
        return Study(path, server, request.param, sentences(count), **more)

    return make


@pytest.mark.parametrize("kept", [0, 60, 400], ids=["nothing", "its name", "half of it"])
def test_a_row_that_cannot_be_read_costs_its_own_request_only(
    server: Server, study: Callable[..., Study], monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    spoilt: list[bytes] = []
    whole = connection._lines

    async def cut_one(response: Any) -> AsyncIterator[bytes | bytearray]:
        async for line in whole(response):
            if line in spoilt or not spoilt:
                spoilt.append(bytes(line))
                line = line[:kept] + b"\xff"
            yield line

    monkeypatch.setattr(connection, "_lines", cut_one)
    ten = study(10, batch={"max_requests": 100})
    ten.run()
    assert spoilt and ten.answers() == 10
    assert [requests for (requests,) in ten.rows("SELECT requests FROM batches ORDER BY id")] == [10, 1]
    assert ten.rows("SELECT count(*), sum(usd) FROM attempts WHERE state = 'failed'") == [(1, WORST_USD)]
    ten.check_money()


def test_results_without_a_name_are_waited_for_and_then_count_as_paid(
    server: Server, study: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    if study(1).provider != "openai":
        pytest.skip("Anthropic's results have no name")
    state = OpenAIApi._state
    left = [3]

    def nameless(api: OpenAIApi, batch: Mapping[str, Any]) -> BatchState:
        if batch["status"] == "completed" and left[0]:
            left[0] -= 1
            batch = {**batch, "output_file_id": None, "error_file_id": None}
        return state(api, batch)

    monkeypatch.setattr(OpenAIApi, "_state", nameless)
    study(3).run()
    study(3).check_done()
    left[0] = 10**9
    poor = study(4, patience=0.3, limits=Limits(9.5 * WORST_USD, None), attempts=100, name="poor", model="fake-weak")
    with pytest.raises(UserError, match="the budget has no room"):
        poor.run()
    spent = poor.rows("SELECT sum(usd) FROM spend WHERE generator = 'poor'")[0][0]
    assert 8 * WORST_USD <= spent <= 9.5 * WORST_USD
    poor.check_money()


def test_a_clock_that_is_set_back_makes_no_batches(
    server: Server, study: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults(http_500=0.3)
    twenty = study(20, batch={"max_requests": 100}, attempts=3)
    now, reads = time.time, iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: now() - (3600 if next(reads) > 20 else 0))
    twenty.run()
    assert server.stats()["total"]["batches"] == 3
