"""Anthropic's messages."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import anthropic
from anthropic.types.messages import MessageBatch

from llm.calls import Answer, Call, Failure, FailureKind, Finish, Reply, Usage
from llm.providers import BatchCounts, BatchLimits, BatchResult, BatchState, BatchStatus, ModelInfo
from llm.providers.connection import (
    UNREADABLE,
    Connection,
    Key,
    clean_base_url,
    dumps,
    http_client,
    send_only,
    text_of,
    well_formed,
    what_came,
)
from llm.providers.failures import CREDIT_ADVICE, Verdict, verdict_of_status

API_VERSION = "2026-10-21"
"""The ``anthropic-version`` that is sent: fixed, so that a newer SDK does not turn every answer into a new question."""

_BASE_URL = "https://api.anthropic.com"
_PATH = "/v1/messages"
_BATCHES = "/v1/messages/batches"
_CLOCK_SECONDS = 3600.0
_PAGE = 100
_CHUNK = 1 << 16
_FINISHES = {
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "refusal": Finish.REFUSAL,
}
# A batch tells the type of an error without its HTTP status.
_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "overloaded_error": 529,
    "timeout_error": 504,
}
# "temperature: Extra inputs are not permitted", "`top_k` is not supported …", "messages.0.content: …"
_FIELD = re.compile(r"`?([a-z][a-z_]*)(?:\.[\w.]+)?[`:]")
# Fields that differ from source to source; a complaint about any other will be made about every request.
_PER_SOURCE = ("messages", "max_tokens")


def connect(settings: Mapping[str, Any]) -> AnthropicApi:
    """The API of a generator with ``settings``.

    Raises:
        UserError: the key is missing, or the address is none.
    """
    key = Key(settings.get("api_key_env"))
    base_url = clean_base_url(settings.get("base_url"), _BASE_URL).removesuffix("/v1")
    timeout = float(settings["timeout"])
    http = http_client(anthropic.DefaultAioHttpClient, timeout, settings["concurrency"])
    # Also in the place of what the SDK finds in the environment.
    headers = {"Authorization": f"Bearer {key.value}", "anthropic-version": API_VERSION}
    client = anthropic.AsyncAnthropic(
        api_key=key.value,
        base_url=base_url,
        max_retries=0,
        timeout=http.timeout,
        default_headers=headers,
        http_client=http,
        open_telemetry=False,
    )
    send_only(client, headers)
    reader = _Errors(key, settings["model"])
    return AnthropicApi(
        settings, base_url, Connection(client, base_url, key, timeout, reader, anthropic.AnthropicError)
    )


class AnthropicApi:
    """A model behind Anthropic's protocol; see :class:`llm.providers.Api`."""

    api_version = API_VERSION
    sdk = f"anthropic {anthropic.__version__}"
    batch_limits = BatchLimits(requests=100_000, bytes=256_000_000, bytes_per_request=100)

    def __init__(self, settings: Mapping[str, Any], base_url: str, connection: Connection) -> None:
        self.base_url = base_url
        self._connection = connection
        self._client: anthropic.AsyncAnthropic = connection.client
        self._model: str = settings["model"]
        self._fields: dict[str, Any] = dict(settings.get("body") or {})
        if settings.get("effort") is not None:
            self._fields["output_config"] = {"effort": settings["effort"], **self._fields.get("output_config", {})}
        if settings.get("service_tier") is not None:
            self._fields["service_tier"] = settings["service_tier"]

    def call(self, system: str | None, user: str, max_tokens: int, sample: int, step: int) -> Call:
        """The request for one answer; ``step`` changes nothing, as there is no seed."""
        body: dict[str, Any] = {"model": self._model, "max_tokens": max_tokens}
        if system is not None:
            body["system"] = system
        body.update(messages=[{"role": "user", "content": user}], **self._fields)
        return Call("anthropic", self.base_url, API_VERSION, body, sample)

    async def send(self, call: Call) -> Reply:
        """Ask once, without retries."""
        return await self._connection.post(_PATH, call.body)

    def read(self, raw: str) -> Answer:
        """What a message says."""
        try:
            body = json.loads(raw)
            text = "".join(block["text"] for block in body["content"] if block["type"] == "text")
            usage = body["usage"]
            answer = Answer(
                text=well_formed(text),
                finish=_FINISHES.get(body["stop_reason"], Finish.STOP),
                logprob=None,
                model=text_of(body.get("model")) or self._model,
                fingerprint=None,
                request_id=text_of(body.get("id")) or None,
                service_tier=text_of(usage.get("service_tier")) or None,
                usage=_usage(usage),
            )
        except UNREADABLE as error:
            failure = self._connection.unreadable(raw, what_came(raw, error, "message"))
        else:
            return answer
        raise failure

    async def preflight(self) -> ModelInfo | None:
        """Ask for the model; None where a server of one's own does not tell."""
        try:
            model = await self._connection.ask(self._client.models.retrieve(self._model))
        except Failure as failure:
            if failure.status in (404, 405, 501) and self.base_url != _BASE_URL:
                return None
            raise
        identifier = getattr(model, "id", None)
        if not isinstance(identifier, str):
            return None
        if getattr(model, "lifecycle", None) == "retired":
            raise self._connection.failure(
                FailureKind.FATAL, f"the model {self._model} is retired", "set model to one that is offered"
            )
        retires: datetime | None = getattr(model, "retires_at", None)
        return ModelInfo(identifier, retires.date() if isinstance(retires, datetime) else None)

    async def submit_batch(self, intent: str, lines: Path) -> BatchState:
        """Send the requests; Anthropic has no place for ``intent`` but their ``custom_id``."""
        with tempfile.TemporaryFile(dir=lines.parent) as upload:
            size = await asyncio.to_thread(_write_upload, lines, upload)
            return await self._connection.ask(
                self._client.post(
                    _BATCHES,
                    cast_to=MessageBatch,
                    content=_chunks(upload),
                    options={
                        "headers": {"Content-Type": "application/json", "Content-Length": str(size)},
                        "timeout": self._connection.file_timeout,
                    },
                ),
                _state,
                once=True,
            )

    async def find_batch(self, intent: str, created_after: float, requests: int) -> list[BatchState]:
        """Batches of as many requests since then; only their results tell whose they are."""
        return await self._connection.ask(self._found(created_after - _CLOCK_SECONDS, requests))

    async def batch(self, remote_id: str) -> BatchState:
        """How far a batch is."""
        return await self._connection.ask(self._client.messages.batches.retrieve(remote_id), _state)

    async def batch_results(self, state: BatchState) -> AsyncIterator[BatchResult]:
        """The lines of the results."""
        async for result in self._connection.json_lines(f"{_BATCHES}/{state.remote_id}/results", self._result):
            yield result

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _found(self, created_after: float, requests: int) -> list[BatchState]:
        found, older = [], 0
        async for batch in self._client.messages.batches.list(limit=_PAGE):
            state = _state(batch)
            if state.created < created_after:
                older += 1
                if older >= _PAGE:
                    break
            elif state.counts.total == requests:
                found.append(state)
        return found

    def _result(self, line: Mapping[str, Any]) -> BatchResult:
        custom_id, result = line["custom_id"], line["result"]
        if result["type"] == "succeeded":
            return BatchResult(custom_id, Reply(dumps(result["message"]), {}))
        if result["type"] == "errored":
            error = result["error"]
            status = _STATUSES.get((error.get("error") or {}).get("type"), 500)
            headers = {"request-id": error["request_id"]} if error.get("request_id") else {}
            return BatchResult(custom_id, self._connection.refusal_of(status, dumps(error), headers))
        reason = f"the batch ended before the request's turn came ({result['type']})"
        return BatchResult(custom_id, self._connection.failure(FailureKind.TRANSIENT, reason))


class _Errors:
    """What Anthropic's errors mean: ``type`` follows the status, ``details.error_code`` names causes of the account."""

    def __init__(self, key: Key, model: str) -> None:
        self._key = key
        self._model = model

    def __call__(self, status: int, error: Mapping[str, Any]) -> Verdict:
        message = str(error.get("message"))
        details = error.get("details")
        code = str(details.get("error_code") or "") if isinstance(details, dict) else ""
        no_credit = status == 402 or code.endswith("spend_limit_reached") or "credit balance is too low" in message
        if no_credit:
            return Verdict(FailureKind.FATAL, CREDIT_ADVICE)
        if error.get("type") == "overloaded_error":
            return Verdict(FailureKind.OVERLOADED)
        if status == 400:
            return self._bad_request(code, message)
        return Verdict(verdict_of_status(status).kind, self._advice(status, message))

    def _bad_request(self, code: str, message: str) -> Verdict:
        if "content filter" in message:
            return Verdict(FailureKind.FILTERED)
        field = _FIELD.match(message)
        if field and field[1] not in _PER_SOURCE:
            return Verdict(FailureKind.FATAL, f"change or leave out {field[1]} in the generator's settings")
        if code:
            return Verdict(FailureKind.FATAL, "see the account's settings at the provider")
        return Verdict(FailureKind.REJECTED)

    def _advice(self, status: int, message: str) -> str:
        if status == 401:
            return self._key.advice()
        if status == 403:
            return "the key or its workspace may not do this: see the account's settings"
        if status in (404, 410):
            if "model" in message.lower():
                return f"set model (now {self._model}) to one that this key can use there"
            return "set base_url to where the API is, without /v1/messages"
        return "set base_url to the address it leads to" if status < 400 else ""


def _state(batch: MessageBatch) -> BatchState:
    counts = batch.request_counts
    failed = counts.errored + counts.expired + counts.canceled
    ended = batch.processing_status == "ended"
    gone = ended and batch.archived_at is not None
    return BatchState(
        remote_id=batch.id,
        status=BatchStatus.ENDED if ended else BatchStatus.RUNNING,
        counts=BatchCounts(counts.processing + counts.succeeded + failed, counts.succeeded, failed),
        created=batch.created_at.timestamp(),
        message="archived: its results are no longer kept" if gone else batch.processing_status,
    )


def _write_upload(lines: Path, upload: IO[bytes]) -> int:
    """Write ``lines`` as the body of one request; the size in bytes."""
    upload.write(b'{"requests":[')
    with lines.open("rb") as source:
        for number, line in enumerate(source):
            request = json.loads(line)
            written = dumps({"custom_id": request["custom_id"], "params": request["body"]})
            upload.write((b"," if number else b"") + written.encode())
    upload.write(b"]}")
    size = upload.tell()
    upload.seek(0)
    return size


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _usage(usage: Mapping[str, Any]) -> Usage:
    """``input_tokens`` leaves out what was read from or written to the cache; :class:`Usage` counts it in."""
    cached = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    return Usage(int(usage["input_tokens"]) + int(cached) + int(written), int(usage["output_tokens"]), int(cached))
