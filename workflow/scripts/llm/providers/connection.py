"""The connection to an API: the provider's SDK with what the workbench needs around it.

No retries (the executors do that), no redirects, HTTP through aiohttp, errors as :class:`llm.calls.Failure`, and a key
that nothing which leaves this module contains.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, TypeVar

import aiohttp
import httpx2

from llm.calls import Failure, FailureKind, Reply
from llm.providers.failures import ErrorReader, connection_failure, kept_headers, one_line, status_failure
from workbench.cli import UserError

T = TypeVar("T")

NO_KEY = "no-key"
"""What is sent as the key to servers that want none."""

_REDACTED = "[API key]"
# Placeholders such as "EMPTY" or "ollama" are words that an answer may well contain.
_SHORTEST_SECRET = 8
_SNIPPET = 200
_CONNECT_SECONDS = 15.0
_FILE_SECONDS = 600.0
# uvicorn, and so vLLM, closes a connection that was idle for 5 s, and a request that meets the closing is lost.
_KEEPALIVE_SECONDS = 4.0
_SPARE_CONNECTIONS = 4

# A value that is not shaped as the provider's documentation says.
_OTHER_SHAPE = (LookupError, TypeError, AttributeError, RecursionError, OverflowError)
UNREADABLE = (ValueError, *_OTHER_SHAPE)
"""What reading an answer ends with that is no JSON or has another shape."""


def _as_it_is(value: Any) -> Any:
    return value


class Key:
    """A key from the environment, and the means to keep it out of sight."""

    def __init__(self, variable: str | None) -> None:
        """Read ``variable``; None stands for a server that wants no key.

        Raises:
            UserError: the environment lacks the variable, or its value cannot be a key.
        """
        self.variable = variable
        self.value = NO_KEY if variable is None else os.environ.get(variable, "").strip()
        if not self.value:
            raise UserError(
                f"the environment variable {variable} is not set: it must hold the API key; export it, or name another "
                "in the generator's api_key_env"
            )
        if not re.fullmatch(r"[!-~]+", self.value):
            raise UserError(f"{variable}: holds blanks or characters that no API key has; export the key alone")
        written = json.dumps(self.value)[1:-1]
        quoted = urllib.parse.quote(self.value, safe="")
        self._forms = tuple(dict.fromkeys((self.value, written, quoted))) if variable else ()

    def __repr__(self) -> str:
        return f"Key({self.variable})"

    def redact(self, text: str) -> str:
        """``text`` without the key."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, _REDACTED)
        return text

    def redact_answer(self, text: str) -> str:
        """``text`` without the key, unless the key is so short that it may be a word of the answer."""
        return self.redact(text) if len(self.value) >= _SHORTEST_SECRET else text

    def advice(self) -> str:
        """What to do when the key is not accepted."""
        if self.variable is None:
            return "name the environment variable that holds the server's key in api_key_env"
        return f"set {self.variable} to a key that is valid there"


def clean_base_url(base_url: str | None, default: str) -> str:
    """``base_url``, or ``default``, without a slash at the end.

    Raises:
        UserError: it is no address of HTTP, or holds a password.
    """
    url = (base_url or default).rstrip("/")
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


def http_client(kind: type[httpx2.AsyncClient], timeout: float, concurrency: int) -> httpx2.AsyncClient:
    """An HTTP client of an SDK's class ``kind`` for ``concurrency`` requests at once of ``timeout`` seconds each."""
    # It writes a line for every request, at the level of what people should read.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    return kind(
        timeout=httpx2.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS), pool=None),
        limits=httpx2.Limits(max_connections=concurrency + _SPARE_CONNECTIONS, keepalive_expiry=_KEEPALIVE_SECONDS),
        follow_redirects=False,
    )


class Connection:
    """An SDK's client whose every failure is a :class:`llm.calls.Failure` without the key."""

    file_timeout = httpx2.Timeout(_FILE_SECONDS, connect=_CONNECT_SECONDS, pool=None)
    """For files of batches, whose preparation takes the provider longer than an answer."""

    def __init__(
        self, client: Any, base_url: str, key: Key, timeout: float, read: ErrorReader, error: type[Exception]
    ) -> None:
        """Wrap ``client``, an AsyncOpenAI or AsyncAnthropic.

        Args:
            client: the SDK's client, made without retries.
            base_url: for messages.
            key: what to keep out of sight.
            timeout: longest wait for an answer, in seconds.
            read: the provider's reading of its errors.
            error: base class of the SDK's exceptions.
        """
        self.client = client
        self._base_url = base_url
        self._key = key
        self._timeout = timeout
        self._read = read
        # ValueError: the SDK could not parse a body; the others come through openai's transport as they are.
        self._errors = (error, httpx2.HTTPError, httpx2.InvalidURL, aiohttp.ClientError, OSError, ValueError)

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """Send ``body`` as JSON; the answer's body and headers that matter.

        Raises:
            Failure: there is no answer, or none of success.
        """
        try:
            async with asyncio.timeout(self._timeout):
                response = await self.client.post(path, body=body, cast_to=httpx2.Response)
            raw = response.content.decode()
        except UnicodeDecodeError:
            failure = self.unreadable(response.content.decode(errors="replace"), "it is not UTF-8")
            failure.headers.update(self._headers(response.headers))
        except self._errors as error:
            failure = self._failure(error)
        else:
            return Reply(self._key.redact_answer(raw), self._headers(response.headers))
        # Outside the handler, so that no exception with the request's headers hangs on to it.
        raise failure

    async def ask(self, request: Awaitable[Any], read: Callable[[Any], T] = _as_it_is, *, once: bool = False) -> T:
        """Await a request that the SDK makes; what ``read`` makes of the answer.

        Args:
            request: what to await.
            read: reads the answer.
            once: it must not be done twice: where there was an answer that cannot be read, it was perhaps done.

        Raises:
            Failure: there is no answer, none of success, or none that can be read.
        """
        try:
            return read(await request)
        except (*self._errors, *_OTHER_SHAPE) as error:
            failure = self._failure(error)
            if once and failure.status is None and isinstance(error, UNREADABLE):
                failure.maybe_paid = True
        raise failure

    async def json_lines(self, path: str, read: Callable[[Any], T]) -> AsyncIterator[T]:
        """What ``read`` makes of each line of the file of JSON lines behind ``path``, as they arrive.

        Raises:
            Failure: the file is not there, cannot be read, or the connection is lost.
        """
        response: httpx2.Response = await self.ask(
            self.client.get(
                path,
                cast_to=httpx2.Response,
                stream=True,
                options={"headers": {"Accept": "application/binary"}, "timeout": self.file_timeout},
            )
        )
        rest = b""
        try:
            # Not aiter_lines: it takes characters for ends of lines that JSON allows in a string.
            async for chunk in response.aiter_bytes():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield read(json.loads(self._key.redact_answer(line.decode())))
            if rest.strip():
                yield read(json.loads(self._key.redact_answer(rest.decode())))
            return
        except (*self._errors, *_OTHER_SHAPE) as error:
            failure = self._failure(error)
            failure.maybe_paid = False
        finally:
            await response.aclose()
        raise failure

    def refusal_of(self, status: int, raw: str, headers: Mapping[str, str]) -> Failure:
        """The failure of one request of a batch, which has a status and a body of its own."""
        # Messages are cut to a length, so the key has to go first, lest a part of it stays.
        return self._redacted(status_failure(self._base_url, status, self._key.redact(raw), headers, self._read))

    def unreadable(self, raw: str, why: str) -> Failure:
        """The failure that a body of a successful answer is when it cannot be understood."""
        failure = Failure(
            FailureKind.TRANSIENT,
            f"{self._base_url}: an answer that cannot be read: {why}",
            status=200,
            maybe_paid=True,
            raw=raw,
        )
        return self._redacted(failure)

    def failure(self, kind: FailureKind, message: str, advice: str = "") -> Failure:
        """A failure that no HTTP answer of its own tells."""
        said = one_line(self._key.redact(message))
        return Failure(kind, f"{self._base_url}: {said}" + (f"; {advice}" if advice else ""))

    def _failure(self, error: Exception) -> Failure:
        response = getattr(error, "response", None)
        if isinstance(response, httpx2.Response) and not response.is_success:
            return self.refusal_of(response.status_code, response.content.decode(errors="replace"), response.headers)
        return self._redacted(connection_failure(self._base_url, error, self._timeout))

    def _redacted(self, failure: Failure) -> Failure:
        return Failure(
            failure.kind,
            self._key.redact(failure.message),
            status=failure.status,
            retry_after=failure.retry_after,
            maybe_paid=failure.maybe_paid,
            headers={name: self._key.redact(value) for name, value in failure.headers.items()},
            raw=self._key.redact(failure.raw),
        )

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {name: self._key.redact(value) for name, value in kept_headers(headers).items()}


def well_formed(text: str) -> str:
    """``text`` with halves of characters, which JSON can escape and no file can hold, as replacement characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def dumps(value: object) -> str:
    """JSON as servers write it: without blanks, with escapes only where a character is broken."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if well_formed(text) == text else json.dumps(value, separators=(",", ":"))


def text_of(value: object) -> str:
    """A string of an answer, empty for anything else; some servers send a message's content in parts."""
    if isinstance(value, list):
        value = "".join(part.get("text") or "" for part in value)
    return well_formed(value) if isinstance(value, str) else ""


def send_only(client: Any, headers: Mapping[str, Any]) -> None:
    """Let ``client`` send these headers besides its own.

    Both SDKs add what ``OPENAI_CUSTOM_HEADERS`` or ``ANTHROPIC_CUSTOM_HEADERS`` name in the environment, to any server:
    that may be another one's key, and it would shape answers without being part of a call.
    """
    client._custom_headers = dict(headers)


def what_came(raw: str, error: Exception, wanted: str) -> str:
    """Why ``raw`` is not the ``wanted`` kind of answer."""
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON ({error.msg} at character {error.pos:,} of {len(raw):,})"
    return f"no {wanted}: {raw[:_SNIPPET]!r}"
