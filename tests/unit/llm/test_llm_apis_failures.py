"""What goes wrong at a provider is told by its kind, in one line with what to do, and without the key."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
from typing import Any

import pytest
from scripted_api import (
    KEY,
    Request,
    anthropic_error,
    ask,
    completion,
    everything,
    failure_of,
    http,
    openai_error,
    send,
    set_environment,
)

from llm.calls import Failure, FailureKind
from llm.providers.api import Api
from llm.providers.failures import retry_after


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)


TOO_LARGE = "Request too large for some-model on tokens per min (TPM): Limit 10, Requested 20"
OPENAI_FAILURES = [
    (401, openai_error("Incorrect API key provided", "invalid_api_key"), FailureKind.FATAL, "set TEST_KEY to a key"),
    (403, openai_error("Country not supported"), FailureKind.FATAL, "the account's settings"),
    (402, {"error": "pay"}, FailureKind.FATAL, "add credit"),
    (429, openai_error("You exceeded your current quota", "insufficient_quota"), FailureKind.FATAL, "add credit"),
    (429, openai_error("Rate limit reached", "rate_limit_exceeded"), FailureKind.THROTTLED, "Rate limit reached"),
    (429, openai_error(TOO_LARGE, "rate_limit_exceeded", kind="tokens"), FailureKind.REJECTED, "too large"),
    (429, openai_error("No flex capacity", "resource_unavailable"), FailureKind.OVERLOADED, "No flex capacity"),
    (404, openai_error("The model does not exist", "model_not_found"), FailureKind.FATAL, "set model (now some-model)"),
    (404, {"detail": "Not Found"}, FailureKind.FATAL, "Not Found (HTTP 404); set base_url"),
    (
        400,
        openai_error("no", "unsupported_parameter", "max_tokens"),
        FailureKind.FATAL,
        "set max_tokens_field: max_completion",
    ),
    (400, openai_error("no", "unsupported_value", "temperature"), FailureKind.FATAL, "change or leave out temperature"),
    (
        400,
        openai_error("5 > 2", "decimal_above_max_value", "temperature"),
        FailureKind.FATAL,
        "change or leave out temperature",
    ),
    (400, openai_error("too many", "context_length_exceeded", "messages"), FailureKind.REJECTED, "too many"),
    (400, openai_error("bad", None, "messages[0].content"), FailureKind.REJECTED, "bad"),
    (400, openai_error("flagged", "content_policy_violation"), FailureKind.FILTERED, "flagged"),
    (400, openai_error("flagged", "invalid_prompt"), FailureKind.FILTERED, "flagged"),
    (400, openai_error("litellm.ContentPolicyViolationError: x", "400"), FailureKind.FILTERED, "litellm"),
    (400, openai_error("Azure OpenAI's content management policy", "400"), FailureKind.FILTERED, "Azure"),
    (403, {"error": {"code": 403, "message": "Your input was flagged"}}, FailureKind.FILTERED, "flagged"),
    (400, openai_error("You are not allowed to request logprobs"), FailureKind.REJECTED, "logprobs"),
    (
        400,
        {"object": "error", "message": "maximum context length", "code": 400},
        FailureKind.REJECTED,
        "maximum context",
    ),
    (413, "<html><b>Too Large</b></html>", FailureKind.REJECTED, "Too Large (HTTP 413)"),
    (422, {"detail": [{"msg": "field required"}]}, FailureKind.REJECTED, "field required"),
    (
        500,
        openai_error("The server had an error", kind="server_error"),
        FailureKind.TRANSIENT,
        "The server had an error",
    ),
    (502, "", FailureKind.TRANSIENT, "no reason given (HTTP 502)"),
    (503, openai_error("busy"), FailureKind.OVERLOADED, "busy"),
    (301, "", FailureKind.FATAL, "set base_url to the address it leads to"),
]
ANTHROPIC_FAILURES = [
    (401, anthropic_error("authentication_error", "invalid x-api-key"), FailureKind.FATAL, "set TEST_KEY to a key"),
    (402, anthropic_error("billing_error", "no credit"), FailureKind.FATAL, "add credit"),
    (400, anthropic_error("invalid_request_error", "Your credit balance is too low"), FailureKind.FATAL, "add credit"),
    (
        429,
        anthropic_error("rate_limit_error", "x", error_code="enforced_spend_limit_reached"),
        FailureKind.FATAL,
        "add credit",
    ),
    (429, anthropic_error("rate_limit_error", "slow", error_code="ramp_limit_exceeded"), FailureKind.THROTTLED, "slow"),
    (404, anthropic_error("not_found_error", "model: some-model"), FailureKind.FATAL, "set model (now some-model)"),
    (
        400,
        anthropic_error("invalid_request_error", "temperature: Extra inputs"),
        FailureKind.FATAL,
        "leave out temperature",
    ),
    (400, anthropic_error("invalid_request_error", "`top_k` is not supported"), FailureKind.FATAL, "leave out top_k"),
    (
        400,
        anthropic_error("invalid_request_error", "held", error_code="organization_on_hold"),
        FailureKind.FATAL,
        "account",
    ),
    (400, anthropic_error("invalid_request_error", "prompt is too long: 9 > 8"), FailureKind.REJECTED, "too long"),
    (400, anthropic_error("invalid_request_error", "messages.0.content: empty"), FailureKind.REJECTED, "empty"),
    (
        400,
        anthropic_error("invalid_request_error", "Output blocked by content filtering policy"),
        FailureKind.FILTERED,
        "",
    ),
    (413, anthropic_error("request_too_large", "too large"), FailureKind.REJECTED, "too large"),
    (500, anthropic_error("api_error", "Internal server error"), FailureKind.TRANSIENT, "Internal server error"),
    (529, anthropic_error("overloaded_error", "Overloaded"), FailureKind.OVERLOADED, "Overloaded"),
]


@pytest.mark.parametrize(
    ("provider", "status", "body", "kind", "said"),
    [("openai", *case) for case in OPENAI_FAILURES] + [("anthropic", *case) for case in ANTHROPIC_FAILURES],
)
def test_failures_say_what_to_do(provider: str, status: int, body: Any, kind: FailureKind, said: str) -> None:
    failure = failure_of(provider, http(status, body, location="http://127.0.0.1:1/"))
    assert (failure.kind, failure.status, failure.maybe_paid) == (kind, status, False)
    assert said in failure.message
    assert failure.message.startswith("http://127.0.0.1:") and "\n" not in failure.message
    assert failure.raw == (body if isinstance(body, str) else json.dumps(body))


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_gateway_that_gave_up_waiting_may_have_been_paid(provider: str) -> None:
    failure = failure_of(provider, http(504, ""))
    assert (failure.kind, failure.maybe_paid) == (FailureKind.TRANSIENT, True)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_connection_lost_after_sending_may_have_been_paid(provider: str) -> None:
    whole = http(200, completion())
    for answer in (None, whole[: len(whole) // 2] + b"...", b"rubbish\r\n\r\n..."):
        failure = failure_of(provider, answer)
        assert (failure.kind, failure.maybe_paid, failure.status) == (FailureKind.TRANSIENT, True, None), answer


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_no_connection_costs_nothing(provider: str) -> None:
    failure = failure_of(provider, None, base_url="http://127.0.0.1:1/v1")
    assert (failure.kind, failure.maybe_paid) == (FailureKind.TRANSIENT, False)
    assert "no connection (Connection refused)" in failure.message


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_server_that_never_answers_is_left(provider: str) -> None:
    failure = failure_of(provider, b"", timeout=0.1)
    assert (failure.kind, failure.maybe_paid) == (FailureKind.TRANSIENT, True)
    assert "no answer within 0.1 s" in failure.message


def test_an_answer_that_trickles_is_left_too() -> None:
    trickle = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n "
    assert failure_of("openai", trickle, timeout=0.1).maybe_paid


def test_an_answer_that_is_no_utf8_is_not_guessed() -> None:
    broken = http(200, completion()).replace(b"a house", b"H\xe4usern")
    failure = failure_of("openai", broken)
    assert (failure.kind, failure.maybe_paid) == (FailureKind.TRANSIENT, True)
    assert "UTF-8" in failure.message


def test_cancelling_is_no_failure() -> None:
    async def cancelled(api: Api) -> bool:
        task = asyncio.ensure_future(send(api))
        await asyncio.sleep(0.05)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return True
        return False

    assert ask("openai", lambda request: b"", cancelled)[0]


def test_requests_leave_no_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        ask("openai", lambda request: http(200, completion()), send)
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "1e300"}, 86_400),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "9", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 GMT", "date": "Sat, 21 Nov 2026 12:00:00 GMT"}, 30),
        ({"x-ratelimit-reset-requests": "1m30.5s"}, 90.5),
        ({"x-ratelimit-reset-requests": "120ms", "x-ratelimit-reset-tokens": "6s"}, 0.12),
        (
            {
                "x-ratelimit-reset-requests": "120ms",
                "x-ratelimit-reset-tokens": "6s",
                "x-ratelimit-remaining-tokens": "0",
            },
            6,
        ),
        (
            {"anthropic-ratelimit-tokens-reset": "2026-11-21T12:00:08Z", "date": "Sat, 21 Nov 2026 12:00:00 GMT"},
            8,
        ),
    ],
)
def test_waits_that_servers_ask_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == (None if seconds is None else pytest.approx(seconds))


def test_retry_after_reaches_the_failure() -> None:
    failure = failure_of("openai", http(429, openai_error("slow"), retry_after="2", x_request_id="req_1"))
    assert (failure.kind, failure.retry_after) == (FailureKind.THROTTLED, 2)
    assert failure.headers == {"retry-after": "2", "x-request-id": "req_1"}


# Secrets


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("status", [200, 401, 500])
def test_a_key_that_the_server_repeats_does_not_leave_the_module(provider: str, status: int) -> None:
    body = {"error": {"message": f"Bad key {KEY}", "type": "x"}, "echo": KEY}

    def echo(request: Request) -> bytes:
        return http(status, body, x_request_id=KEY, request_id=KEY, retry_after=KEY)

    async def everything_that_leaves(api: Api) -> str:
        seen = [repr(api)]
        try:
            reply = await send(api)
            seen.append(repr(reply))
            api.read(reply.raw)
        except Failure as failure:
            seen.append(everything(failure))
        return "\n".join(seen)

    text, _ = ask(provider, echo, everything_that_leaves)
    assert "[API key]" in text
    assert KEY not in text and json.dumps(KEY)[1:-1] not in text


def test_no_part_of_a_key_stays_where_a_message_is_cut() -> None:
    for before in range(380, 400):
        failure = failure_of("openai", http(500, openai_error("x" * before + KEY)))
        assert KEY[:4] not in failure.message


def test_a_failure_hangs_on_to_no_request() -> None:
    failure = failure_of("openai", http(500, ""))
    assert failure.__context__ is None and failure.__cause__ is None
    assert KEY.encode() not in pickle.dumps(vars(failure))
