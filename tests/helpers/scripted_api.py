"""An API on a small server that answers as a test says, byte by byte, and remembers what it was asked.

``fake_server`` starts the whole fake provider; this is for what it does not do: odd statuses, broken HTTP, odd bodies.
"""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar

import pytest

from llm.calls import Failure, Reply
from llm.providers import open_api
from llm.providers.api import Api

KEY = 'sk-"test/0123456789'
T = TypeVar("T")


class Request(NamedTuple):
    """What reached the server."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


Handler = Callable[[Request], bytes | None]


def http(status: int, body: Any, **headers: str) -> bytes:
    """An HTTP answer; a body that is not a string becomes JSON."""
    raw = (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = [f"HTTP/1.1 {status} Some Reason", f"content-length: {len(raw)}"]
    lines += [
        f"{name.replace('_', '-')}: {value}" for name, value in {"content-type": "application/json", **headers}.items()
    ]
    return "\r\n".join([*lines, "", ""]).encode() + raw


class Server:
    """A server on a free port that answers as ``handler`` says and hangs up where it says None."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.requests: list[Request] = []
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().strip().split("\r\n")
                method, path, _ = first.split()
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                request = Request(method, path, headers, body)
                self.requests.append(request)
                answer = self.handler(request)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
                if answer.endswith(b"..."):
                    break
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()


def set_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key, and settings of the SDKs that must not count."""
    monkeypatch.setenv("TEST_KEY", f" {KEY}\n")
    for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/elsewhere")


def settings(provider: str, **more: Any) -> dict[str, Any]:
    return {
        "provider": provider,
        "model": "some-model",
        "api_key_env": "TEST_KEY",
        "timeout": 5,
        "concurrency": 4,
        **more,
    }


def ask(
    provider: str, handler: Handler, question: Callable[[Api], Awaitable[T]], **more: Any
) -> tuple[T, list[Request]]:
    """What ``question`` to an API on a server of ``handler`` gives, and what the server saw."""

    async def run() -> tuple[T, list[Request]]:
        async with Server(handler).running() as server:
            url = server.url + ("/v1" if provider == "openai" else "")
            api = open_api(settings(provider, **{"base_url": url, **more}))
            try:
                return await question(api), server.requests
            finally:
                await api.close()

    return asyncio.run(run())


def send(api: Api) -> Awaitable[Reply]:
    return api.send(api.call("Be brief.", "Übersetze: Haus", 40, 0, 0))


def failure_of(
    provider: str, answer: bytes | None, question: Callable[[Api], Awaitable[Any]] = send, **more: Any
) -> Failure:
    with pytest.raises(Failure) as caught:
        ask(provider, lambda request: answer, question, **more)
    assert KEY not in everything(caught.value)
    return caught.value


def everything(failure: Failure) -> str:
    """Whatever of a failure could reach a log, a journal or a person."""
    chain = "".join(traceback.format_exception(failure))
    return "\n".join((chain, repr(failure), repr(vars(failure)), str(failure.__context__), str(failure.__cause__)))


def completion(text: str | None = "a house", finish: str | None = "stop", **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": more.pop("refusal", None)}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "some-model-2026",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": more.pop("logprobs", None)}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 16}},
        "system_fingerprint": "fp_1",
        "service_tier": "default",
        **more,
    }


def message(text: str = "a house", stop: str = "end_turn") -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "some-model-2026",
        "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": text}],
        "stop_reason": stop,
        "usage": {
            "input_tokens": 4,
            "cache_read_input_tokens": 10,
            "cache_creation_input_tokens": 6,
            "output_tokens": 3,
            "service_tier": "standard",
        },
    }


def openai_error(
    message: str, code: str | None = None, param: str | None = None, kind: str = "invalid_request_error"
) -> Any:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def anthropic_error(kind: str, message: str, **details: str) -> Any:
    return {
        "type": "error",
        "error": {"type": kind, "message": message, "details": details or None},
        "request_id": "req_1",
    }
