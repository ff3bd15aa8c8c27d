"""The ASGI application: routes, keys, request ids, dropped connections."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fake_llm import batches, chat, control, files, message_batches, messages, models, tuning
from fake_llm.http import Cut, Hang, Problem, Request, Response, reply
from fake_llm.state import State, shown

Handler = Callable[..., Awaitable[Response]]
TRANSPORT = "fake_llm.transport"
LONGEST_LOGGED = 20_000  # bytes of a body that /_requests shows

ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "/v1/chat/completions"): chat.create,
    ("POST", "/v1/messages"): messages.create,
    ("POST", "/v1/messages/count_tokens"): messages.count_tokens,
    ("GET", "/v1/models"): models.listed,
    ("POST", "/v1/files"): files.upload,
    ("GET", "/v1/files"): files.listed,
    ("POST", "/v1/batches"): batches.create,
    ("GET", "/v1/batches"): batches.listed,
    ("POST", "/v1/fine_tuning/jobs"): tuning.create,
    ("GET", "/v1/fine_tuning/jobs"): tuning.listed,
    ("POST", "/v1/messages/batches"): message_batches.create,
    ("GET", "/v1/messages/batches"): message_batches.listed,
    ("GET", "/_stats"): control.stats,
    ("GET", "/_faults"): control.show_faults,
    ("POST", "/_faults"): control.set_faults,
    ("GET", "/_requests"): control.requests,
    ("POST", "/_reset"): control.reset,
}
# {name} stands for the id of a file, batch or job.
PATTERNS: list[tuple[str, re.Pattern[str], Handler]] = [
    (method, re.compile(path.replace("{name}", r"(?P<name>[\w-]+)")), handler)
    for method, path, handler in (
        ("GET", "/v1/models/(?P<model>.+)", models.retrieve),
        ("DELETE", "/v1/models/(?P<model>.+)", models.delete),
        ("GET", "/v1/files/{name}", files.retrieve),
        ("GET", "/v1/files/{name}/content", files.content),
        ("DELETE", "/v1/files/{name}", files.delete),
        ("GET", "/v1/batches/{name}", batches.retrieve),
        ("POST", "/v1/batches/{name}/cancel", batches.cancel),
        ("GET", "/v1/fine_tuning/jobs/{name}", tuning.retrieve),
        ("POST", "/v1/fine_tuning/jobs/{name}/cancel", tuning.cancel),
        ("POST", "/v1/fine_tuning/jobs/{name}/pause", tuning.pause),
        ("POST", "/v1/fine_tuning/jobs/{name}/resume", tuning.resume),
        ("GET", "/v1/fine_tuning/jobs/{name}/events", tuning.events),
        ("GET", "/v1/fine_tuning/jobs/{name}/checkpoints", tuning.checkpoints),
        ("GET", "/v1/messages/batches/{name}", message_batches.retrieve),
        ("POST", "/v1/messages/batches/{name}/cancel", message_batches.cancel),
        ("GET", "/v1/messages/batches/{name}/results", message_batches.results),
        ("DELETE", "/v1/messages/batches/{name}", message_batches.delete),
    )
]


class App:
    """One server's ASGI application."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """Handle one request."""
        request = Request.of(scope, await _body(receive))
        number = self.state.number()
        request_id = f"req_{number:08x}"
        control = request.path.startswith("/_")
        try:
            response = await (self._route(request) if control else self._counted(request))
        except Problem as problem:
            response = _refusal(problem, request, request_id)
        except Hang:
            self._note(request, "timeout")
            await _disconnected(receive)
            return
        except Cut as cut:
            self._note(request, "dropped")
            await _drop(cut, request_id, scope, receive, send)
            return
        if not control:
            self._note(request, str(response.status))
        await _send(response, request_id, request.anthropic, send)

    async def _counted(self, request: Request) -> Response:
        """Check the key and route the request, counting what is in flight."""
        state = self.state
        state.count(request.key, requests=1)
        state.in_flight += 1
        state.most_in_flight = max(state.most_in_flight, state.in_flight)
        try:
            _check_key(request)
            return await self._route(request)
        finally:
            state.in_flight = max(0, state.in_flight - 1)

    async def _route(self, request: Request) -> Response:
        handler = ROUTES.get((request.method, request.path))
        if handler:
            return await handler(self.state, request)
        for method, pattern, handler in PATTERNS:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                return await handler(self.state, request, **match.groupdict())
        if request.path == "/":
            return reply({"fake_llm": "see fake_llm/README.md", "stats": "/_stats", "faults": "/_faults"})
        raise Problem(404, f"Invalid URL ({request.method} {request.path})", "unknown_url")

    def _note(self, request: Request, status: str) -> None:
        """Count how a request ended, and keep it among the last requests."""
        self.state.count_in(request.key, "statuses", status)
        body = request.body[:LONGEST_LOGGED].decode("utf-8", "replace")
        entry = {"method": request.method, "path": request.path, "key": shown(request.key), "status": status}
        self.state.last.append({**entry, "body": body})


def _check_key(request: Request) -> None:
    """Raises :class:`Problem` for the keys that are invalid by their name; every other key is valid."""
    key = request.key
    if not key:
        raise Problem(401, "You didn't provide an API key.", "missing_api_key")
    if key == "bad-key":
        message = "invalid x-api-key" if request.anthropic else "Incorrect API key provided: bad-key."
        raise Problem(401, message, "invalid_api_key")
    if key == "forbidden-key":
        raise Problem(403, "Your key has no permission for this resource.", "unsupported_country_region_territory")
    if key == "poor-key":
        raise Problem(402, "You exceeded your current quota, please check your plan and billing details.")


def _refusal(problem: Problem, request: Request, request_id: str) -> Response:
    """The problem as a response in the provider's format."""
    if problem.html:
        return Response(problem.status, b"<html><h1>%s</h1></html>" % problem.message.encode(), (), b"text/html")
    body = problem.body(request.anthropic, request_id)
    return reply(body, list(problem.headers), problem.wire_status(request.anthropic))


async def _body(receive: Any) -> bytes:
    """The complete body of the request."""
    event = await receive()
    if not event.get("more_body"):
        return event.get("body", b"")
    parts = [event.get("body", b"")]
    while event.get("more_body"):
        event = await receive()
        parts.append(event.get("body", b""))
    return b"".join(parts)


def _start(response: Response, request_id: str, anthropic: bool) -> dict[str, Any]:
    identity = (b"request-id" if anthropic else b"x-request-id", request_id.encode())
    length = (b"content-length", str(len(response.body)).encode())
    headers = [(b"content-type", response.content_type), length, identity, *response.headers]
    return {"type": "http.response.start", "status": response.status, "headers": headers}


async def _send(response: Response, request_id: str, anthropic: bool, send: Any) -> None:
    await send(_start(response, request_id, anthropic))
    await send({"type": "http.response.body", "body": response.body})


async def _drop(cut: Cut, request_id: str, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
    """Close the connection at once, or after half of the response."""
    if cut.response is None:
        scope[TRANSPORT].abort()
    else:
        await send(_start(cut.response, request_id, False))
        half = cut.response.body[: len(cut.response.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        scope[TRANSPORT].close()
    await _disconnected(receive)


async def _disconnected(receive: Any) -> None:
    """Wait until the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass
