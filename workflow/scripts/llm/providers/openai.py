"""OpenAI's chat completions, at OpenAI or at any server that speaks its protocol (vLLM, Ollama, llama.cpp)."""

from __future__ import annotations

import asyncio
import json
import math
import re
import tempfile
import urllib.parse
from collections.abc import AsyncIterator, Mapping
from datetime import date
from pathlib import Path
from typing import IO, Any

import openai
from openai.types import Batch

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
    what_came,
)
from llm.providers.failures import CREDIT_ADVICE, ErrorReader, Verdict, verdict_of_status
from llm.providers.openai_tuning import OpenAITuning

API_VERSION = "v1"

_BASE_URL = "https://api.openai.com/v1"
_PATH = "/chat/completions"
_LINE_START = b'{"method":"POST","url":"/v1/chat/completions",'
_AS_THEY_ARE = ("temperature", "top_p", "reasoning_effort", "service_tier")
_SEED_STEP = 1000
_CLOCK_SECONDS = 3600.0
_PAGE = 100

_NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
_FILTERED = ("content_policy_violation", "content_filter", "invalid_prompt")
_BUSY = ("resource_unavailable", "server_is_overloaded", "slow_down")
_NEVER = ("unsupported_parameter", "unsupported_value", "unknown_parameter")
_TOO_LONG = ("context_length_exceeded", "string_above_max_length")
# Fields that differ from source to source; a complaint about any other will be made about every request.
_PER_SOURCE = ("messages", "max_tokens", "max_completion_tokens")
_FINISHES = {
    "length": Finish.LENGTH,
    "max_tokens": Finish.LENGTH,
    "content_filter": Finish.CONTENT_FILTER,
    "refusal": Finish.REFUSAL,
}
_ABORTED = ("abort", "error")
_ENDED = ("completed", "expired", "cancelled")
_TOO_MANY_WAIT = "token_limit_exceeded"


def connect(settings: Mapping[str, Any]) -> OpenAIApi:
    """The API of a generator with ``settings``.

    Raises:
        UserError: the key is missing or the address is none.
    """
    key = Key(settings.get("api_key_env"))
    base_url = clean_base_url(settings.get("base_url"), _BASE_URL)
    timeout = float(settings["timeout"])
    http = http_client(openai.DefaultAioHttpClient, timeout, settings["concurrency"])
    headers = _headers(key, base_url)
    client = openai.AsyncOpenAI(
        api_key=key.value,
        base_url=base_url,
        default_headers=headers,
        max_retries=0,
        timeout=http.timeout,
        http_client=http,
    )
    send_only(client, headers)
    reader = _Errors(key, settings["model"])
    return OpenAIApi(settings, base_url, Connection(client, base_url, key, timeout, reader, openai.OpenAIError), reader)


def _headers(key: Key, base_url: str) -> dict[str, Any]:
    """Headers that what the SDK finds in the environment must not replace, nor tell to other servers than OpenAI's."""
    headers: dict[str, Any] = {"Authorization": f"Bearer {key.value}"}
    if not _is_openai(base_url):
        headers.update({"OpenAI-Organization": openai.omit, "OpenAI-Project": openai.omit})
    return headers


class OpenAIApi:
    """A model behind OpenAI's protocol; see :class:`llm.providers.Api`."""

    api_version = API_VERSION
    sdk = f"openai {openai.__version__}"
    batch_limits = BatchLimits(requests=50_000, bytes=200_000_000, bytes_per_request=len(_LINE_START) + 100)

    def __init__(
        self, settings: Mapping[str, Any], base_url: str, connection: Connection, read_error: ErrorReader
    ) -> None:
        self.base_url = base_url
        self.tuning = OpenAITuning(connection)
        self._connection = connection
        self._read_error = read_error
        self._client: openai.AsyncOpenAI = connection.client
        self._model: str = settings["model"]
        self._seed: int | None = settings.get("seed")
        self._at_openai = _is_openai(base_url)
        default_field = "max_completion_tokens" if self._at_openai else "max_tokens"
        self._max_tokens_field: str = settings.get("max_tokens_field") or default_field
        self._fields: dict[str, Any] = {name: settings[name] for name in _AS_THEY_ARE if settings.get(name) is not None}
        if settings.get("log_probabilities"):
            self._fields["logprobs"] = True
        self._fields.update(settings.get("body") or {})

    def call(self, system: str | None, user: str, max_tokens: int, sample: int, step: int) -> Call:
        """The request for one answer."""
        messages = [{"role": "user", "content": user}]
        if system is not None:
            messages.insert(0, {"role": "system", "content": system})
        body = {"model": self._model, "messages": messages, self._max_tokens_field: max_tokens, **self._fields}
        if self._seed is not None:
            body["seed"] = self._seed + sample + _SEED_STEP * step
        return Call("openai", self.base_url, API_VERSION, body, sample)

    async def send(self, call: Call) -> Reply:
        """Ask once, without retries."""
        return await self._connection.post(_PATH, call.body)

    def read(self, raw: str) -> Answer:
        """What a chat completion says."""
        try:
            body = json.loads(raw)
            choice = body["choices"][0]
            message = choice["message"]
            text, refusal = text_of(message.get("content")), text_of(message.get("refusal"))
            finish = choice.get("finish_reason")
            usage = _usage(body.get("usage") or {})
            logprob = _mean_logprob(choice.get("logprobs"))
        except UNREADABLE as error:
            failure = self._connection.unreadable(raw, what_came(raw, error, "chat completion"))
        else:
            if finish not in _ABORTED:
                return Answer(
                    text=text or refusal,
                    finish=Finish.REFUSAL if refusal else _FINISHES.get(finish, Finish.STOP),
                    logprob=logprob,
                    model=text_of(body.get("model")) or self._model,
                    fingerprint=text_of(body.get("system_fingerprint")) or None,
                    request_id=text_of(body.get("id")) or None,
                    service_tier=text_of(body.get("service_tier")) or None,
                    usage=usage,
                )
            failure = self._connection.unreadable(raw, f"the server broke it off (finish_reason {finish})")
        raise failure

    async def preflight(self) -> ModelInfo | None:
        """Ask for the model; None where a server of one's own does not tell."""
        try:
            model = await self._connection.ask(self._client.models.retrieve(self._model))
        except Failure as failure:
            if failure.status in (404, 405, 501) and not self._at_openai:
                return None
            raise
        identifier = getattr(model, "id", None)
        if not isinstance(identifier, str):
            return None
        return ModelInfo(identifier, _day(getattr(model, "shutdown_date", None)))

    async def submit_batch(self, intent: str, lines: Path) -> BatchState:
        """Upload the requests, unless they are there already, and start the batch."""
        name = f"{intent}.jsonl"
        with tempfile.TemporaryFile(dir=lines.parent) as upload:
            size = await asyncio.to_thread(_write_upload, lines, upload)
            file_id = await self._connection.ask(self._uploaded(name, size))
            if file_id is None:
                file_id = await self._connection.ask(
                    self._client.files.create(
                        file=(name, upload, "application/jsonl"),
                        purpose="batch",
                        timeout=self._connection.file_timeout,
                    ),
                    lambda file: file.id,
                )
        return await self._connection.ask(
            self._client.batches.create(
                input_file_id=file_id,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={"intent": intent},
            ),
            self._state,
            once=True,
        )

    async def find_batch(self, intent: str, created_after: float, requests: int) -> list[BatchState]:
        """The batches whose metadata hold the intent."""
        return await self._connection.ask(self._found(intent, created_after - _CLOCK_SECONDS))

    async def batch(self, remote_id: str) -> BatchState:
        """How far a batch is."""
        return await self._connection.ask(self._client.batches.retrieve(remote_id), self._state)

    async def batch_results(self, state: BatchState) -> AsyncIterator[BatchResult]:
        """The lines of the output file, then those of the error file."""
        for file_id in (state.output_file_id, state.error_file_id):
            if file_id is not None:
                async for result in self._connection.json_lines(f"/files/{file_id}/content", self._result):
                    yield result

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _uploaded(self, name: str, size: int) -> str | None:
        """The file of an earlier attempt that ended before the batch was started."""
        async for file in self._client.files.list(purpose="batch", order="desc"):
            if file.filename == name and file.bytes == size and file.status != "error":
                return file.id
        return None

    async def _found(self, intent: str, created_after: float) -> list[BatchState]:
        found, older = [], 0
        async for batch in self._client.batches.list(limit=_PAGE):
            if (batch.metadata or {}).get("intent") == intent:
                found.append(self._state(batch))
            # The newest come first, though the documentation does not promise it: look a page further.
            older += batch.created_at < created_after
            if older >= _PAGE:
                break
        return found

    def _state(self, batch: Batch) -> BatchState:
        counts = batch.request_counts
        failure = self._batch_failure(batch) if batch.status == "failed" else None
        status = BatchStatus.FAILED if failure else BatchStatus.ENDED if batch.status in _ENDED else BatchStatus.RUNNING
        return BatchState(
            remote_id=batch.id,
            status=status,
            counts=BatchCounts(counts.total, counts.completed, counts.failed) if counts else BatchCounts(0, 0, 0),
            created=float(batch.created_at),
            message=failure.message if failure else batch.status,
            output_file_id=batch.output_file_id,
            error_file_id=batch.error_file_id,
            failure=failure,
        )

    def _batch_failure(self, batch: Batch) -> Failure:
        errors = (batch.errors and batch.errors.data) or []
        first = errors[0].to_dict() if errors else {"message": "no reason given"}
        message = f"batch {batch.id} failed: {first.get('message')}"
        if first.get("code") == _TOO_MANY_WAIT:
            return self._connection.failure(FailureKind.THROTTLED, message)
        # The file as a whole was refused, and would be again.
        return self._connection.failure(FailureKind.FATAL, message, self._read_error(400, first).advice)

    def _result(self, line: Mapping[str, Any]) -> BatchResult:
        response = line.get("response") or {}
        status, body = response.get("status_code"), response.get("body")
        headers = {"x-request-id": response["request_id"]} if response.get("request_id") else {}
        if status == 200 and isinstance(body, dict):
            return BatchResult(line["custom_id"], Reply(dumps(body), headers))
        if status:
            return BatchResult(line["custom_id"], self._connection.refusal_of(status, dumps(body), headers))
        # The batch expired or was cancelled before the request's turn came.
        reason = (line.get("error") or {}).get("message") or "no answer"
        return BatchResult(line["custom_id"], self._connection.failure(FailureKind.TRANSIENT, f"batch: {reason}"))


class _Errors:
    """What OpenAI's errors mean; ``code`` tells most, and other servers have none."""

    def __init__(self, key: Key, model: str) -> None:
        self._key = key
        self._model = model

    def __call__(self, status: int, error: Mapping[str, Any]) -> Verdict:
        code, kind, message = str(error.get("code")), str(error.get("type")), str(error.get("message"))
        if code in _NO_CREDIT or kind in _NO_CREDIT or status == 402:
            return Verdict(FailureKind.FATAL, CREDIT_ADVICE)
        if code == "model_not_found":
            return Verdict(FailureKind.FATAL, self._model_advice())
        if code in _FILTERED:
            return Verdict(FailureKind.FILTERED)
        if code in _BUSY:
            return Verdict(FailureKind.OVERLOADED)
        if code in _TOO_LONG or (status == 429 and message.startswith("Request too large")):
            return Verdict(FailureKind.REJECTED)
        if status == 400:
            return self._bad_request(code, error.get("param"))
        return Verdict(verdict_of_status(status).kind, self._advice(status, message))

    def _bad_request(self, code: str, param: object) -> Verdict:
        field = re.split(r"[.\[]", param)[0] if isinstance(param, str) else ""
        if code in _NEVER or (field and field not in _PER_SOURCE):
            if field in ("max_tokens", "max_completion_tokens"):
                other = "max_completion_tokens" if field == "max_tokens" else "max_tokens"
                return Verdict(FailureKind.FATAL, f"set max_tokens_field: {other}")
            return Verdict(FailureKind.FATAL, f"change or leave out {field or 'that'} in the generator's settings")
        return Verdict(FailureKind.REJECTED)

    def _advice(self, status: int, message: str) -> str:
        if status == 401:
            return self._key.advice()
        if status == 403:
            return "the key or its project may not do this: see the account's settings"
        if status in (404, 410):
            if "model" in message.lower():
                return self._model_advice()
            return "set base_url to where the API is; at most servers it ends in /v1"
        return "set base_url to the address it leads to" if status < 400 else ""

    def _model_advice(self) -> str:
        if self._model.startswith("ft:"):
            return (
                f"use the key of the account that made {self._model}; if it was deleted, give its job up "
                "(`python -m llm.accounts.hosted_models JOURNAL --forget JOB`), and the run makes it anew"
            )
        return f"set model (now {self._model}) to one that this key can use there"


def _is_openai(base_url: str) -> bool:
    host = urllib.parse.urlsplit(base_url).hostname or ""
    return host == "api.openai.com" or host.endswith(".api.openai.com")


def _write_upload(lines: Path, upload: IO[bytes]) -> int:
    """Copy ``lines`` as OpenAI's batches want them; the size in bytes."""
    with lines.open("rb") as source:
        for line in source:
            upload.write(_LINE_START + line.rstrip().removeprefix(b"{").lstrip() + b"\n")
    size = upload.tell()
    upload.seek(0)
    return size


def _usage(usage: Mapping[str, Any]) -> Usage:
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    return Usage(int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0), int(cached or 0))


def _mean_logprob(logprobs: Mapping[str, Any] | None) -> float | None:
    tokens = (logprobs or {}).get("content")
    if not tokens:
        return None
    mean = math.fsum(token["logprob"] for token in tokens) / len(tokens)
    return mean if math.isfinite(mean) else None


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None
