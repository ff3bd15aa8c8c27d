"""The connection to an API: the provider's SDK, adapted to the workbench.

No retries (the executors do that), no redirects, HTTP through aiohttp, errors as :class:`llm.calls.Failure`. Nothing
that leaves this module contains the key.
"""

import asyncio
import json
import os
import re
import time
import urllib.parse
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import aiohttp
import httpx2

from llm.calls import Failure, FailureKind, Reply
from llm.providers.failures import ErrorReader, connection_failure, kept_headers, one_line, status_failure
from llm.providers.protocol import BatchResult
from workbench.cli import UserError

T = TypeVar("T")

PAGE = 100
"""How many items of a list are asked for at once."""

CLOCK_SECONDS = 3600.0
"""How far a provider's clock may differ from ours."""

MISSING = (404, 405, 410, 501)
"""HTTP statuses of what a server does not have or does not offer."""

CONNECT_SECONDS = 15.0
"""Longest wait for a connection."""

_MOST_FILE_BYTES = 1 << 33  # of a batch's results
_MOST_LINE_BYTES = 1 << 25  # of one result
_SNIPPET_BYTES = 1000  # of a line that cannot be read
# A batch's results must have arrived after this time, and longer for many bytes.
_FILE_SECONDS, _SLOWEST_BYTES = 600.0, 50_000.0
_CUSTOM_ID = re.compile(rb'"custom_id"\s*:\s*"([\w-]{1,64})"')
_NO_KEY = "no-key"  # sent to servers that need no key
_REDACTED = "[API key]"
# Placeholders such as "EMPTY" or "ollama" are words that an answer may contain.
_SHORTEST_SECRET = 8

# A value whose shape differs from the provider's documentation.
_OTHER_SHAPE = (LookupError, TypeError, AttributeError, RecursionError, OverflowError)
UNREADABLE = (ValueError, *_OTHER_SHAPE)
"""Exceptions from reading an answer that is not JSON or has another shape."""


class Unusable(ValueError):
    """An answer that says itself that it is incomplete; the message says how."""


def _unchanged(value: Any) -> Any:
    return value


class Key:
    """A key from the environment variable ``variable``, and how to remove it from texts; None for no key.

    Raises:
        UserError: the environment lacks the variable, or its value cannot be a key.
    """

    def __init__(self, variable: str | None) -> None:
        self.variable = variable
        self.value = _NO_KEY if variable is None else os.environ.get(variable, "").strip()
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
            text = text.replace(form, _REDACTED)
        return text

    def redact_answer(self, text: str) -> str:
        """``text`` without the key; unchanged if the key is so short that it may be a word of the answer."""
        return self.redact(text) if len(self.value) >= _SHORTEST_SECRET else text

    def advice(self) -> str:
        """What to do if the key is not accepted."""
        if self.variable is None:
            return "name the environment variable that holds the server's key in api_key_env"
        return f"set {self.variable} to a key that is valid there"


class Connection:
    """An SDK's client whose failures are all :class:`llm.calls.Failure` without the key.

    Args:
        client: an AsyncOpenAI or AsyncAnthropic, made without retries.
        base_url: for messages.
        key: what to keep out of messages and answers.
        timeout: longest wait for an answer, in seconds.
        read: the provider's reading of its errors.
        error: base class of the SDK's exceptions.
    """

    file_timeout = httpx2.Timeout(600.0, connect=CONNECT_SECONDS, pool=None)
    """For files of batches: the provider prepares them for longer than an answer."""

    def __init__(
        self, client: Any, base_url: str, key: Key, timeout: float, read: ErrorReader, error: type[Exception]
    ) -> None:
        self.client = client
        self._base_url = base_url
        self._key = key
        self._timeout = timeout
        self._read = read
        # ValueError: the SDK could not parse a body. openai's transport passes the others on unchanged.
        self._errors = (error, httpx2.HTTPError, httpx2.InvalidURL, aiohttp.ClientError, OSError, ValueError)

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """Send ``body`` as JSON; the answer's body and relevant headers.

        Raises:
            Failure: there is no answer, or it is an error.
        """
        try:
            async with asyncio.timeout(self._timeout):
                response = await self.client.post(path, body=body, cast_to=httpx2.Response)
        except self._errors as error:
            failure = self._failure(error)
        else:
            headers = {name: self._key.redact(value) for name, value in kept_headers(response.headers).items()}
            try:
                return Reply(self._key.redact_answer(response.content.decode()), headers)
            except UnicodeDecodeError:
                failure = self.unreadable(response.content.decode(errors="replace"), "it is not UTF-8")
                failure.headers.update(headers)
        # Outside the handler: otherwise the failure refers to an exception that holds the request's headers.
        raise failure

    async def ask(self, request: Awaitable[Any], read: Callable[[Any], T] = _unchanged, *, once: bool = False) -> T:
        """Await a request of the SDK; the result of ``read`` on the answer.

        Args:
            request: what to await.
            read: reads the answer.
            once: it must not be done twice: an answer that cannot be read means that it was perhaps done.

        Raises:
            Failure: there is no answer, or it is an error or cannot be read.
        """
        try:
            return read(await request)
        except (*self._errors, *_OTHER_SHAPE) as error:
            failure = self._failure(error)
            if once and failure.status is None and isinstance(error, UNREADABLE):
                failure.maybe_paid = True
        raise failure

    async def ask_if_there(self, request: Awaitable[T], statuses: Collection[int] = MISSING) -> T | None:
        """As :meth:`ask`, but return None if the server answers with one of ``statuses``."""
        try:
            return await self.ask(request)
        except Failure as failure:
            if failure.status in statuses:
                return None
            raise

    async def results(self, path: str, read: Callable[[Any], BatchResult]) -> AsyncIterator[BatchResult]:
        """The result of ``read`` on each line of the JSON lines file at ``path``, as they arrive.

        A line that cannot be read is a failure of its request alone, which was perhaps paid; one that names no request
        is left out.

        Raises:
            Failure: the file is missing, endless or too slow, no line names a request, or the connection is lost.
        """
        response: httpx2.Response = await self.ask(
            self.client.get(
                path,
                cast_to=httpx2.Response,
                stream=True,
                options={"headers": {"Accept": "application/binary"}, "timeout": self.file_timeout},
            )
        )
        unnamed, named = b"", False
        try:
            async for line in _lines(response):
                if result := self._result(line, read):
                    named = True
                    yield result
                else:
                    unnamed = unnamed or line
            if named or not unnamed:
                return
            failure = self.unreadable(unnamed[:_SNIPPET_BYTES].decode(errors="replace"), "no results of a batch")
        except self._errors as error:
            failure = self._failure(error)
        finally:
            await response.aclose()
        failure.maybe_paid = False
        raise failure

    def _result(self, line: bytes, read: Callable[[Any], BatchResult]) -> BatchResult | None:
        """The result in a line, a failure if it cannot be read; None if it does not even name its request."""
        try:
            result = read(json.loads(self._key.redact_answer(line.decode())))
            if isinstance(result.custom_id, str):
                return result
        except UNREADABLE:
            pass
        name = _CUSTOM_ID.search(line)
        snippet = line[:_SNIPPET_BYTES].decode(errors="replace")
        return BatchResult(name[1].decode(), self.unreadable(snippet, "a batch's result")) if name else None

    def refusal_of(self, status: int, raw: str, headers: Mapping[str, str]) -> Failure:
        """The failure of one request, also of one within a batch, which has its own status and body."""
        # Messages are cut to a length, which might leave a part of the key: remove it first.
        return self._redacted(status_failure(self._base_url, status, self._key.redact(raw), headers, self._read))

    def unreadable(self, raw: str, why: str) -> Failure:
        """The failure of a successful answer whose body cannot be read."""
        failure = Failure(
            FailureKind.TRANSIENT,
            f"{self._base_url}: an answer that cannot be read: {why}",
            status=200,
            maybe_paid=True,
            raw=raw,
        )
        return self._redacted(failure)

    def failure(self, kind: FailureKind, message: str, advice: str = "") -> Failure:
        """A failure without its own HTTP answer."""
        said = one_line(self._key.redact(message))
        return Failure(kind, f"{self._base_url}: {said}" + (f"; {advice}" if advice else ""))

    def _failure(self, error: Exception) -> Failure:
        response = getattr(error, "response", None)
        if isinstance(response, httpx2.Response) and not response.is_success:
            return self.refusal_of(response.status_code, response.content.decode(errors="replace"), response.headers)
        return self._redacted(connection_failure(self._base_url, error, self._timeout))

    def _redacted(self, failure: Failure) -> Failure:
        return replace(
            failure,
            message=self._key.redact(failure.message),
            headers={name: self._key.redact(value) for name, value in failure.headers.items()},
            raw=self._key.redact(failure.raw),
        )


async def _lines(response: httpx2.Response) -> AsyncIterator[bytes]:
    """The lines of a file that arrives, except blank ones; not `aiter_lines`, which splits within JSON's strings, too.

    Raises:
        TimeoutError: the file does not end.
    """
    rest, received, started = b"", 0, time.monotonic()
    async for chunk in response.aiter_bytes():
        received += len(chunk)
        is_late = time.monotonic() - started > _FILE_SECONDS + received / _SLOWEST_BYTES
        if is_late or received > _MOST_FILE_BYTES:
            raise TimeoutError(f"the results do not end ({received:,} bytes so far)")
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _MOST_LINE_BYTES:
            rest = rest[:_SNIPPET_BYTES] + b"\0"  # no JSON any more, whatever follows
        for line in filter(bytes.strip, lines):
            yield line
    if rest.strip():
        yield rest


def well_formed(text: str) -> str:
    """``text`` with replacement characters for lone surrogates, which JSON can escape but no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def dumps(value: object) -> str:
    """JSON as servers write it: without spaces, with escapes only if a character is a lone surrogate."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if well_formed(text) == text else json.dumps(value, separators=(",", ":"))


def text_of(value: object) -> str:
    """A string of an answer, empty for anything else; some servers send a message's content in parts."""
    if isinstance(value, list):
        value = "".join(part.get("text") or "" for part in value)
    return well_formed(value) if isinstance(value, str) else ""


async def recent(items: AsyncIterable[T], created: Callable[[T], float], after: float) -> AsyncIterator[T]:
    """The items of a list up to a page beyond the first that was created before ``after``.

    Providers list the newest first, though their documentation does not promise it.
    """
    older = 0
    async for item in items:
        yield item
        older += created(item) < after
        if older >= PAGE:
            return
