"""OpenAI's chat completions, at OpenAI or at any server that speaks its protocol (vLLM, Ollama, llama.cpp)."""

import math
import re
import urllib.parse
from collections.abc import AsyncGenerator, Mapping
from datetime import date
from pathlib import Path
from typing import IO, Any

import openai

from llm.addresses import is_azure
from llm.calls import Answer, Failure, FailureKind, Finish, Usage
from llm.providers.api import FINISHES, Api
from llm.providers.cleaning import (
    MOST_NAME,
    UNREADABLE,
    Unusable,
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
from llm.providers.failures import CREDIT_ADVICE, Verdict, error_object
from llm.providers.openai_tuning import TuningApi, intent_of, upload_once
from llm.providers.protocol import BatchCounts, BatchLimits, BatchResult, BatchState, BatchStatus, ModelSettings

_LINE_START = b'{"method":"POST","url":"/v1/chat/completions",'
_COPIED_FIELDS = ("temperature", "top_p", "reasoning_effort", "service_tier")
_SEED_STEP = 1000

_NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
_FILTERED = ("content_policy_violation", "content_filter", "invalid_prompt")
# As gateways say it, which pass on no code: LiteLLM, Azure, Bedrock, Gemini, OpenRouter.
_OF_FILTERS = re.compile(
    r"content[ _-]?(?:policy|filter|management|moderation)|responsibleaipolicy|prohibited_content|guardrail"
    r"|(?:input|prompt|request) (?:was|has been) (?:flagged|blocked)",
    re.IGNORECASE,
)
_BUSY = ("resource_unavailable", "server_is_overloaded", "slow_down")
_NEVER = ("unsupported_parameter", "unsupported_value", "unknown_parameter")
_TOO_LONG = ("context_length_exceeded", "string_above_max_length")
# Fields that differ from source to source; a complaint about any other field will be made about every request.
_PER_SOURCE = ("messages", "max_tokens", "max_completion_tokens")
_ABORTED = ("abort", "error")
_ENDED = ("completed", "expired", "cancelled")
_LEAST, _MOST = -10_000.0, 0.01  # log-probabilities: servers write -9999 for a token that is impossible, and round
_TOO_MANY_WAIT = "token_limit_exceeded"


class OpenAIApi(Api):
    """A model behind OpenAI's protocol; see :class:`llm.providers.api.Api`."""

    provider = "openai"
    api_version = "v1"
    sdk = f"openai {openai.__version__}"
    batch_limits = BatchLimits(requests=50_000, bytes=200_000_000, bytes_per_request=len(_LINE_START) + 100)
    _own_base_url = "https://api.openai.com/v1"
    _root = ""
    _path = "/chat/completions"
    _batches = "/batches"
    _cursor = "after"
    _answer_name = "chat completion"
    _client_class = openai.AsyncOpenAI
    _http_client_class = openai.DefaultAioHttpClient
    _error_class = openai.OpenAIError
    _account_part = "project"
    _base_url_advice = "set base_url to where the API is; at most servers it ends in /v1"

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        self._seed = settings.seed
        default_field = "max_completion_tokens" if self._is_own_address() else "max_tokens"
        self._max_tokens_field = settings.max_tokens_field or default_field
        copied = {name: getattr(settings, name) for name in _COPIED_FIELDS}
        self._fields: dict[str, Any] = {name: value for name, value in copied.items() if value is not None}
        if settings.log_probabilities:
            self._fields["logprobs"] = True
        self._fields.update(settings.body)

    @property
    def tuning(self) -> TuningApi:
        """Fine-tuning by this protocol."""
        return TuningApi(self._connection)

    async def find_batch(self, intent: str, created_after: float, requests: int) -> list[BatchState]:
        """The batches whose metadata hold the intent."""
        listed = self._connection.listed(self._batches, lambda batch: (self._state(batch), intent_of(batch)))
        found = await recent(listed, lambda one: one[0].created, created_after - CLOCK_SECONDS)
        return [state for state, name in found if name == intent]

    async def batch_results(self, state: BatchState) -> AsyncGenerator[BatchResult, None]:
        """The lines of the output file, then those of the error file."""
        for file_id in (state.output_file_id, state.error_file_id):
            if file_id is not None:
                async for result in self._connection.results(below("/files", file_id, "/content"), self._result):
                    yield result

    # Requests and answers

    def _headers(self) -> dict[str, Any]:
        """No other server than OpenAI's learns the organization and project that the environment names."""
        if self._is_own_address():
            return {}
        azure = {"api-key": self._key.value} if is_azure(self.base_url) else {}
        return {"OpenAI-Organization": openai.omit, "OpenAI-Project": openai.omit, **azure}

    def _is_own_address(self) -> bool:
        host = urllib.parse.urlsplit(self.base_url).hostname or ""
        return host == "api.openai.com" or host.endswith(".api.openai.com")

    def _body(self, system: str | None, user: str, max_tokens: int, sample: int, step: int) -> dict[str, Any]:
        messages = [{"role": "user", "content": user}]
        if system is not None:
            messages.insert(0, {"role": "system", "content": system})
        body = {"model": self._model, "messages": messages, self._max_tokens_field: max_tokens, **self._fields}
        if self._seed is not None:
            body["seed"] = self._seed + sample + _SEED_STEP * step
        return body

    def _answer(self, body: Any) -> Answer:
        choice = body["choices"][0]
        message = choice["message"]
        text, refusal = text_of(message.get("content")), text_of(message.get("refusal"))
        finish = choice.get("finish_reason")
        answer = Answer(
            text=text or refusal,
            finish=Finish.REFUSAL if refusal else FINISHES.get(finish, Finish.STOP),
            logprob=_mean_logprob(choice.get("logprobs")),
            model=name_of(body.get("model")) or self._model,
            fingerprint=name_of(body.get("system_fingerprint")),
            request_id=name_of(body.get("id")),
            service_tier=name_of(body.get("service_tier")),
            usage=_usage(body.get("usage") or {}, text or refusal),
        )
        if finish in _ABORTED:
            raise Unusable(f"the server broke it off (finish_reason {finish})")
        return answer

    def _shutdown_date(self, model: Mapping[str, Any]) -> date | None:
        day = model.get("shutdown_date")
        try:
            return date.fromisoformat(day[:10]) if isinstance(day, str) else None
        except ValueError:
            return None

    # Batches

    def _write_batch(self, lines: Path, upload: IO[bytes]) -> None:
        with lines.open("rb") as source:
            for line in source:
                upload.write(_LINE_START + line.rstrip().removeprefix(b"{").lstrip() + b"\n")

    async def _submit(self, intent: str, upload: IO[bytes], size: int) -> BatchState:
        """Upload the requests, unless they are there already, and start the batch."""
        file_id = await upload_once(self._connection, f"{intent}.jsonl", upload, size, "batch")
        body = {
            "input_file_id": file_id,
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "metadata": {"intent": intent},
        }
        return await self._connection.ask("post", self._batches, self._state, once=True, body=body)

    def _state(self, batch: Mapping[str, Any]) -> BatchState:
        word, counts = one_line(batch["status"], MOST_NAME), batch.get("request_counts") or {}
        failure = self._batch_failure(batch) if word == "failed" else None
        total, completed, failed = (count_of(counts.get(name)) or 0 for name in ("total", "completed", "failed"))
        output_file_id, error_file_id = name_of(batch.get("output_file_id")), name_of(batch.get("error_file_id"))
        return BatchState(
            remote_id=given_name(batch["id"]),
            status=BatchStatus.FAILED if failure else BatchStatus.ENDED if word in _ENDED else BatchStatus.RUNNING,
            counts=BatchCounts(total, completed, failed),
            created=seconds_of(batch["created_at"]),
            message=failure.message if failure else word,
            output_file_id=output_file_id,
            error_file_id=error_file_id,
            failure=failure,
            has_results=output_file_id is not None or (error_file_id is not None and not completed),
        )

    def _batch_failure(self, batch: Mapping[str, Any]) -> Failure:
        errors = (batch.get("errors") or {}).get("data") or [{"message": "no reason given"}]
        first = error_object(dumps(errors[0]))
        message = f"batch {batch['id']} failed: {first['message']}"
        if first.get("code") == _TOO_MANY_WAIT:
            return self._connection.failure(FailureKind.THROTTLED, message)
        # The file as a whole was refused, and would be again.
        return self._connection.failure(FailureKind.FATAL, message, self._read_error(400, first).advice)

    def _result(self, line: Mapping[str, Any]) -> BatchResult:
        custom_id, response = given_name(line["custom_id"]), line.get("response") or {}
        status, body, request_id = (response.get(name) for name in ("status_code", "body", "request_id"))
        headers = {"x-request-id": one_line(request_id, MOST_NAME)} if request_id else {}
        if status == 200 and isinstance(body, dict):
            return BatchResult(custom_id, self._connection.reply(dumps(body), headers))
        if status:
            return BatchResult(custom_id, self._connection.refusal_of(int(status), dumps(body), headers))
        # The batch expired or was cancelled before the request's turn came.
        reason = (line.get("error") or {}).get("message") or "no answer"
        return BatchResult(custom_id, self._connection.failure(FailureKind.TRANSIENT, f"batch: {reason}"))

    # Errors

    def _verdict_of_code(self, status: int, error: Mapping[str, str]) -> Verdict | None:
        """``code`` says most; other servers send none."""
        code, kind, message = (error.get(name, "") for name in ("code", "type", "message"))
        if code in _NO_CREDIT or kind in _NO_CREDIT or status == 402:
            return Verdict(FailureKind.FATAL, CREDIT_ADVICE)
        if code == "model_not_found":
            return Verdict(FailureKind.FATAL, self._model_advice())
        if code in _FILTERED or (400 <= status < 500 and _OF_FILTERS.search(message)):
            return Verdict(FailureKind.FILTERED)
        if code in _BUSY:
            return Verdict(FailureKind.OVERLOADED)
        if code in _TOO_LONG or (status == 429 and message.startswith("Request too large")):
            return Verdict(FailureKind.REJECTED)
        return _bad_request(code, error.get("param", "")) if status == 400 else None

    def _model_advice(self) -> str:
        if self._model.startswith("ft:"):
            return (
                f"use the key of the account that made {self._model}; if it was deleted, give up its job "
                "(`tools/journal forget JOURNAL JOB`), and the run makes it again"
            )
        return super()._model_advice()


def _bad_request(code: str, param: str) -> Verdict:
    field = re.split(r"[.\[]", param)[0]
    if code in _NEVER or (field and field not in _PER_SOURCE):
        if field in ("max_tokens", "max_completion_tokens"):
            other = "max_completion_tokens" if field == "max_tokens" else "max_tokens"
            return Verdict(FailureKind.FATAL, f"set max_tokens_field: {other}")
        return Verdict(FailureKind.FATAL, f"change or leave out {field or 'that'} in the generator's settings")
    return Verdict(FailureKind.REJECTED)


def _usage(usage: Mapping[str, Any], text: str) -> Usage:
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    return usage_of(usage.get("prompt_tokens"), usage.get("completion_tokens"), cached, text)


def _mean_logprob(logprobs: Any) -> float | None:
    """The mean of the tokens' log-probabilities; None where there are none, or not of every token."""
    try:
        values = [token["logprob"] for token in (logprobs or {}).get("content") or ()]
        return math.fsum(values) / len(values) if values and all(_LEAST <= value <= _MOST for value in values) else None
    except UNREADABLE:
        return None
