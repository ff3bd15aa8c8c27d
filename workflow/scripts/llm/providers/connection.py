"""The connection to an API: the provider's SDK, adapted to the workbench.

No retries (the executors do that), no redirects, HTTP through aiohttp, errors as :class:`llm.calls.Failure`. Nothing
that leaves this module contains the key.
"""

import asyncio
import json
import os
import re
import urllib.parse
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import aiohttp
import httpx2

from llm.calls import Failure, FailureKind, Reply
from llm.providers.failures import ErrorReader, connection_failure, kept_headers, one_line, status_failure
from workbench.cli import UserError

T = TypeVar("T")

PAGE = 100
"""How many items of a list are asked for at once."""

CLOCK_SECONDS = 3600.0
"""How far a provider's clock may differ from ours."""

CONNECT_SECONDS = 15.0
"""Longest wait for a connection."""

_MISSING = (404, 405, 410, 501)  # HTTP statuses of what a server does not have or does not offer
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
        cursor: the parameter that names the last item of the page before.
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
        # ValueError: the SDK could not parse a body. openai's transport passes the others on unchanged.
        self._errors = (error, httpx2.HTTPError, httpx2.InvalidURL, aiohttp.ClientError, OSError, ValueError)

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """Send ``body`` as JSON; the answer's body and relevant headers.

        Raises:
            Failure: there is no answer, or it is an error.
        """
        response = await self._response("post", path, self._timeout, body=body)
        headers = {name: self._key.redact(value) for name, value in kept_headers(response.headers).items()}
        try:
            return Reply(self._key.redact_answer(response.content.decode()), headers)
        except UnicodeDecodeError:
            failure = self.unreadable(response.content.decode(errors="replace"), "it is not UTF-8")
        failure.headers.update(headers)
        # Outside the handler: otherwise the failure refers to an exception that quotes the body.
        raise failure

    async def ask(
        self, method: str, path: str, read: Callable[[Any], T] = _unchanged, *, once: bool = False, **request: Any
    ) -> T:
        """The result of ``read`` on the JSON that the server answers.

        Args:
            method: ``get``, ``post`` or ``delete``.
            path: below the base URL.
            read: reads the answer.
            once: it must not be done twice: an answer that cannot be read means that it was perhaps done.
            request: ``body``, ``content`` or ``files``, as the SDK takes them, and its ``options``.

        Raises:
            Failure: there is no answer, or it is an error or cannot be read.
        """
        response = await self._response(method, path, None, **request)
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

    async def json_lines(self, path: str, read: Callable[[Any], T]) -> AsyncIterator[T]:
        """The result of ``read`` on each line of the JSON lines file at ``path``, as they arrive.

        Raises:
            Failure: the file is missing or cannot be read, or the connection is lost.
        """
        options = {"headers": {"Accept": "application/binary"}, "timeout": self.file_timeout}
        response = await self._response("get", path, None, stream=True, options=options)
        rest = b""
        try:
            # Not aiter_lines: it also splits at characters that JSON allows in a string.
            async for chunk in response.aiter_bytes():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield read(self._json(line))
            if rest.strip():
                yield read(self._json(rest))
            return
        except (*self._errors, *_OTHER_SHAPE) as error:
            failure = self._failure(error)
            failure.maybe_paid = False
        finally:
            await response.aclose()
        raise failure

    async def _response(self, method: str, path: str, timeout: float | None, **request: Any) -> httpx2.Response:
        try:
            async with asyncio.timeout(timeout):
                response: httpx2.Response = await getattr(self._client, method)(
                    path, cast_to=httpx2.Response, **request
                )
                return response
        except (*self._errors, *_OTHER_SHAPE) as error:
            failure = self._failure(error)
        # Outside the handler: otherwise the failure refers to an exception that holds the request's headers.
        raise failure

    def _json(self, raw: bytes) -> Any:
        return json.loads(self._key.redact_answer(raw.decode()))

    def _read_as(self, read: Callable[[Any], T], value: Any, maybe_paid: bool = False) -> T:
        try:
            return read(value)
        except UNREADABLE as error:
            failure = self._failure(error)
            failure.maybe_paid = maybe_paid
        raise failure

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


@contextmanager
def if_there(statuses: Collection[int] = _MISSING) -> Iterator[None]:
    """End the block quietly if the server answers with one of ``statuses``."""
    try:
        yield
    except Failure as failure:
        if failure.status not in statuses:
            raise


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
