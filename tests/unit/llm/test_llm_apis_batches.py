"""Batches are handed over, found again, watched and collected, at both providers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

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
    message,
    openai_error,
    set_environment,
)

from llm.calls import Failure, FailureKind, Reply
from llm.providers import connection
from llm.providers.protocol import BatchCounts, BatchResult, BatchState, BatchStatus


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)


def write_lines(folder: Path, *texts: str) -> Path:
    lines = folder / "lines.jsonl"
    with lines.open("w", encoding="utf-8") as file:
        for number, text in enumerate(texts):
            body = {"model": "some-model", "messages": [{"role": "user", "content": text}]}
            file.write(json.dumps({"custom_id": f"in7-{number}", "body": body}, ensure_ascii=False) + "\n")
    return lines


def openai_batch(status: str, **more: Any) -> dict[str, Any]:
    counts = {"total": 3, "completed": 2, "failed": 1}
    return {
        "id": "batch_1",
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "input_file_id": "file-in",
        "created_at": 1000,
        "completion_window": "24h",
        "status": status,
        "request_counts": counts,
        **more,
    }


def anthropic_batch(status: str, **more: Any) -> dict[str, Any]:
    counts = {"processing": 0, "succeeded": 2, "errored": 1, "canceled": 1, "expired": 1}
    return {
        "id": "msgbatch_1",
        "type": "message_batch",
        "processing_status": status,
        "request_counts": counts,
        "created_at": "1970-01-01T00:16:40Z",
        "expires_at": "1970-01-02T00:16:40Z",
        "results_url": None,
        **more,
    }


async def collected(results: AsyncIterator[BatchResult]) -> dict[str, Reply | Failure]:
    return {result.custom_id: result.result async for result in results}


class OpenAIBatches:
    """As much of OpenAI's files and batches as a submission needs."""

    def __init__(self, files: list[dict[str, Any]]) -> None:
        self.files = files

    def __call__(self, request: Request) -> bytes:
        if request.method == "GET":
            return http(200, {"object": "list", "data": self.files, "has_more": False})
        if request.path == "/v1/files":
            return http(200, {"id": "file-new", "object": "file", "bytes": 1, "filename": "x"})
        return http(200, openai_batch("validating", input_file_id=request.json()["input_file_id"]))


def test_openai_batch_is_uploaded_and_started(tmp_path: Path) -> None:
    lines = write_lines(tmp_path, "Häuser", "two")
    state, requests = ask("openai", OpenAIBatches([]), lambda api: api.submit_batch("in7", lines))
    assert state == BatchState(
        "batch_1", BatchStatus.RUNNING, BatchCounts(3, 2, 1), 1000, "validating", has_results=False
    )
    listing, upload, start = requests
    assert listing.path.startswith("/v1/files?") and "purpose=batch" in listing.path
    assert b'filename="in7.jsonl"' in upload.body
    sent = [json.loads(line) for line in upload.body.split(b"\r\n\r\n")[-1].split(b"\r\n")[0].splitlines()]
    assert [line.pop("custom_id") for line in sent] == ["in7-0", "in7-1"]
    body = {"model": "some-model", "messages": [{"role": "user", "content": "Häuser"}]}
    assert sent[0] == {"method": "POST", "url": "/v1/chat/completions", "body": body}
    assert start.json() == {
        "input_file_id": "file-new",
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "metadata": {"intent": "in7"},
    }
    assert [path.name for path in tmp_path.iterdir()] == ["lines.jsonl"]


def test_openai_file_that_is_there_is_not_uploaded_again(tmp_path: Path) -> None:
    lines = write_lines(tmp_path, "one")
    size = len(lines.read_bytes()) + len('{"method":"POST","url":"/v1/chat/completions",') - 1
    files = [
        {"id": "file-broken", "object": "file", "bytes": 7, "filename": "in7.jsonl", "status": "processed"},
        {"id": "file-whole", "object": "file", "bytes": size, "filename": "in7.jsonl", "status": "processed"},
    ]
    _, requests = ask("openai", OpenAIBatches(files), lambda api: api.submit_batch("in7", lines))
    assert (requests[-1].json()["input_file_id"], len(requests)) == ("file-whole", 2)


def test_openai_batch_is_found_by_its_intent() -> None:
    batches = [
        openai_batch("in_progress", id="batch_2", metadata={"intent": "in8"}),
        openai_batch("in_progress", metadata={"intent": "in7"}),
        openai_batch("completed", id="batch_0", metadata=None),
    ]
    page = {"object": "list", "data": batches, "has_more": False}
    states, _ = ask("openai", lambda request: http(200, page), lambda api: api.find_batch("in7", 2000, 3))
    assert [state.remote_id for state in states] == ["batch_1"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, "running") for status in ("validating", "in_progress", "finalizing", "cancelling")),
        *((status, "ended") for status in ("completed", "expired", "cancelled")),
    ],
)
def test_openai_batch_states(status: str, expected: str) -> None:
    batch = openai_batch(status, output_file_id="file-out", error_file_id="file-err")
    state, requests = ask("openai", lambda request: http(200, batch), lambda api: api.batch("batch_1"))
    assert (state.status, state.message, state.failure) == (expected, status, None)
    assert (state.output_file_id, state.error_file_id) == ("file-out", "file-err")
    assert requests[0].path == "/v1/batches/batch_1"


@pytest.mark.parametrize(("provider", "folder"), [("openai", "/v1/batches"), ("anthropic", "/v1/messages/batches")])
def test_an_id_leads_nowhere_else(provider: str, folder: str) -> None:
    batch = openai_batch("completed") if provider == "openai" else anthropic_batch("ended")
    _, requests = ask(provider, lambda request: http(200, batch), lambda api: api.batch("../files/x?y"))
    assert requests[0].path == f"{folder}/..%2Ffiles%2Fx%3Fy"


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("token_limit_exceeded", FailureKind.THROTTLED, "Reason"),
        ("invalid_json_line", FailureKind.FATAL, "batch batch_1 failed: Reason"),
        ("billing_hard_limit_reached", FailureKind.FATAL, "add credit"),
    ],
)
def test_openai_batch_that_was_not_taken(code: str, kind: FailureKind, said: str) -> None:
    errors = {"object": "list", "data": [{"code": code, "message": f"Reason {KEY}", "line": 1}]}
    state, _ = ask(
        "openai", lambda request: http(200, openai_batch("failed", errors=errors)), lambda api: api.batch("b")
    )
    assert state.status == "failed" and state.failure is not None
    assert state.failure.kind == kind and said in state.message
    assert KEY not in state.message + everything(state.failure)


def test_openai_batch_results() -> None:
    body = completion("a\u2028house \U0001f600")
    output = [
        {
            "id": "1",
            "custom_id": "a",
            "response": {"status_code": 200, "request_id": "req_a", "body": body},
            "error": None,
        },
    ]
    errors = [
        {
            "id": "2",
            "custom_id": "b",
            "response": {
                "status_code": 400,
                "request_id": "req_b",
                "body": openai_error("long", "context_length_exceeded"),
            },
            "error": None,
        },
        {
            "id": "3",
            "custom_id": "c",
            "response": None,
            "error": {"code": "batch_expired", "message": "This request could not be executed"},
        },
    ]
    files = {"/v1/files/out/content": output, "/v1/files/err/content": errors}

    def serve(request: Request) -> bytes:
        return http(200, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in files[request.path]))

    state = BatchState("batch_1", BatchStatus.ENDED, BatchCounts(3, 1, 2), 0, "expired", "out", "err")
    results, _ = ask("openai", serve, lambda api: collected(api.batch_results(state)))
    reply, rejected, expired = results["a"], results["b"], results["c"]
    assert isinstance(reply, Reply) and json.loads(reply.raw) == body and reply.headers == {"x-request-id": "req_a"}
    assert isinstance(rejected, Failure) and (rejected.kind, rejected.status) == (FailureKind.REJECTED, 400)
    assert isinstance(expired, Failure) and (expired.kind, expired.maybe_paid) == (FailureKind.TRANSIENT, False)
    assert "could not be executed" in expired.message
    nothing, requests = ask(
        "openai",
        serve,
        lambda api: collected(api.batch_results(state._replace(output_file_id=None, error_file_id=None))),
    )
    assert (nothing, requests) == ({}, [])


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("broken", ["{", "7", '{"custom_id": "b"}', "[" * 100_000, '{"custom_id": "' + "x" * 70_000])
def test_one_line_that_cannot_be_read_loses_no_other(
    provider: str, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llm.providers.connection.MOST_BYTES", 1 << 16)
    if provider == "openai":
        good = {"custom_id": "a", "response": {"status_code": 200, "body": completion()}}
    else:
        good = {"custom_id": "a", "result": {"type": "succeeded", "message": message()}}
    text = "\n".join([broken, json.dumps(good), broken, json.dumps({**good, "custom_id": "c"})])
    state = BatchState("b", BatchStatus.ENDED, BatchCounts(3, 3, 0), 0, "", "out")
    results, _ = ask(provider, lambda request: http(200, text), lambda api: collected(api.batch_results(state)))
    assert [isinstance(results.get(name), Reply) for name in "ac"] == [True, True]


def test_a_broken_character_in_a_batch_can_be_kept_in_a_file() -> None:
    line = {"custom_id": "a", "response": {"status_code": 200, "body": completion("half \ud83d")}, "error": None}
    state = BatchState("batch_1", BatchStatus.ENDED, BatchCounts(1, 1, 0), 0, "completed", "out")
    results, _ = ask("openai", lambda request: http(200, line), lambda api: collected(api.batch_results(state)))
    reply = results["a"]
    assert isinstance(reply, Reply) and json.loads(reply.raw.encode()) == completion("half \ud83d")


def test_a_line_without_an_end_is_cut_and_a_file_without_an_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    state = BatchState("b", BatchStatus.ENDED, BatchCounts(2, 2, 0), 0, "", "out", None)
    texts = {"a": "x", "b": "y" * 300_000}
    answers = {name: {"status_code": 200, "body": completion(text)} for name, text in texts.items()}
    short, long = (json.dumps({"custom_id": name, "response": answer}) for name, answer in answers.items())
    monkeypatch.setattr(connection, "MOST_BYTES", 1 << 16)
    answer = http(200, f"{long}\n{short}\n")
    results, _ = ask("openai", lambda request: answer, lambda api: collected(api.batch_results(state)))
    assert isinstance(results["a"], Reply)
    assert isinstance(results["b"], Failure) and results["b"].maybe_paid and len(results["b"].raw) < 2_000
    monkeypatch.setattr(connection, "_FILE_SECONDS", 0.0)
    failure = failure_of("openai", answer, lambda api: collected(api.batch_results(state)))
    assert failure.kind is FailureKind.TRANSIENT


@pytest.mark.parametrize("piece", [1 << 20, 10_000, 999])
def test_a_line_that_is_too_long_never_becomes_one_with_a_hole(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_BYTES", 1 << 16)
    content = json.dumps({"custom_id": "b", "text": "y" * 300_000}).encode() + b'\n{"custom_id": "a"}\n'

    class Response:
        async def aiter_bytes(self) -> AsyncIterator[bytes]:
            for start in range(0, len(content), piece):
                yield content[start : start + piece]

    async def lines() -> list[bytes]:
        return [bytes(line) async for line in connection._lines(cast("Any", Response()))]

    assert asyncio.run(lines()) == [content[: 1 << 16], b'{"custom_id": "a"}']


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_results_that_break_off_can_be_asked_for_again(provider: str) -> None:
    state = BatchState("b", BatchStatus.ENDED, BatchCounts(1, 1, 0), 0, "", "out", None)
    whole = http(200, '{"custom_id": "a"' + " " * 100)
    failure = failure_of(provider, whole[:-50] + b"...", lambda api: collected(api.batch_results(state)))
    assert (failure.kind, failure.maybe_paid) == (FailureKind.TRANSIENT, False)
    assert (
        failure_of(
            provider, http(404, openai_error("No such File")), lambda api: collected(api.batch_results(state))
        ).status
        == 404
    )


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("body", ["<html>", "[1]", '{"no": "id"}', '{"id": '])
def test_what_is_no_batch_is_a_failure(provider: str, body: str) -> None:
    state = BatchState("b", BatchStatus.ENDED, BatchCounts(1, 1, 0), 0, "", "out", None)
    answer = http(200, body)
    for question in (lambda api: api.batch("b"), lambda api: collected(api.batch_results(state))):
        failure = failure_of(provider, answer, question)
        assert (failure.kind, failure.maybe_paid) == (FailureKind.TRANSIENT, False)
        assert "an answer that cannot be read" in failure.message


def test_anthropic_batch_is_sent(tmp_path: Path) -> None:
    lines = write_lines(tmp_path, "Häuser", "two")
    state, requests = ask(
        "anthropic",
        lambda request: http(200, anthropic_batch("in_progress")),
        lambda api: api.submit_batch("in7", lines),
    )
    assert state == BatchState("msgbatch_1", BatchStatus.RUNNING, BatchCounts(5, 2, 3), 1000, "in_progress")
    (request,) = requests
    assert (request.method, request.path) == ("POST", "/v1/messages/batches")
    params = {"model": "some-model", "messages": [{"role": "user", "content": "Häuser"}]}
    assert request.json()["requests"][0] == {"custom_id": "in7-0", "params": params}
    assert len(request.json()["requests"]) == 2


def test_anthropic_batch_is_found_by_time_and_size() -> None:
    batches = [
        anthropic_batch("in_progress", id="too_old", created_at="1970-01-01T00:00:00Z"),
        anthropic_batch("ended", id="it", created_at="1970-01-02T00:00:00Z"),
        anthropic_batch(
            "ended",
            id="other",
            created_at="1970-01-02T00:00:00Z",
            request_counts=dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 4),
        ),
    ]
    page = {"data": batches, "has_more": False, "first_id": None, "last_id": None}
    states, _ = ask("anthropic", lambda request: http(200, page), lambda api: api.find_batch("in7", 10_000, 5))
    assert [(state.remote_id, state.status) for state in states] == [("it", "ended")]


def test_anthropic_batch_results() -> None:
    lines = [
        {"custom_id": "a", "result": {"type": "succeeded", "message": message("a\u2028house")}},
        {
            "custom_id": "b",
            "result": {"type": "errored", "error": anthropic_error("invalid_request_error", "prompt is too long")},
        },
        {"custom_id": "c", "result": {"type": "errored", "error": anthropic_error("overloaded_error", "Overloaded")}},
        {"custom_id": "d", "result": {"type": "expired"}},
        {"custom_id": "e", "result": {"type": "canceled"}},
    ]
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    state = BatchState("msgbatch_1", BatchStatus.ENDED, BatchCounts(5, 1, 4), 0, "ended")
    results, requests = ask(
        "anthropic", lambda request: http(200, text), lambda api: collected(api.batch_results(state))
    )
    assert requests[0].path == "/v1/messages/batches/msgbatch_1/results"
    reply = results.pop("a")
    assert isinstance(reply, Reply) and json.loads(reply.raw) == message("a\u2028house")
    kinds = {name: (result.kind, result.maybe_paid) for name, result in results.items() if isinstance(result, Failure)}
    assert kinds == {
        "b": (FailureKind.REJECTED, False),
        "c": (FailureKind.OVERLOADED, False),
        "d": (FailureKind.TRANSIENT, False),
        "e": (FailureKind.TRANSIENT, False),
    }
