"""Handle a paid request of either protocol: limits, latency, faults, the answer, counting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from fake_llm.answers import Ask, Said, say
from fake_llm.faults import AFTER, BEFORE
from fake_llm.http import Cut, Hang, Headers, Problem, Request, Response, encoded
from fake_llm.state import State, digest_of

Read = Callable[[Mapping[str, Any], bytes], Ask]
Write = Callable[[State, Ask, Said, Mapping[str, Any]], dict[str, Any]]

_PLAIN: dict[str, tuple[int, str]] = {
    "http_500": (500, "The server had an error while processing your request. Sorry about that!"),
    "http_503": (503, "The server is overloaded or not ready yet."),
    "http_529": (529, "Overloaded"),
    "bad_request": (400, "This request could not be processed."),
}


async def online(state: State, request: Request, read: Read, write: Write) -> Response:
    """Answer one request of either protocol."""
    body = request.json()
    ask = read(body, digest_of(body))
    check_quota(state)
    limiter = state.limiter(request.key)
    limiter.admit(state.faults.rate, ask.input_tokens + ask.max_tokens, request.anthropic)
    tries = state.tries[ask.digest]
    state.tries[ask.digest] += 1
    limiter.in_flight += 1
    try:
        seconds = state.faults.latency.seconds(ask.digest)
        if seconds:
            await asyncio.sleep(seconds)
        fail_before(state, ask, tries, request.key, request.anthropic)
        said = await say(state, ask, tries, request.key)
    finally:
        limiter.in_flight -= 1
    message = write(state, ask, said, body)
    count_answer(state, request.key, ask, said)
    response = Response(200, encoded(message), _headers(state, request))
    return fail_after(state, ask, tries, request.key, response)


def _headers(state: State, request: Request) -> Headers:
    """Headers of an answer besides its request id."""
    headers = state.limiter(request.key).headers(state.faults.rate, request.anthropic)
    if not request.anthropic:
        headers += [(b"openai-version", b"2020-10-01"), (b"openai-processing-ms", b"1")]
    return headers


def check_quota(state: State) -> None:
    """Raises :class:`Problem` if the credit is used up."""
    if state.faults.quota is not None and state.served() >= state.faults.quota:
        raise Problem(402, "You exceeded your current quota, please check your plan and billing details.")


def fail_before(state: State, ask: Ask, tries: int, key: str, anthropic: bool) -> None:
    """Raise the fault that prevents an answer, if one affects the request."""
    fault = state.faults.hit(BEFORE, ask.digest, tries)
    if fault is None:
        return
    state.count_in(key, "faults", fault)
    if fault == "timeout":
        raise Hang
    if fault == "drop_before":
        raise Cut
    if fault == "http_502":
        raise Problem(502, "Bad Gateway", html=True)
    if fault in _PLAIN:
        raise Problem(*_PLAIN[fault])
    if fault.startswith("http_429"):
        headers = [(b"retry-after", b"1")] if fault == "http_429" else []
        raise Problem(429, "Rate limit reached for requests.", "rate_limit_exceeded", headers=headers)
    if fault == "too_long":
        message = "This model's maximum context length is exceeded; please reduce the length of the messages."
        raise Problem(400, "prompt is too long" if anthropic else message, "context_length_exceeded", "messages")
    message = "Invalid prompt: your prompt was flagged as potentially violating our usage policy."
    raise Problem(
        400, "Output blocked by content filtering policy" if anthropic else message, "content_policy_violation"
    )


def fail_after(state: State, ask: Ask, tries: int, key: str, response: Response) -> Response:
    """The response as it arrives: damaged if a fault affects it."""
    fault = state.faults.hit(AFTER, ask.digest, tries)
    if fault is None:
        return response
    state.count_in(key, "faults", fault)
    state.count(key, lost=1)
    if fault == "drop_middle":
        raise Cut(response)
    if fault == "truncated_json":
        return response._replace(body=response.body[: len(response.body) // 2])
    return Response(200, b"<html><body><h1>Welcome to the proxy</h1></body></html>", content_type=b"text/html")


def count_answer(state: State, key: str, ask: Ask, said: Said, batch: bool = False) -> None:
    """Count an answer that was written and is charged, whether or not it arrives."""
    for tally in (state.total, state.tally(key)):
        tally.answers += 1
        tally.batch_answers += batch
        tally.input_tokens += ask.input_tokens
        tally.output_tokens += said.output_tokens
        tally.bodies[ask.digest] += 1
        tally.models[ask.model] += 1


def served_model(state: State, model: str) -> tuple[str, str]:
    """The name and the fingerprint of the model that answers now."""
    drift = state.faults.drift
    if drift is not None and state.served() >= drift.after:
        return model + drift.suffix, "fp_fake000002"
    return model, "fp_fake000001"
