"""Both providers from end to end against the fake server: answers, failures, batches."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from fake_server import Server

from llm.calls import Failure, FailureKind, Finish, Reply
from llm.providers import open_api
from llm.providers.api import Api
from llm.providers.protocol import BatchState, BatchStatus

T = TypeVar("T")
PROVIDERS = pytest.mark.parametrize("provider", ["openai", "anthropic"])


@pytest.fixture
def server(running: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("TEST_KEY", "sk-test-0123456789")
    yield running
    running.reset(faults=True)


def ask(server: Server, provider: str, question: Callable[[Api], Awaitable[T]], **more: Any) -> T:
    """What a question to an API on the fake server gives."""

    async def run() -> T:
        base_url = server.openai if provider == "openai" else server.url
        settings = {"model": "fake-strong", "base_url": base_url, "api_key_env": "TEST_KEY", "timeout": 20}
        api = open_api({"provider": provider, "concurrency": 4, **settings, **more})
        try:
            return await question(api)
        finally:
            await api.close()

    return asyncio.run(run())


def translate(api: Api) -> Awaitable[Reply]:
    return api.send(api.call("You translate.", "Translate into English:\n\nDas Haus ist groß.", 60, 0, 0))


@PROVIDERS
def test_a_translation(server: Server, provider: str) -> None:
    async def question(api: Api) -> tuple[str, Finish, int]:
        assert await api.preflight() is None
        answer = api.read((await translate(api)).raw)
        return answer.text, answer.finish, answer.usage.output

    assert ask(server, provider, question) == ("The house is big.", Finish.STOP, 5)


@PROVIDERS
@pytest.mark.parametrize(
    ("fault", "kind", "maybe_paid"),
    [
        ("http_429", FailureKind.THROTTLED, False),
        ("http_500", FailureKind.TRANSIENT, False),
        ("http_503", FailureKind.OVERLOADED, False),
        ("http_529", FailureKind.OVERLOADED, False),
        ("too_long", FailureKind.REJECTED, False),
        ("content_policy", FailureKind.FILTERED, False),
        ("drop_before", FailureKind.TRANSIENT, True),
        ("drop_middle", FailureKind.TRANSIENT, True),
        ("truncated_json", FailureKind.TRANSIENT, True),
        ("invalid_json", FailureKind.TRANSIENT, True),
    ],
)
def test_faults(server: Server, provider: str, fault: str, kind: FailureKind, maybe_paid: bool) -> None:
    async def question(api: Api) -> None:
        api.read((await translate(api)).raw)

    server.faults(**{fault: 1})
    with pytest.raises(Failure) as caught:
        ask(server, provider, question)
    assert (caught.value.kind, caught.value.maybe_paid) == (kind, maybe_paid)


@PROVIDERS
def test_a_bad_key_and_a_model_that_is_not_there_are_fatal(
    server: Server, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Failure, match="set model") as caught:
        ask(server, provider, translate, model="no-such-model")
    assert caught.value.kind == FailureKind.FATAL
    monkeypatch.setenv("TEST_KEY", "bad-key")
    for question in (translate, lambda api: api.preflight()):
        with pytest.raises(Failure, match="set TEST_KEY to a key") as caught:
            ask(server, provider, question)
        assert caught.value.kind == FailureKind.FATAL


def test_a_parameter_that_anthropic_refuses_is_fatal(server: Server) -> None:
    with pytest.raises(Failure, match="leave out temperature") as caught:
        ask(server, "anthropic", translate, body={"temperature": 0})
    assert caught.value.kind == FailureKind.FATAL


@PROVIDERS
def test_a_batch(server: Server, provider: str, tmp_path: Path) -> None:
    sources = {"in7-0": "Das Haus ist groß.", "in7-1": "Der Hund schläft."}

    async def question(api: Api) -> tuple[BatchState, dict[str, str]]:
        lines = tmp_path / "lines.jsonl"
        with lines.open("w", encoding="utf-8") as file:
            for custom_id, source in sources.items():
                body = api.call("You translate.", f"Translate into English:\n\n{source}", 60, 0, 0).body
                file.write(json.dumps({"custom_id": custom_id, "body": body}) + "\n")
        submitted = await api.submit_batch("in7", lines)
        found = await api.find_batch("in7", submitted.created, len(sources))
        assert [state.remote_id for state in found] == [submitted.remote_id]
        while (state := await api.batch(submitted.remote_id)).status == BatchStatus.RUNNING:
            await asyncio.sleep(0.02)
        texts = {}
        async for custom_id, result in api.batch_results(state):
            assert isinstance(result, Reply)
            texts[custom_id] = api.read(result.raw).text
        return state, texts

    state, texts = ask(server, provider, question)
    assert (state.status, state.counts) == (BatchStatus.ENDED, (2, 2, 0))
    assert texts["in7-0"] == "The house is big." and texts.keys() == sources.keys()


@PROVIDERS
def test_a_batch_whose_submission_lost_its_answer_is_found(server: Server, provider: str, tmp_path: Path) -> None:
    async def question(api: Api) -> None:
        lines = tmp_path / "lines.jsonl"
        body = api.call(None, "Translate into English:\n\nDas Haus ist groß.", 60, 0, 0).body
        lines.write_text(json.dumps({"custom_id": "in8-0", "body": body}), encoding="utf-8")
        begun = time.time()
        with pytest.raises(Failure) as caught:
            await api.submit_batch("in8", lines)
        assert caught.value.kind == FailureKind.TRANSIENT
        (state,) = await api.find_batch("in8", begun, 1)
        while (state := await api.batch(state.remote_id)).status == BatchStatus.RUNNING:
            await asyncio.sleep(0.02)
        assert [result.custom_id async for result in api.batch_results(state)] == ["in8-0"]

    server.faults(batch={"lost": 1})
    ask(server, provider, question)
    assert server.stats()["total"]["batches"] == 1
