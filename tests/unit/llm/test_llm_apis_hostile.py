"""Whatever a server answers, every value of it is harmless, and every failure is a Failure."""

from __future__ import annotations

import copy
import gzip
import json
import os
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as fuzzing
from hypothesis import strategies as st
from scripted_api import (
    KEY,
    anthropic_error,
    ask,
    completion,
    everything,
    failure_of,
    http,
    message,
    openai_error,
    send,
    set_environment,
    settings,
)

from llm.calls import MOST_TOKENS, Answer, Failure, FailureKind, Usage, most_tokens
from llm.providers import connection, open_api
from llm.providers.api import Api
from llm.providers.failures import kept_headers, retry_after

INPUTS = int(os.environ.get("FUZZ_INPUTS", "100"))
"""Of each of the eleven fuzzed readings; set FUZZ_INPUTS to try more."""

BATCH = {
    "openai": {
        "id": "batch_1",
        "status": "failed",
        "created_at": 1000,
        "request_counts": {"total": 3, "completed": 2, "failed": 1},
        "errors": {"data": [{"code": "x", "message": "y", "param": None, "line": 1}]},
        "output_file_id": "file-1",
        "error_file_id": None,
        "metadata": {"intent": "in7"},
    },
    "anthropic": {
        "id": "msgbatch_1",
        "processing_status": "ended",
        "created_at": "1970-01-01T00:16:40Z",
        "archived_at": None,
        "request_counts": {"processing": 0, "succeeded": 2, "errored": 1, "canceled": 1, "expired": 1},
    },
}
LINES = {
    "openai": [
        {"custom_id": "a", "response": {"status_code": 200, "request_id": "r", "body": completion()}, "error": None},
        {"custom_id": "a", "response": {"status_code": 400, "request_id": "r", "body": openai_error("no", "x", "y")}},
        {"custom_id": "a", "response": None, "error": {"code": "batch_expired", "message": "late"}},
    ],
    "anthropic": [
        {"custom_id": "a", "result": {"type": "succeeded", "message": message()}},
        {"custom_id": "a", "result": {"type": "errored", "error": anthropic_error("api_error", "no")}},
        {"custom_id": "a", "result": {"type": "expired"}},
    ],
}
JOB = {
    "id": "ftjob-1",
    "status": "succeeded",
    "created_at": 1000,
    "finished_at": 2000,
    "fine_tuned_model": "ft:m",
    "trained_tokens": 7,
    "error": {"message": "no"},
    "metadata": {"intent": "in7"},
}
EVENT = {"id": "e", "created_at": 1000, "level": "info", "message": "m", "data": {"step": 1, "train_loss": 0.5}}
ERRORS = [openai_error("no", "x", "y"), anthropic_error("api_error", "no", error_code="x"), {"detail": [{"msg": "no"}]}]

NASTY = ["\t", "a\nb", "\r\nforged line", "\x1b[2J", "\x9b31m", "\x00", "\ud800", "\u2028", "\u202e", "x" * 5000, KEY]
NUMBERS = [-1, -60, 10**15, 10**19, 10**400, 1.5, -0.0, float("nan"), float("inf"), 1e308, True, False]
ODD = st.one_of(
    st.sampled_from([*NASTY, *NUMBERS, None, [], {}, [[]], {"type": "text"}, [{"text": 7}], "", "error", "0"]),
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.recursive(st.none() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3), max_leaves=5),
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the values of an object are."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield from paths(part, (*path, name))


@st.composite
def spoilt(draw: st.DrawFn, originals: list[Any]) -> Any:
    """One of ``originals`` with up to three of its values replaced or removed."""
    value = copy.deepcopy(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 3))):
        *before, last = draw(st.sampled_from([path for path in paths(value) if path] or [(None,)]))
        if last is None:
            return copy.deepcopy(draw(ODD))
        place = value
        for name in before:
            place = place[name]
        if isinstance(place, dict) and draw(st.booleans()) and draw(st.booleans()):
            del place[last]
        else:
            place[last] = copy.deepcopy(draw(ODD))
    return value


def fuzzed(originals: list[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
        options = fuzzing(max_examples=INPUTS, deadline=None, derandomize=True, database=None)
        return fuzzing(options, suppress_health_check=checks)(given(value=spoilt(originals))(test))

    return decorate


def raw_of(value: Any) -> bytes:
    return json.dumps(value).encode()


def assert_line(text: object, most: int = 1000) -> None:
    """A text can be a cell of a table and a line on a terminal, and holds no key."""
    assert isinstance(text, str) and len(text) <= most
    assert not {unicodedata.category(c) for c in text} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert KEY not in text
    text.encode()


def assert_harmless(failure: Failure) -> None:
    assert_line(failure.message)
    assert "\x1b" not in failure.raw and KEY not in everything(failure)
    failure.raw.encode()
    for name, value in failure.headers.items():
        assert_line(name), assert_line(value)


def assert_answer(answer: Answer) -> None:
    for name in (answer.model, answer.fingerprint, answer.request_id, answer.service_tier):
        if name is not None:
            assert_line(name, 200)
    assert not {c for c in answer.text if unicodedata.category(c) in ("Cc", "Cs")} - set("\n\t")
    assert all(isinstance(count, int) and 0 <= count <= MOST_TOKENS for count in answer.usage)
    assert answer.usage.cached <= answer.usage.input
    assert answer.logprob is None or -10_000 <= answer.logprob <= 1


@pytest.fixture(scope="module")
def apis() -> Iterator[dict[str, Api]]:
    with pytest.MonkeyPatch.context() as patch:
        set_environment(patch)
        yield {provider: open_api(settings(provider)) for provider in ("openai", "anthropic")}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)


def check_answer(api: Api, value: Any) -> None:
    raw = api._connection._key.redact_answer(json.dumps(value))
    try:
        assert_answer(api.read(raw))
    except Failure as failure:
        assert_harmless(failure)


@fuzzed([completion(logprobs={"content": [{"logprob": -0.5}]}), {"error": {"message": "no", "code": 502}}])
def test_openai_answers(apis: dict[str, Api], value: Any) -> None:
    check_answer(apis["openai"], value)


@fuzzed([message(), anthropic_error("overloaded_error", "busy")])
def test_anthropic_answers(apis: dict[str, Api], value: Any) -> None:
    check_answer(apis["anthropic"], value)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@fuzzed(ERRORS)
def test_errors(apis: dict[str, Api], provider: str, value: Any) -> None:
    for status in (400, 404, 429):
        assert_harmless(apis[provider]._connection.refusal_of(status, json.dumps(value), {"retry-after": str(value)}))


def read_state(api: Api, read: Callable[[Any], Any], value: Any) -> list[Any]:
    """The fields of what ``read`` makes of a value as the server sends it; none if it is a failure."""
    try:
        return list(api._connection._read_as(lambda raw: read(api._connection._json(raw)), raw_of(value)))
    except Failure as failure:
        assert_harmless(failure)
        return []


def assert_fields(fields: list[Any]) -> None:
    for field in fields:
        if isinstance(field, str):
            assert_line(field)
        elif isinstance(field, int | float) and not isinstance(field, bool):
            assert 0 <= field < 2**63
        elif isinstance(field, Failure):
            assert_harmless(field)
        elif isinstance(field, tuple):
            assert_fields(list(field))
        elif isinstance(field, dict):
            assert not {c for c in json.dumps(field, ensure_ascii=False) if unicodedata.category(c)[0] == "C"}


@fuzzed([BATCH["openai"]])
def test_openai_batches(apis: dict[str, Api], value: Any) -> None:
    assert_fields(read_state(apis["openai"], apis["openai"]._state, value))


@fuzzed([BATCH["anthropic"]])
def test_anthropic_batches(apis: dict[str, Api], value: Any) -> None:
    assert_fields(read_state(apis["anthropic"], apis["anthropic"]._state, value))


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_results_of_batches(apis: dict[str, Api], provider: str) -> None:
    api = apis[provider]

    @fuzzed(LINES[provider])
    def check(value: Any) -> None:
        custom_id, result = read_state(api, api._result, value) or ("", None)  # type: ignore[attr-defined]
        assert_line(custom_id)
        if isinstance(result, Failure):
            assert_harmless(result)
        elif result is not None:
            check_answer(api, json.loads(result.raw))
            assert_fields(list(result.headers.values()))

    check()


@fuzzed([JOB])
def test_tuning_jobs(apis: dict[str, Api], value: Any) -> None:
    from llm.providers.openai_tuning import _state

    assert_fields(read_state(apis["openai"], _state, value))


@fuzzed([EVENT])
def test_tuning_events(apis: dict[str, Api], value: Any) -> None:
    from llm.providers.openai_tuning import _event

    assert_fields(read_state(apis["openai"], _event, value))


@fuzzing(max_examples=INPUTS, deadline=None, derandomize=True, database=None)
@given(
    text=st.one_of(
        st.text(), st.sampled_from(["9" * 400, "9" * 5000, "1m" * 3000, "nan", "-inf", "1e999", *NASTY[:-1]])
    )
)
def test_headers(text: str) -> None:
    for name in ("retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "x-ratelimit-limit-requests"):
        seconds = retry_after({name: text, "date": text})
        assert seconds is None or 0 <= seconds <= 86_400
        for value in kept_headers({name: text}).values():
            assert_line(value, 200)


# Usage


def usage(api: Api, **counts: Any) -> Usage:
    call = api.call("Be brief.", "Haus", 40, 0, 0)
    body = completion() | {"usage": counts} if api.provider == "openai" else message() | {"usage": counts}
    return api.read(json.dumps(body)).usage.bounded(call.body)


@pytest.mark.parametrize("count", [-60, 10**15, 10**19, 1.5, "12", None, {}, True])
def test_a_count_that_lies_costs_the_most_that_the_request_can(apis: dict[str, Api], count: Any) -> None:
    most = most_tokens(apis["openai"].call("Be brief.", "Haus", 40, 0, 0).body)
    assert most == (len("Be brief.Haus") + 16, 40)
    assert usage(apis["openai"], prompt_tokens=count, completion_tokens=3) == Usage(most[0], 3)
    assert usage(apis["openai"], prompt_tokens=9, completion_tokens=count) == Usage(9, 40)
    assert usage(apis["anthropic"], input_tokens=count, output_tokens=3) == Usage(most[0], 3)
    assert usage(apis["anthropic"], input_tokens=9, output_tokens=count) == Usage(9, 40)


def test_a_text_has_tokens_and_a_server_that_counts_nothing_is_no_liar(apis: dict[str, Api]) -> None:
    assert usage(apis["openai"], prompt_tokens=9, completion_tokens=0) == Usage(9, 40)
    assert usage(apis["openai"], prompt_tokens=9.0, completion_tokens=3.0) == Usage(9, 3)
    assert usage(apis["openai"]) == Usage(0, 0)
    cached = {"cached_tokens": 10**6}
    assert usage(apis["openai"], prompt_tokens=9, completion_tokens=3, prompt_tokens_details=cached) == Usage(9, 3, 9)


def test_other_objects_of_a_request_may_take_tokens_too() -> None:
    schema = {"response_format": {"type": "json_schema", "json_schema": {"name": "x" * 100}}}
    call = open_api(settings("openai", body=schema)).call(None, "Haus", 40, 0, 0)
    assert most_tokens(call.body)[0] > 4 + 16 + 100


# Bodies


def packed(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_an_answer_that_unpacks_to_more_than_an_answer_can_hold_is_lost(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(provider, lambda request: packed(gzip.compress(raw_of(completion()))), send)[0].raw == json.dumps(
        completion()
    )
    monkeypatch.setattr(connection, "MOST_BYTES", 1 << 16)
    bomb = packed(gzip.compress(b'{"x": "' + bytes(1 << 22) + b'"}'))
    for body in (bomb, http(200, "x" * (1 << 17))):
        failure = failure_of(provider, body)
        assert (failure.kind, failure.maybe_paid) == (FailureKind.TRANSIENT, True)
        assert "longer than" in failure.message and len(failure.raw) < 1000
    assert failure_of(provider, http(500, "x" * (1 << 17))).kind is FailureKind.TRANSIENT


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize(
    "body",
    ["[" * 100_000, '{"a":' * 100_000, '{"choices": [{"message": {}, "finish_reason": {}}], "usage": {}}', "9" * 5000],
)
def test_odd_bodies_are_lost_answers_and_odd_errors_are_errors(provider: str, body: str) -> None:
    async def read(api: Api) -> None:
        api.read((await send(api)).raw)

    failure = failure_of(provider, http(200, body), read)
    assert (failure.kind, failure.maybe_paid) == (FailureKind.TRANSIENT, True)
    for question in (read, lambda api: api.batch("b")):
        assert_harmless(failure_of(provider, http(400, body, retry_after="9" * 400), question))


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_success_with_an_error_in_it_is_an_error_with_its_words(provider: str) -> None:
    async def read(api: Api) -> None:
        api.read((await send(api)).raw)

    for error, kind in (
        ({"message": "Upstream is busy", "code": 503}, FailureKind.OVERLOADED),
        ({"message": "Upstream is busy", "type": "overloaded_error"}, FailureKind.OVERLOADED),
        ("Upstream is busy", FailureKind.TRANSIENT),
    ):
        failure = failure_of(provider, http(200, {"type": "error", "error": error}), read)
        assert (failure.kind, failure.maybe_paid) == (kind, False)
        assert "Upstream is busy (HTTP 200)" in failure.message


def test_a_body_that_never_ends_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_ASK_SECONDS", 0.1)
    trickle = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n "
    for question in (lambda api: api.batch("b"), lambda api: api.find_batch("in7", 0.0, 1)):
        assert "no answer within 0.1 s" in failure_of("openai", trickle, question).message


def test_a_list_whose_pages_repeat_ends() -> None:
    page = {"object": "list", "data": [BATCH["openai"] | {"created_at": 4e9}], "has_more": True}
    found, requests = ask("openai", lambda request: http(200, page), lambda api: api.find_batch("in7", 0.0, 1))
    assert (len(found), len(requests)) == (2, 2)


# Secrets


@pytest.mark.parametrize("escape", ["\\u{:04x}", "\\u{:04X}", "%{:02X}"])
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_key_is_found_however_it_is_escaped(provider: str, escape: str) -> None:
    written = "".join(escape.format(ord(c)) for c in KEY)
    body = json.dumps(completion() if provider == "openai" else message()).replace("a house", f"your key: {written}!")

    async def texts(api: Api) -> str:
        reply = await send(api)
        return reply.raw + api.read(reply.raw).text

    found, _ = ask(provider, lambda request: http(200, body), texts)
    assert "your key: [API key]!" in found and written not in found and KEY not in found
    assert written not in everything(failure_of(provider, http(400, body)))
