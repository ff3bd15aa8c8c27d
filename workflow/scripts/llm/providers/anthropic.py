"""Anthropic's messages."""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

import anthropic

from llm.calls import Answer, FailureKind, Finish, Usage
from llm.providers.api import FINISHES, Api
from llm.providers.cleaning import (
    MOST_NAME,
    count_of,
    dumps,
    given_name,
    name_of,
    one_line,
    seconds_of,
    text_of,
    usage_of,
)
from llm.providers.connection import CLOCK_SECONDS, below, recent
from llm.providers.failures import CREDIT_ADVICE, Verdict
from llm.providers.protocol import BatchCounts, BatchLimits, BatchResult, BatchState, BatchStatus, ModelSettings

API_VERSION = "2026-10-21"
"""The ``anthropic-version`` to send. It is part of a call's key, so it must not change with the SDK."""

_CHUNK = 1 << 16
# "temperature: Extra inputs are not permitted", "`top_k` is not supported …", "messages.0.content: …"
_FIELD = re.compile(r"`?([a-z][a-z_]*)(?:\.[\w.]+)?[`:]")
_CODE = re.compile(r'"error_code":"([^"]*)"')  # in the details of an error
# Fields that differ from source to source; a complaint about any other field will be made about every request.
_PER_SOURCE = ("messages", "max_tokens")


class AnthropicApi(Api):
    """A model behind Anthropic's protocol; see :class:`llm.providers.api.Api`."""

    provider = "anthropic"
    api_version = API_VERSION
    sdk = f"anthropic {anthropic.__version__}"
    batch_limits = BatchLimits(requests=100_000, bytes=256_000_000, bytes_per_request=100)
    _own_base_url = "https://api.anthropic.com"
    _root = "/v1"
    _path = "/messages"
    _batches = "/v1/messages/batches"
    _cursor = "after_id"
    _answer_name = "message"
    _client_class = partial(anthropic.AsyncAnthropic, open_telemetry=False)
    _http_client_class = anthropic.DefaultAioHttpClient
    _error_class = anthropic.AnthropicError
    _account_part = "workspace"
    _base_url_advice = "set base_url to where the API is, without /v1/messages"

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        self._fields: dict[str, Any] = dict(settings.body)
        if settings.effort is not None:
            self._fields["output_config"] = {"effort": settings.effort, **self._fields.get("output_config", {})}
        if settings.service_tier is not None:
            self._fields["service_tier"] = settings.service_tier

    async def find_batch(self, intent: str, created_after: float, requests: int) -> list[BatchState]:
        """Batches with as many requests since then; only their results show whose they are."""
        earliest = created_after - CLOCK_SECONDS
        states = await recent(
            self._connection.listed(self._batches, self._state), lambda state: state.created, earliest
        )
        return [state for state in states if state.created >= earliest and state.counts.total == requests]

    async def batch_results(self, state: BatchState) -> AsyncGenerator[BatchResult, None]:
        """The lines of the results."""
        async for result in self._connection.results(below(self._batches, state.remote_id, "/results"), self._result):
            yield result

    # Requests and answers

    def _clean_base_url(self, base_url: str | None) -> str:
        return super()._clean_base_url(base_url).removesuffix("/v1")

    def _headers(self) -> dict[str, Any]:
        return {"anthropic-version": API_VERSION}

    def _body(self, system: str | None, user: str, max_tokens: int, sample: int, step: int) -> dict[str, Any]:
        """``step`` changes nothing because there is no seed."""
        body: dict[str, Any] = {"model": self._model, "max_tokens": max_tokens}
        if system is not None:
            body["system"] = system
        body.update(messages=[{"role": "user", "content": user}], **self._fields)
        return body

    def _answer(self, body: Any) -> Answer:
        text = text_of([block for block in body["content"] if block["type"] == "text"])
        usage = body["usage"]
        return Answer(
            text=text,
            finish=FINISHES.get(body["stop_reason"], Finish.STOP),
            logprob=None,
            model=name_of(body.get("model")) or self._model,
            fingerprint=None,
            request_id=name_of(body.get("id")),
            service_tier=name_of(usage.get("service_tier")),
            usage=_usage(usage, text),
        )

    def _shutdown_date(self, model: Mapping[str, Any]) -> date | None:
        if model.get("lifecycle") == "retired":
            raise self._connection.failure(
                FailureKind.FATAL, f"the model {self._model} is retired", "set model to one that is offered"
            )
        retires = model.get("retires_at")
        return datetime.fromisoformat(retires).date() if isinstance(retires, str) else None

    # Batches

    def _write_batch(self, lines: Path, upload: IO[bytes]) -> None:
        """Write the body of one request that holds all of them."""
        upload.write(b'{"requests":[')
        with lines.open("rb") as source:
            for number, line in enumerate(source):
                request = json.loads(line)
                written = dumps({"custom_id": request["custom_id"], "params": request["body"]})
                upload.write((b"," if number else b"") + written.encode())
        upload.write(b"]}")

    async def _submit(self, intent: str, upload: IO[bytes], size: int) -> BatchState:
        """Send the requests. Anthropic has no field for ``intent``; it is part of each ``custom_id``."""
        options = {
            "headers": {"Content-Type": "application/json", "Content-Length": str(size)},
            "timeout": self._connection.file_timeout,
        }
        content = _chunks(upload)
        return await self._connection.ask(
            "post", self._batches, self._state, once=True, content=content, options=options
        )

    def _state(self, batch: Mapping[str, Any]) -> BatchState:
        word, counts = one_line(batch["processing_status"], MOST_NAME), batch["request_counts"]
        processing, succeeded, *failed = (
            count_of(counts[name]) or 0 for name in ("processing", "succeeded", "errored", "expired", "canceled")
        )
        gone = word == "ended" and batch.get("archived_at") is not None
        return BatchState(
            remote_id=given_name(batch["id"]),
            status=BatchStatus.ENDED if word == "ended" else BatchStatus.RUNNING,
            counts=BatchCounts(processing + succeeded + sum(failed), succeeded, sum(failed)),
            created=seconds_of(datetime.fromisoformat(batch["created_at"]).timestamp()),
            message="archived: its results are no longer kept" if gone else word,
        )

    def _result(self, line: Mapping[str, Any]) -> BatchResult:
        custom_id, result = given_name(line["custom_id"]), line["result"]
        if result["type"] == "succeeded":
            return BatchResult(custom_id, self._connection.reply(dumps(result["message"]), {}))
        if result["type"] == "errored":
            error = result["error"]
            status = self._status_of(error.get("error"))
            headers = {"request-id": one_line(error["request_id"], MOST_NAME)} if error.get("request_id") else {}
            return BatchResult(custom_id, self._connection.refusal_of(status, dumps(error), headers))
        reason = f"the batch ended before the request's turn came ({result['type']})"
        return BatchResult(custom_id, self._connection.failure(FailureKind.TRANSIENT, reason))

    # Errors

    def _verdict_of_code(self, status: int, error: Mapping[str, str]) -> Verdict | None:
        """``type`` follows the status; ``details.error_code`` names causes that lie in the account."""
        message, details = error["message"], _CODE.search(error.get("details", ""))
        code = details[1] if details else ""
        if status == 402 or code.endswith("spend_limit_reached") or "credit balance is too low" in message:
            return Verdict(FailureKind.FATAL, CREDIT_ADVICE)
        if error.get("type") == "overloaded_error":
            return Verdict(FailureKind.OVERLOADED)
        return _bad_request(code, message) if status == 400 else None


def _bad_request(code: str, message: str) -> Verdict:
    if "content filter" in message:
        return Verdict(FailureKind.FILTERED)
    field = _FIELD.match(message)
    if field and field[1] not in _PER_SOURCE:
        return Verdict(FailureKind.FATAL, f"change or leave out {field[1]} in the generator's settings")
    if code:
        return Verdict(FailureKind.FATAL, "see the account's settings at the provider")
    return Verdict(FailureKind.REJECTED)


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _usage(usage: Mapping[str, Any], text: str) -> Usage:
    """``input_tokens`` excludes tokens read from or written to the cache; :class:`Usage` includes them."""
    cached, written = (count_of(usage.get(f"cache_{name}_input_tokens")) or 0 for name in ("read", "creation"))
    fresh = count_of(usage.get("input_tokens"))
    read = usage.get("input_tokens") if fresh is None else fresh + cached + written
    return usage_of(read, usage.get("output_tokens"), cached, text)
