"""What handlers receive and return: requests, responses, and the ways in which an exchange fails."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qs

Headers = list[tuple[bytes, bytes]]


@dataclass
class Request:
    """One complete HTTP request."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, scope: Mapping[str, Any], body: bytes) -> Request:
        """The request of an ASGI scope and its body."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        raw = scope["query_string"]
        query = {name: values[-1] for name, values in parse_qs(raw.decode()).items()} if raw else {}
        return cls(scope["method"], scope["path"], query, headers, body)

    @property
    def key(self) -> str:
        """The API key, however it is sent; empty if there is none."""
        key = self.headers.get("x-api-key")
        if key is None:
            key = self.headers.get("authorization", "").removeprefix("Bearer ").strip()
        return key

    @property
    def anthropic(self) -> bool:
        """Whether errors have Anthropic's format rather than OpenAI's."""
        return "anthropic-version" in self.headers or self.path.startswith("/v1/messages")

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; raises :class:`Problem` for anything else."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            raise Problem(400, "We could not parse the JSON body of your request.") from None
        if not isinstance(value, dict):
            raise Problem(400, "The body of the request must be a JSON object.")
        return value


class Response(NamedTuple):
    """One HTTP response."""

    status: int
    body: bytes
    headers: Sequence[tuple[bytes, bytes]] = ()
    content_type: bytes = b"application/json"


def encoded(value: Any) -> bytes:
    """``value`` as JSON; lone surrogates, which UTF-8 cannot encode, become question marks."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def reply(value: Any, headers: Headers | None = None, status: int = 200) -> Response:
    """``value`` as a JSON response."""
    return Response(status, encoded(value), headers or [])


def names(text: str) -> frozenset[str]:
    """The names of parameters in a text, separated by spaces."""
    return frozenset(text.split())


ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
OPENAI_TYPES = {429: "requests", 500: "server_error", 503: "server_error", 529: "server_error"}


@dataclass(eq=False)
class Problem(Exception):
    """An error response.

    Attributes:
        status: HTTP status; 402 becomes OpenAI's 429 ``insufficient_quota``.
        message: for people.
        code: OpenAI's code, such as ``model_not_found``.
        param: OpenAI's name of the parameter at fault.
        kind: the error's type, if it is not the usual one for the status.
        headers: of the response.
        html: send a page instead of the provider's JSON.
    """

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    kind: str | None = None
    headers: Headers = field(default_factory=list)
    html: bool = False

    def body(self, anthropic: bool, request_id: str) -> dict[str, Any]:
        """The error in the provider's format."""
        if anthropic:
            kind = ANTHROPIC_TYPES.get(self.status, "api_error")
            return {"type": "error", "error": {"type": kind, "message": self.message}, "request_id": request_id}
        if self.status == 402:
            error = {"message": self.message, "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}
            return {"error": error}
        kind = self.kind or OPENAI_TYPES.get(self.status, "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def wire_status(self, anthropic: bool) -> int:
        """The HTTP status to send: OpenAI has no 402."""
        return 429 if self.status == 402 and not anthropic else self.status


class Hang(Exception):
    """No answer is ever sent."""


@dataclass(eq=False)
class Cut(Exception):
    """The connection is dropped: at once, or in the middle of ``response``."""

    response: Response | None = None
