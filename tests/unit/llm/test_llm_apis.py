"""The APIs write requests as the providers want them and read their answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from scripted_api import (
    KEY,
    Request,
    Server,
    ask,
    completion,
    failure_of,
    http,
    message,
    openai_error,
    send,
    set_environment,
    settings,
)

from llm.addresses import exposes_key
from llm.calls import Failure, FailureKind, Finish, Usage
from llm.providers import open_api
from llm.providers.api import Api
from workbench.cli import UserError


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)


# Requests


def test_openai_request_holds_what_is_set_and_nothing_else() -> None:
    reply, requests = ask("openai", lambda request: http(200, completion()), send)
    assert json.loads(reply.raw) == completion()
    (request,) = requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.json() == {
        "model": "some-model",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Übersetze: Haus"}],
        "max_tokens": 40,
    }


def test_openai_settings_reach_the_body() -> None:
    more = {
        "temperature": 0.0,
        "top_p": 1,
        "reasoning_effort": "none",
        "service_tier": "flex",
        "log_probabilities": True,
    }
    api = open_api(settings("openai", seed=7, body={"store": False}, **more))
    assert api.base_url == "https://api.openai.com/v1"
    call = api.call(None, "Haus", 40, 2, 1)
    assert call.body == {
        "model": "some-model",
        "messages": [{"role": "user", "content": "Haus"}],
        "max_completion_tokens": 40,
        "temperature": 0.0,
        "top_p": 1,
        "reasoning_effort": "none",
        "service_tier": "flex",
        "logprobs": True,
        "store": False,
        "seed": 1009,
    }
    assert call.sample == 2
    assert api.call(None, "Haus", 40, 2, 0).key != call.key
    regional = open_api(settings("openai", base_url="https://eu.api.openai.com/v1/"))
    assert (regional.base_url, "max_completion_tokens" in regional.call(None, "x", 1, 0, 0).body) == (
        "https://eu.api.openai.com/v1",
        True,
    )
    other = open_api(settings("openai", max_tokens_field="max_completion_tokens", base_url="http://localhost:8000/v1"))
    assert other.call(None, "x", 9, 0, 0).body["max_completion_tokens"] == 9


def test_anthropic_request_holds_what_is_set_and_nothing_else() -> None:
    more = {"effort": "low", "service_tier": "auto", "body": {"output_config": {"format": {"type": "json_schema"}}}}
    reply, requests = ask("anthropic", lambda request: http(200, message()), send, **more)
    assert json.loads(reply.raw) == message()
    (request,) = requests
    assert (request.method, request.path) == ("POST", "/v1/messages")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["anthropic-version"] == open_api(settings("anthropic")).api_version
    assert request.json() == {
        "model": "some-model",
        "max_tokens": 40,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "Übersetze: Haus"}],
        "output_config": {"effort": "low", "format": {"type": "json_schema"}},
        "service_tier": "auto",
    }


def test_anthropic_version_is_the_one_that_the_sdk_speaks() -> None:
    import anthropic

    api = open_api(settings("anthropic"))
    assert anthropic.AsyncAnthropic(api_key="x").default_headers["anthropic-version"] == api.api_version
    assert api.base_url == "https://api.anthropic.com"


def test_the_call_is_what_is_sent_and_its_key_needs_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    key = open_api(settings("openai")).call("s", "u", 5, 0, 0).key
    monkeypatch.setenv("TEST_KEY", "another-key-entirely")
    assert open_api(settings("openai", timeout=9, concurrency=99)).call("s", "u", 5, 0, 0).key == key


def test_without_a_key_a_placeholder_is_sent() -> None:
    _, requests = ask("openai", lambda request: http(200, completion()), send, api_key_env=None)
    assert requests[0].headers["authorization"] == "Bearer no-key"


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_the_environment_sends_no_other_key_and_tells_no_account_to_another_server(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_CUSTOM_HEADERS", "ANTHROPIC_CUSTOM_HEADERS"):
        monkeypatch.setenv(name, "authorization: Bearer another\nx-secret: another")
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.setenv(name, "another")
    _, requests = ask(provider, lambda request: http(200, {}), send)
    assert requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert "another" not in requests[0].headers.values()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"api_key_env": "NO_SUCH_KEY"}, "NO_SUCH_KEY is not set"),
        ({"base_url": "localhost:8000"}, "'localhost:8000' is not allowed; write it like http://localhost:8000/v1"),
        ({"base_url": "http://me:secret@host/v1"}, "an address with a name or password is not allowed"),
        ({"base_url": "me:secret@host/v1"}, "an address with a name or password is not allowed"),
        ({"base_url": "http://host:port/v1"}, "is not allowed"),
    ],
)
def test_settings_that_cannot_work_are_said_at_once(more: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        open_api(settings("openai", **more))
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_key_with_rubbish_in_it_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-one sk-two")
    with pytest.raises(UserError, match="TEST_KEY: holds blanks") as caught:
        open_api(settings("openai"))
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize("path", ["/openai/deployments/gpt", "/openai/deployments/gpt/"])
def test_azure_gets_its_version_with_each_request_and_the_key_in_its_own_header(path: str) -> None:
    async def run() -> list[Request]:
        async with Server(lambda request: http(200, completion())).running() as server:
            address = f"{server.url}{path}?api-version=2026-02-01"
            api = open_api(settings("openai", base_url=address))
            await send(api)
            await api.preflight()
            await api.close()
            assert api.base_url.endswith("/gpt?api-version=2026-02-01")
            return server.requests

    asked, listed = asyncio.run(run())
    assert asked.path == "/openai/deployments/gpt/chat/completions?api-version=2026-02-01"
    assert listed.path.endswith("/models/some-model?api-version=2026-02-01")
    assert (asked.headers["api-key"], "authorization" in asked.headers) == (KEY, False)


def test_other_servers_get_the_key_as_openai_does() -> None:
    _, requests = ask("openai", lambda request: http(200, completion()), send)
    assert "api-key" not in requests[0].headers


@pytest.mark.parametrize(
    ("address", "is_exposed"),
    [
        (None, False),
        ("https://example.com/v1", False),
        ("http://example.com/v1", True),
        ("http://8.8.8.8/v1", True),
        ("http://localhost:8000/v1", False),
        ("http://127.0.0.1/v1", False),
        ("http://[::1]:8000/v1", False),
        ("http://10.1.2.3/v1", False),
        ("http://192.168.0.7:8000/v1", False),
        ("http://vllm:8000/v1", False),
        ("http://vllm.models.svc.cluster.local/v1", False),
    ],
)
def test_plain_http_is_for_this_machine_and_private_networks(address: str | None, is_exposed: bool) -> None:
    assert exposes_key(address) is is_exposed


# Answers


@pytest.fixture(scope="module")
def openai_api() -> Iterator[Api]:
    yield open_api(settings("openai", api_key_env=None))


@pytest.fixture(scope="module")
def anthropic_api() -> Iterator[Api]:
    yield open_api(settings("anthropic", api_key_env=None))


def test_openai_answer(openai_api: Api) -> None:
    logprobs = {"content": [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1.0}]}
    answer = openai_api.read(json.dumps(completion("ein Häus", logprobs=logprobs)))
    assert (answer.text, answer.finish, answer.logprob) == ("ein Häus", Finish.STOP, -0.75)
    assert (answer.model, answer.fingerprint, answer.request_id) == ("some-model-2026", "fp_1", "chatcmpl-1")
    assert (answer.service_tier, answer.usage) == ("default", Usage(20, 3, 16))


@pytest.mark.parametrize(
    ("body", "text", "finish"),
    [
        (completion("a ho", "length"), "a ho", Finish.LENGTH),
        (completion(None, "content_filter"), "", Finish.CONTENT_FILTER),
        (completion(None, "stop", refusal="I cannot."), "I cannot.", Finish.REFUSAL),
        (completion("", "stop"), "", Finish.STOP),
        (completion("x", None), "x", Finish.STOP),
        (completion("half \ud83d"), "half \ufffd", Finish.STOP),
    ],
)
def test_openai_finishes(openai_api: Api, body: Any, text: str, finish: Finish) -> None:
    answer = openai_api.read(json.dumps(body))
    assert (answer.text, answer.finish) == (text, finish)
    answer.text.encode()


def test_an_answer_of_a_bare_local_server(openai_api: Api) -> None:
    answer = openai_api.read('{"choices": [{"message": {"content": [{"type": "text", "text": "hi"}]}}]}')
    assert (answer.text, answer.model, answer.usage) == ("hi", "some-model", Usage(0, 0, 0))


def test_anthropic_answer(anthropic_api: Api) -> None:
    answer = anthropic_api.read(json.dumps(message()))
    assert (answer.text, answer.finish, answer.logprob) == ("a house", Finish.STOP, None)
    assert (answer.model, answer.request_id, answer.service_tier) == ("some-model-2026", "msg_1", "standard")
    assert answer.usage == Usage(20, 3, 10)
    finishes = {stop: anthropic_api.read(json.dumps(message("x", stop))).finish for stop in ("max_tokens", "refusal")}
    assert finishes == {"max_tokens": Finish.LENGTH, "refusal": Finish.REFUSAL}


@pytest.mark.parametrize(
    "raw", ["", "{", json.dumps(completion())[:-40], "[]", "null", '{"choices": []}', "<html>", "7"]
)
def test_what_is_no_answer_is_perhaps_paid(openai_api: Api, anthropic_api: Api, raw: str) -> None:
    for api in (openai_api, anthropic_api):
        with pytest.raises(Failure, match="an answer that cannot be read") as caught:
            api.read(raw)
        assert (caught.value.kind, caught.value.maybe_paid, caught.value.raw) == (FailureKind.TRANSIENT, True, raw)


def test_an_aborted_completion_is_no_answer(openai_api: Api) -> None:
    with pytest.raises(Failure, match="broke it off"):
        openai_api.read(json.dumps(completion("hal", "abort")))


def test_headers_that_matter_are_kept() -> None:
    headers = {
        "x_request_id": "req_9",
        "x_ratelimit_remaining_tokens": "12",
        "openai_organization": "org",
        "set_cookie": "a=b",
    }
    reply, _ = ask("openai", lambda request: http(200, completion(), **headers), send)
    assert reply.headers == {"x-request-id": "req_9", "x-ratelimit-remaining-tokens": "12"}


# Models


def test_preflight_tells_the_announced_shutdown() -> None:
    model = {"id": "some-model", "object": "model", "created": 1, "owned_by": "x", "shutdown_date": "2027-01-14"}
    info, requests = ask(
        "openai", lambda request: http(200, model), lambda api: api.preflight(), model="org/some-model"
    )
    assert info == date(2027, 1, 14)
    assert requests[0].path == "/v1/models/org%2Fsome-model"
    model = {"id": "m", "type": "model", "lifecycle": "deprecated", "retires_at": "2027-02-01T00:00:00Z"}
    info, requests = ask("anthropic", lambda request: http(200, model), lambda api: api.preflight())
    assert info == date(2027, 2, 1)
    assert requests[0].path == "/v1/models/some-model"


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_preflight_finds_a_bad_key_and_forgives_a_server_that_lists_no_models(provider: str) -> None:
    failure = failure_of(provider, http(401, openai_error("no")), lambda api: api.preflight())
    assert failure.kind == FailureKind.FATAL
    assert ask(provider, lambda request: http(404, {"detail": "Not Found"}), lambda api: api.preflight())[0] is None
    page = http(200, "<html>", content_type="text/html")
    assert ask(provider, lambda request: page, lambda api: api.preflight())[0] is None


def test_a_retired_model_is_fatal() -> None:
    model = {"id": "m", "type": "model", "lifecycle": "retired", "retires_at": None}
    failure = failure_of("anthropic", http(200, model), lambda api: api.preflight())
    assert (failure.kind, "is retired" in failure.message) == (FailureKind.FATAL, True)
