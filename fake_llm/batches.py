"""OpenAI's batches: create, retrieve, list, cancel; output and error files."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fake_llm import chat, files
from fake_llm.batch_run import Line, Result, Run, carry_out, settings_for_next
from fake_llm.http import Cut, Problem, Request, Response, reply
from fake_llm.state import State

ENDPOINT = "/v1/chat/completions"
MOST_REQUESTS = 50_000
MOST_BYTES = 200_000_000
LIFETIME = 24 * 3600  # seconds until a batch expires
ENQUEUED = ("validating", "in_progress", "finalizing")


class Invalid(Exception):
    """The input file is invalid: code, message, line or None."""


@dataclass
class OpenAIBatch:
    """One batch. ``times`` holds when it reached each status, by the name of the field."""

    id: str
    input_file: str
    metadata: Mapping[str, str]
    run: Run
    status: str = "validating"
    times: dict[str, int] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    output_file: str | None = None
    error_file: str | None = None
    tokens: int = 0
    model: str | None = None

    def enter(self, status: str) -> None:
        """Change to ``status`` and record the time."""
        self.status = status
        self.times[f"{status}_at"] = int(time.time())

    def as_json(self) -> dict[str, Any]:
        """The batch in OpenAI's format."""
        run, created = self.run, self.times["created_at"]
        done, bad = run.of("succeeded"), len(run.results) - run.of("succeeded")
        is_done = self.status in ("completed", "expired", "cancelled")
        spent = sum(result.input_tokens for result in run.results) if is_done else 0
        written = sum(result.output_tokens for result in run.results) if is_done else 0
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": ENDPOINT,
            "errors": {"object": "list", "data": self.errors} if self.errors else None,
            "input_file_id": self.input_file,
            "completion_window": "24h",
            "status": self.status,
            "output_file_id": self.output_file,
            "error_file_id": self.error_file,
            "expires_at": created + LIFETIME,
            "request_counts": {"total": run.total, "completed": done, "failed": bad},
            "metadata": dict(self.metadata) or None,
            "model": self.model,
            "usage": {
                "input_tokens": spent,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": written,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": spent + written,
            },
            **self.times,
        }


async def create(state: State, request: Request) -> Response:
    """``POST /v1/batches``."""
    body = request.json()
    if body.get("endpoint") != ENDPOINT:
        raise Problem(400, f"Invalid endpoint: this fake server takes {ENDPOINT} only.", "invalid_value", "endpoint")
    if body.get("completion_window") != "24h":
        raise Problem(400, "Invalid value: 'completion_window' must be '24h'.", "invalid_value", "completion_window")
    file = state.files.get(str(body.get("input_file_id")))
    if file is None or file.purpose != "batch":
        raise Problem(
            400, "Invalid 'input_file_id': no such file of purpose 'batch'.", "invalid_value", "input_file_id"
        )
    metadata = body.get("metadata") or {}
    if len(metadata) > 16 or any(len(k) > 64 or not isinstance(v, str) or len(v) > 512 for k, v in metadata.items()):
        raise Problem(400, "Invalid 'metadata'.", "invalid_value", "metadata")
    name = f"batch_fake{state.number():08x}"
    run = Run(name, request.key, False, [], settings_for_next(state))
    batch = OpenAIBatch(name, file.id, metadata, run, times={"created_at": int(time.time())})
    state.batches[name] = batch
    state.count(request.key, batches=1)
    response = reply(batch.as_json())
    state.start(_live(state, batch, file))
    if state.faults.batch.lost > 0:
        state.faults.batch.lost -= 1
        raise Cut
    return response


async def retrieve(state: State, request: Request, name: str) -> Response:
    """``GET /v1/batches/{id}``."""
    return reply(_find(state, name).as_json())


async def listed(state: State, request: Request) -> Response:
    """``GET /v1/batches``, newest first."""
    return reply(files.page([batch.as_json() for batch in reversed(state.batches.values())], request))


async def cancel(state: State, request: Request, name: str) -> Response:
    """``POST /v1/batches/{id}/cancel``."""
    batch = _find(state, name)
    if batch.status not in ENQUEUED:
        raise Problem(409, f"Cannot cancel a batch with status '{batch.status}'.")
    batch.run.cancelled = True
    batch.enter("cancelling")
    return reply(batch.as_json())


def _find(state: State, name: str) -> OpenAIBatch:
    if name not in state.batches:
        raise Problem(404, f"No batch found with id '{name}'.", param="batch_id")
    return state.batches[name]


async def _live(state: State, batch: OpenAIBatch, file: files.StoredFile) -> None:
    """Validate a batch, process it and write its files."""
    run = batch.run
    await state.sleep(run.settings.validating, lambda: run.cancelled)
    try:
        run.lines = _lines(state, batch, file)
    except Invalid as invalid:
        code, message, line = invalid.args
        batch.errors = [{"code": code, "message": message, "line": line, "param": None}]
        batch.enter("failed")
        return
    if not run.cancelled:
        batch.enter("in_progress")
    await carry_out(state, run, lambda body, digest: chat.read(state, body, digest), chat.write)
    if not run.cancelled:
        batch.enter("finalizing")
    _write_files(state, batch)
    batch.enter("cancelled" if run.cancelled else "expired" if run.any_expired else "completed")


def _lines(state: State, batch: OpenAIBatch, file: files.StoredFile) -> list[Line]:
    """The requests of the input file; raises :class:`Invalid` if OpenAI's validation would refuse it."""
    if len(file.content) > MOST_BYTES:
        raise Invalid("file_too_large", "The batch input file is larger than the 200MB maximum.", None)
    lines: list[Line] = []
    seen: set[str] = set()
    for number, raw in enumerate(file.content.splitlines(), start=1):
        try:
            entry = json.loads(raw)
            line = Line(entry["custom_id"], entry["body"])
            where = (entry["method"], entry["url"])
        except (ValueError, KeyError, TypeError):
            raise Invalid("invalid_json_line", "This line is not parseable as valid JSON.", number) from None
        if where != ("POST", ENDPOINT):
            raise Invalid("invalid_url", "The URL does not match the batch's endpoint.", number)
        if line.custom_id in seen:
            raise Invalid("duplicate_custom_id", f"The custom_id '{line.custom_id}' is used twice.", number)
        if lines and line.body.get("model") != lines[0].body.get("model"):
            raise Invalid("mismatched_model", "The model is not that of the first line.", number)
        seen.add(line.custom_id)
        lines.append(line)
    batch.run.total = len(lines)
    if not lines:
        raise Invalid("empty_file", "The batch input file is empty.", None)
    if len(lines) > MOST_REQUESTS:
        raise Invalid("too_many_tasks", f"The batch has more than {MOST_REQUESTS:,} requests.", None)
    batch.model = lines[0].body.get("model")
    _check_tokens(state, batch, lines)
    return lines


def _check_tokens(state: State, batch: OpenAIBatch, lines: list[Line]) -> None:
    """Raises :class:`Invalid` if the model is unknown or too many tokens wait already."""
    try:
        asks = [chat.read(state, line.body, b"") for line in lines[:1]]
    except Problem as problem:
        if problem.code == "model_not_found":
            raise Invalid("model_not_found", problem.message, 1) from None
        asks = []
    limit = batch.run.settings.enqueued_tokens
    if limit is None:
        return
    batch.tokens = sum(_prompt_tokens(state, line) for line in lines)
    waiting = sum(one.tokens for one in state.batches.values() if one.status in ENQUEUED)
    if waiting > limit:
        model = asks[0].model if asks else "the model"
        message = (
            f"Enqueued token limit reached for {model} in organization org-fake. Limit: {limit:,} enqueued tokens."
        )
        again = " Please try again once some in_progress batches have been completed."
        raise Invalid("token_limit_exceeded", message + again, None)


def _prompt_tokens(state: State, line: Line) -> int:
    try:
        return chat.read(state, line.body, b"").input_tokens
    except Problem:
        return 0


def _write_files(state: State, batch: OpenAIBatch) -> None:
    """Write the output and error files, each only if it has a line."""
    good = [_output(one) for one in batch.run.results if one.outcome == "succeeded"]
    bad = [_output(one) for one in batch.run.results if one.outcome != "succeeded"]
    if good:
        batch.output_file = files.store(state, f"{batch.id}_output.jsonl", "batch_output", b"".join(good)).id
    if bad:
        batch.error_file = files.store(state, f"{batch.id}_error.jsonl", "batch_output", b"".join(bad)).id
    batch.run.results = [one._replace(body=b"") for one in batch.run.results]


def _output(result: Result) -> bytes:
    """One line of an output or error file."""
    response, error = b"null", b"null"
    if result.outcome in ("expired", "canceled"):
        code, why = {
            "expired": ("batch_expired", "This request could not be executed before the completion window expired."),
            "canceled": ("batch_cancelled", "This request was not executed because the batch was cancelled."),
        }[result.outcome]
        error = json.dumps({"code": code, "message": why}).encode()
    else:
        head = json.dumps({"status_code": result.status, "request_id": f"req_{result.custom_id}"}).encode()
        response = head[:-1] + b', "body": ' + result.body + b"}"
    line = json.dumps({"id": f"batch_req_{result.custom_id}", "custom_id": result.custom_id}).encode()
    return line[:-1] + b', "response": ' + response + b', "error": ' + error + b"}\n"
