"""A model behind an API: what all providers offer, and what they share. Each provider's module has a subclass."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import tempfile
import urllib.parse
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import date
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

import httpx2

from llm.calls import Answer, Call, Failure, FailureKind, Finish, Reply
from llm.providers.cleaning import UNREADABLE, Unusable
from llm.providers.connection import CONNECT_SECONDS, Connection, Key, below, bounded
from llm.providers.failures import Verdict, kind_of_status
from llm.providers.protocol import BatchLimits, BatchResult, BatchState, ModelSettings
from workbench.cli import UserError

if TYPE_CHECKING:
    from llm.providers.openai_tuning import TuningApi

FINISHES = {
    "length": Finish.LENGTH,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "content_filter": Finish.CONTENT_FILTER,
    "refusal": Finish.REFUSAL,
}
"""Why an answer ended, in the words of the providers; any other word means that it is complete."""

ERROR_STATUSES = {
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
"""The HTTP status of each type of error, which an error in a batch or in a successful answer does not have."""

_DESCRIBES_NO_MODELS = (404, 405, 501)
_SNIPPET = 200  # characters of an answer that cannot be read
# uvicorn, and therefore vLLM, closes a connection that was idle for 5 s; a request sent at that moment is lost.
_KEEPALIVE_SECONDS = 4.0
_SPARE_CONNECTIONS = 4


class Api(ABC):
    """A model behind an API.

    Every coroutine raises :class:`llm.calls.Failure`, and nothing else, for what the provider or the network does.

    Raises:
        UserError: the key is missing, or the address is invalid.
    """

    provider: ClassVar[str]  # its name
    api_version: str
    sdk: str  # name and version of the client library
    batch_limits: BatchLimits

    _own_base_url: ClassVar[str]
    _root: ClassVar[str]  # of all paths, below the base URL
    _path: ClassVar[str]  # of a request for one answer
    _batches: ClassVar[str]  # path of the batches
    _cursor: ClassVar[str]  # parameter of a list that names the last item of the page before
    _answer_name: ClassVar[str]
    _client_class: ClassVar[Callable[..., Any]]  # the SDK's
    _http_client_class: ClassVar[type[httpx2.AsyncClient]]
    _error_class: ClassVar[type[Exception]]  # base of the SDK's exceptions
    _account_part: ClassVar[str]  # what may lack a permission besides the key
    _base_url_advice: ClassVar[str]

    def __init__(self, settings: ModelSettings) -> None:
        self._key = Key(settings.api_key_env)
        self._model = settings.model
        self.base_url = self._clean_base_url(settings.base_url)
        timeout = float(settings.timeout)
        most = settings.concurrency + _SPARE_CONNECTIONS
        http = bounded(self._http_client_class)(
            timeout=httpx2.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS), pool=None),
            limits=httpx2.Limits(max_connections=most, keepalive_expiry=_KEEPALIVE_SECONDS),
            follow_redirects=False,
        )
        # It logs every request at the level of messages that people should read.
        logging.getLogger("httpx2").setLevel(logging.WARNING)
        # These also replace what the SDK finds in the environment.
        headers = {"Authorization": f"Bearer {self._key.value}", **self._headers()}
        self._client: Any = self._client_class(
            api_key=self._key.value,
            base_url=self.base_url.partition("?")[0],
            default_query=dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.base_url).query)),
            default_headers=headers,
            max_retries=0,
            timeout=http.timeout,
            http_client=http,
        )
        # Both SDKs send the headers in OPENAI_CUSTOM_HEADERS or ANTHROPIC_CUSTOM_HEADERS to any server. They may hold a
        # key for another server, and could shape answers without being part of a call.
        self._client._custom_headers = headers
        self._connection = Connection(
            self._client, self.base_url, self._key, timeout, self._read_error, self._error_class, self._cursor
        )

    # Requests and answers

    def call(self, system: str | None, user: str, max_tokens: int, sample: int, step: int) -> Call:
        """The request for one answer of at most ``max_tokens``; ``system`` is None for no system prompt.

        Args:
            system, user, max_tokens: of the request.
            sample: 0, 1, … of several answers to the same prompt.
            step: how many requests for the same text were made before; shifts the seed, if one is set.
        """
        body = self._body(system, user, max_tokens, sample, step)
        return Call(self.provider, self.base_url, self.api_version, body, sample)

    async def send(self, call: Call) -> Reply:
        """Ask once, without retries."""
        return await self._connection.post(self._root + self._path, call.body)

    def read(self, raw: str) -> Answer:
        """The answer in a reply's body.

        Raises:
            Failure: the body cannot be read as an answer (TRANSIENT and perhaps paid).
        """
        body: Any = None
        try:
            body = json.loads(raw)
            return self._answer(body)
        except Unusable as error:
            why = str(error)
        except json.JSONDecodeError as error:
            why = f"no JSON ({error.msg} at character {error.pos:,} of {len(raw):,})"
        except UNREADABLE:
            why = f"no {self._answer_name}: {raw[:_SNIPPET]!r}"
        # Outside the handlers: otherwise the failure refers to an exception that quotes the body.
        if isinstance(body, dict) and body.get("error"):
            raise self._connection.refusal_of(self._status_of(body["error"]), raw, {}, delivered=200)
        raise self._connection.unreadable(raw, why)

    async def preflight(self) -> date | None:
        """Ask for the model before anything is paid; the day it is shut down, None if the server announces none.

        Raises:
            Failure: the key is not accepted, or the model does not exist.
        """
        try:
            return await self._connection.ask("get", below(self._root + "/models", self._model), self._shutdown_date)
        except Failure as failure:
            is_unknown = failure.status in _DESCRIBES_NO_MODELS and not self._is_own_address()
            if failure.kind is FailureKind.FATAL and not is_unknown:
                raise
            return None

    @property
    def tuning(self) -> TuningApi:
        """Fine-tuning.

        Raises:
            UserError: the provider offers none.
        """
        raise UserError("this provider does not fine-tune: use provider: openai, or a learner of kind: local")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    # Batches

    async def submit_batch(self, intent: str, lines: Path) -> BatchState:
        """Submit requests in one batch.

        If the connection is lost on the way, the batch may exist: call :meth:`find_batch` before submitting again.

        Args:
            intent: a name for the batch that no other batch has.
            lines: file of JSON objects, one a line, with ``custom_id`` (at most 64 characters of ``A-Za-z0-9_-``)
                and ``body`` (of a call). Its folder needs space for a copy.
        """
        with tempfile.TemporaryFile(dir=lines.parent) as upload:
            await asyncio.to_thread(self._write_batch, lines, upload)
            size = upload.tell()
            upload.seek(0)
            return await self._submit(intent, upload, size)

    @abstractmethod
    async def find_batch(self, intent: str, created_after: float, requests: int) -> list[BatchState]:
        """Batches that may be the one submitted as ``intent``, the newest first.

        OpenAI keeps the intent, so what is found is the batch. Anthropic does not: these are the batches with as many
        requests, and the ``custom_id`` of a result shows whether one of them is the batch.

        Args:
            intent: as submitted.
            created_after: UTC, in seconds since 1970; clocks may disagree by an hour.
            requests: how many the batch holds.
        """

    async def batch(self, remote_id: str) -> BatchState:
        """How far a batch is."""
        return await self._connection.ask("get", below(self._batches, remote_id), self._state)

    @abstractmethod
    def batch_results(self, state: BatchState) -> AsyncGenerator[BatchResult, None]:
        """The results of a batch that has ended, one by one as they arrive, in no order.

        Requests that expired or were cancelled are TRANSIENT failures or missing. Iterating again after a failure
        starts from the beginning.
        """

    # Errors

    def _read_error(self, status: int, error: Mapping[str, str]) -> Verdict:
        """What an error answer means; an :data:`llm.providers.failures.ErrorReader`."""
        verdict = self._verdict_of_code(status, error)
        return verdict or Verdict(kind_of_status(status), self._advice(status, error["message"]))

    def _status_of(self, error: Any) -> int:
        """The HTTP status that an error object stands for where it came without one."""
        code, kind = (str(error.get(name)) for name in ("code", "type")) if isinstance(error, dict) else ("", "")
        return int(code) if re.fullmatch("[45][0-9][0-9]", code) else ERROR_STATUSES.get(kind, 500)

    def _advice(self, status: int, message: str) -> str:
        if status == 401:
            return self._key.advice()
        if status == 403:
            return f"the key or its {self._account_part} may not do this: see the account's settings"
        if status in (404, 410):
            return self._model_advice() if "model" in message.lower() else self._base_url_advice
        return "set base_url to the address it leads to" if status < 400 else ""

    def _model_advice(self) -> str:
        return f"set model (now {self._model}) to one that this key can use there"

    # What a provider adds

    def _clean_base_url(self, base_url: str | None) -> str:
        """``base_url``, or the provider's own address, without a slash at the end.

        Raises:
            UserError: it is not an HTTP address, or contains a password.
        """
        url = re.sub(r"/+(?=\?|$)", "", base_url or self._own_base_url)
        try:
            parts = urllib.parse.urlsplit(url)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            valid = False
        if not valid or "@" in url:
            raise UserError(
                f"base_url: {'an address with a name or password' if '@' in url else repr(base_url)} is not allowed; "
                "write it like http://localhost:8000/v1 (a key goes into the environment, see api_key_env)"
            )
        return url

    def _is_own_address(self) -> bool:
        return self.base_url == self._own_base_url

    @abstractmethod
    def _headers(self) -> dict[str, Any]:
        """Headers of every request besides the key."""

    @abstractmethod
    def _body(self, system: str | None, user: str, max_tokens: int, sample: int, step: int) -> dict[str, Any]:
        """The body of a request; arguments as for :meth:`call`."""

    @abstractmethod
    def _answer(self, body: Any) -> Answer:
        """The answer in a parsed body; raises one of :data:`UNREADABLE` if it is none."""

    @abstractmethod
    def _shutdown_date(self, model: Mapping[str, Any]) -> date | None:
        """When the provider will shut a model down, if it says so.

        Raises:
            Failure: it has done so already.
        """

    @abstractmethod
    def _write_batch(self, lines: Path, upload: IO[bytes]) -> None:
        """Write the requests of a batch, ``lines``, as the provider wants them."""

    @abstractmethod
    async def _submit(self, intent: str, upload: IO[bytes], size: int) -> BatchState:
        """Submit the written requests, ``size`` bytes."""

    @abstractmethod
    def _state(self, batch: Mapping[str, Any]) -> BatchState:
        """A batch in a parsed answer; raises one of :data:`llm.providers.cleaning.UNREADABLE` if it is none."""

    @abstractmethod
    def _verdict_of_code(self, status: int, error: Mapping[str, str]) -> Verdict | None:
        """What an error answer means by the provider's own codes; None if only the status counts."""
