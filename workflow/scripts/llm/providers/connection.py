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
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import aiohttp
import httpx2

from llm.calls import Failure, FailureKind, Reply
from llm.providers.cleaning import MOST_RECORD, UNREADABLE, Unusable, one_line, printable
from llm.providers.failures import ErrorReader, connection_failure, kept_headers, status_failure
from llm.providers.protocol import BatchResult
from workbench.cli import UserError

T = TypeVar("T")

PAGE = 100
"""How many items of a list are asked for at once."""

CLOCK_SECONDS = 3600.0
"""How far a provider's clock may differ from ours."""

CONNECT_SECONDS = 15.0
"""Longest wait for a connection."""

MOST_BYTES = 1 << 24
"""Of an unpacked answer, or of a line of a file."""

MISSING = (404, 405, 410, 501)
"""HTTP statuses of what a server does not have or does not offer."""

_ASK_SECONDS, _FILE_SECONDS = 600.0, 3600.0  # for all of an answer or file, however slowly it arrives
_SNIPPET_BYTES = 1000  # of a line that cannot be read
_CUSTOM_ID = re.compile(rb'"custom_id"\s*:\s*"([\w-]{1,64})"')
_RAW_CONTROL = re.compile(r"[\x7f-\x9f]")  # that JSON allows in a text without an escape
_PACKING = (b"content-encoding", b"content-length", b"transfer-encoding")

_NO_KEY = "no-key"  # sent to servers that need no key
_REDACTED = "[API key]"
# Placeholders such as "EMPTY" or "ollama" are words that an answer may contain.
_SHORTEST_SECRET = 8


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
        self._escaped = re.compile("".join(map(_any_form, self.value)))

    def __repr__(self) -> str:
        return f"Key({self.variable})"

    def redact(self, text: str) -> str:
        """``text`` without the key, however its characters are escaped."""
        if self.variable is None:
            return text
        text = text.replace(self.value, _REDACTED)
        return self._escaped.sub(_REDACTED, text) if "\\" in text or "%" in text else text

    def redact_answer(self, text: str) -> str:
        """``text`` without the key; unchanged if the key is so short that it may be a word of the answer."""
        return self.redact(text) if len(self.value) >= _SHORTEST_SECRET else text

    def advice(self) -> str:
        """What to do if the key is not accepted."""
        if self.variable is None:
            return "name the environment variable that holds the server's key in api_key_env"
        return f"set {self.variable} to a key that is valid there"


def _any_form(character: str) -> str:
    """A pattern for a character as it is, and as JSON and addresses escape it."""
    code = "".join(f"[{digit}{digit.upper()}]" for digit in f"{ord(character):02x}")
    return rf"(?:\\*{re.escape(character)}|\\+u00{code}|%{code})"


def bounded(kind: type[httpx2.AsyncClient]) -> type[httpx2.AsyncClient]:
    """An HTTP client whose answers have at most :data:`MOST_BYTES`, however they are packed."""

    class Bounded(kind):  # type: ignore[valid-type, misc]
        async def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
            if "api-key" in request.headers:  # Azure takes a bearer for a token; the SDK insists on sending one
                request.headers.pop("authorization", None)
            response: httpx2.Response = await super().send(request, stream=True, **options)
            if stream and response.is_success:
                return response
            content = bytearray()
            try:
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MOST_BYTES and response.is_success:
                        raise Unusable(f"longer than {MOST_BYTES:,} bytes")
                    if len(content) > MOST_BYTES:
                        break  # the status of an error says enough
            finally:
                await response.aclose()
            headers = [(name, value) for name, value in response.headers.raw if name.lower() not in _PACKING]
            return httpx2.Response(response.status_code, headers=headers, content=bytes(content), request=request)

    return Bounded


async def _lines(response: httpx2.Response) -> AsyncIterator[bytes | bytearray]:
    """The lines of a file that hold something; of a too long one the beginning, which cannot be read as JSON.

    Unlike ``aiter_lines``, this does not split at characters that JSON allows in a string.

    Raises:
        TimeoutError: it has not ended in time.
    """
    latest, rest = time.monotonic() + _FILE_SECONDS, bytearray()
    async for chunk in response.aiter_bytes():
        rest += chunk
        if b"\n" in chunk:
            *lines, rest = rest.split(b"\n")
            for line in lines:
                if line.strip():
                    yield line[:MOST_BYTES]  # the end of a line whose middle is lost could complete its beginning
        del rest[MOST_BYTES:]
        if time.monotonic() > latest:
            raise TimeoutError
    if rest.strip():
        yield rest


class Connection:
    """An SDK's client whose failures are all :class:`llm.calls.Failure` without the key.

    Args:
        client: an AsyncOpenAI or AsyncAnthropic, made without retries.
        base_url, key: for messages, and what to keep out of them.
        timeout: longest wait for an answer, in seconds.
        read, error, cursor: of the provider, see :class:`llm.providers.api.Api`.
    """

    file_timeout = httpx2.Timeout(600.0, connect=CONNECT_SECONDS, pool=None)
    """For files of batches: the provider prepares them for longer than an answer."""

    def __init__(
        self,
        client: Any,
        base_url: str,
        key: Key,
        timeout: float,
        read: ErrorReader,
        error: type[Exception],
        cursor: str,
    ) -> None:
        self._client = client
        self._base_url = base_url
        self._key = key
        self._timeout = timeout
        self._read = read
        self._cursor = cursor
        # What the SDK cannot parse, and what openai's transport passes on unchanged.
        self._errors = (error, httpx2.HTTPError, httpx2.InvalidURL, aiohttp.ClientError, OSError, *UNREADABLE)

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """Send ``body`` as JSON; the answer's body and relevant headers.

        Raises:
            Failure: there is no answer, or it is an error.
        """
        response = await self._response("post", path, self._timeout, body=body)
        headers = {name: self._key.redact(value) for name, value in kept_headers(response.headers).items()}
        try:
            return self.reply(response.content.decode(), headers)
        except UnicodeDecodeError:
            failure = self.unreadable(response.content.decode(errors="replace"), "it is not UTF-8")
        failure.headers.update(headers)
        # Outside the handler: otherwise the failure refers to an exception that quotes the body.
        raise failure

    def reply(self, raw: str, headers: Mapping[str, str]) -> Reply:
        """An answer as it is kept: without the key and without raw characters that control a terminal."""
        return Reply(_RAW_CONTROL.sub("\ufffd", self._key.redact_answer(raw)), headers)

    async def ask(self, method: str, path: str, read: Callable[[Any], T], *, once: bool = False, **request: Any) -> T:
        """The result of ``read`` on the JSON that the server answers.

        Args:
            once: it must not be done twice: an answer that cannot be read means that it was perhaps done.
            request: ``body``, ``content`` or ``files``, as the SDK takes them, and its ``options``.

        Raises:
            Failure: there is no answer, or it is an error or cannot be read.
        """
        seconds = _FILE_SECONDS if "timeout" in request.get("options", {}) else _ASK_SECONDS
        response = await self._response(method, path, seconds, **request)
        return self._read_as(lambda raw: read(self._json(raw)), response.content, maybe_paid=once)

    async def listed(self, path: str, read: Callable[[Any], T], **params: Any) -> AsyncIterator[T]:
        """The result of ``read`` on each item of the list at ``path``, page by page.

        Raises:
            Failure: a page is missing or cannot be read.
        """
        seen: set[str] = set()
        last: str | None = None
        while last not in seen:  # some servers ignore where to begin
            if last is not None:
                seen.add(last)
                params[self._cursor] = last
            page = await self.ask("get", path, dict, options={"params": {"limit": PAGE, **params}})
            items = self._read_as(lambda page: list(page.get("data") or ()), page)
            for item in items:
                yield self._read_as(read, item)
            if not items or page.get("has_more") is False:
                return
            last = self._read_as(lambda item: str(item["id"]), items[-1])

    async def results(self, path: str, read: Callable[[Any], BatchResult]) -> AsyncIterator[BatchResult]:
        """The result of ``read`` on each line of the JSON lines file at ``path``, as they arrive.

        A line that cannot be read is a failure of its request alone, which was perhaps paid. One that names no request
        is left out, unless there is no other.

        Raises:
            Failure: the file is missing or too slow, no line names a request, or the connection is lost.
        """
        options = {"headers": {"Accept": "application/binary"}, "timeout": self.file_timeout}
        found = False
        lost: Failure | None = None
        try:
            async with aclosing(await self._response("get", path, _FILE_SECONDS, stream=True, options=options)) as file:
                async for line in _lines(file):
                    try:
                        result = read(self._json(line))
                    except UNREADABLE:
                        failure = self.unreadable(line[:_SNIPPET_BYTES].decode(errors="replace"), "a batch's result")
                        if not (name := _CUSTOM_ID.search(line)):
                            lost = failure
                            continue
                        result = BatchResult(name[1].decode(), failure)
                    found = True
                    yield result
            lost = None if found else lost
        except Failure as failure:
            lost = failure
        except self._errors as error:
            lost = self._failure(error, _FILE_SECONDS)
        if lost is not None:
            lost.maybe_paid = False  # asking for the file again costs nothing
            raise lost

    async def _response(self, method: str, path: str, seconds: float, **request: Any) -> httpx2.Response:
        try:
            async with asyncio.timeout(seconds):
                response: httpx2.Response = await getattr(self._client, method)(
                    path, cast_to=httpx2.Response, **request
                )
                return response
        except self._errors as error:
            failure = self._failure(error, seconds)
        # Outside the handler: otherwise the failure refers to an exception that holds the request's headers.
        raise failure

    def _json(self, raw: bytes | bytearray) -> Any:
        return json.loads(self._key.redact_answer(raw.decode()))

    def _read_as(self, read: Callable[[Any], T], value: Any, maybe_paid: bool = False) -> T:
        try:
            return read(value)
        except UNREADABLE as error:
            failure = self._failure(error, self._timeout)
            failure.maybe_paid = maybe_paid
        raise failure

    def refusal_of(self, status: int, raw: str, headers: Mapping[str, str], delivered: int | None = None) -> Failure:
        """The failure of one request, also of one within a batch, which has its own status and body."""
        # Messages are cut to a length, which might leave a part of the key: remove it first.
        return self._named(status_failure(status, self._key.redact(raw), headers, self._read, delivered))

    def unreadable(self, raw: str, why: str) -> Failure:
        """The failure of a successful answer whose body cannot be read."""
        why = f"an answer that cannot be read: {one_line(self._key.redact(why))}"
        body = printable(raw[:MOST_RECORD])
        return self._named(Failure(FailureKind.TRANSIENT, why, status=200, maybe_paid=True, raw=body))

    def failure(self, kind: FailureKind, message: str, advice: str = "") -> Failure:
        """A failure without its own HTTP answer."""
        said = one_line(self._key.redact(message))
        return self._named(Failure(kind, said + (f"; {advice}" if advice else "")))

    def _failure(self, error: Exception, seconds: float) -> Failure:
        response = getattr(error, "response", None)
        if isinstance(response, httpx2.Response) and not response.is_success:
            return self.refusal_of(response.status_code, response.content.decode(errors="replace"), response.headers)
        return self._named(connection_failure(error, seconds))

    def _named(self, failure: Failure) -> Failure:
        """``failure`` with the address in its message, and without the key."""
        return replace(
            failure,
            message=self._key.redact(f"{self._base_url}: {failure.message}"),
            headers={name: self._key.redact(value) for name, value in failure.headers.items()},
            raw=self._key.redact(failure.raw),
        )


@contextmanager
def if_there(statuses: Collection[int] = MISSING) -> Iterator[None]:
    """End the block quietly if the server answers with one of ``statuses``."""
    try:
        yield
    except Failure as failure:
        if failure.status not in statuses:
            raise


async def recent(items: AsyncIterable[T], created: Callable[[T], float], after: float) -> list[T]:
    """The items of a list up to a page beyond the first that was created before ``after``.

    Providers list the newest first, though their documentation does not promise it.
    """
    found: list[T] = []
    older = 0
    async for item in items:
        found.append(item)
        older += created(item) < after
        if older >= PAGE:
            break
    return found


def below(folder: str, name: str, end: str = "") -> str:
    """The path of what a server calls ``name``; a name cannot lead elsewhere."""
    return f"{folder}/{urllib.parse.quote(name, safe='')}{end}"
