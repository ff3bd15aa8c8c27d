"""Anthropic's messages and token counting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_llm.answers import Ask, Said
from fake_llm.chat import text_of
from fake_llm.exchange import online, served_model
from fake_llm.http import Problem, Request, Response, names, reply
from fake_llm.models import check_model
from fake_llm.state import State

FIELDS = names(
    "model max_tokens messages system metadata output_config service_tier stop_sequences stream thinking tools"
    " tool_choice cache_control container context_management inference_geo mcp_servers"
)
GONE = frozenset({"temperature", "top_p", "top_k"})
THINKING_TOKENS = {"low": 16, "medium": 48, "high": 96, "xhigh": 192, "max": 192}


async def create(state: State, request: Request) -> Response:
    """``POST /v1/messages``."""
    check_version(request)
    return await online(state, request, lambda body, digest: read(state, body, digest), write)


async def count_tokens(state: State, request: Request) -> Response:
    """``POST /v1/messages/count_tokens``."""
    check_version(request)
    ask = read(state, {"max_tokens": 1, **request.json()}, b"")
    return reply({"input_tokens": ask.input_tokens})


def check_version(request: Request) -> None:
    """Raises :class:`Problem` 400 if the version header is missing."""
    if "anthropic-version" not in request.headers:
        raise Problem(400, "anthropic-version: header is required")


def read(state: State, body: Mapping[str, Any], digest: bytes) -> Ask:
    """The request in a body; raises :class:`Problem` 400 for what the API does not support."""
    for name in ("model", "max_tokens", "messages"):
        if body.get(name) in (None, "", []):
            raise Problem(400, f"{name}: Field required")
    gone = body.keys() & GONE
    if gone:
        raise Problem(400, f"{min(gone)}: this parameter is no longer supported")
    unknown = body.keys() - FIELDS
    if unknown:
        raise Problem(400, f"{min(unknown)}: Extra inputs are not permitted")
    if not isinstance(body["max_tokens"], int) or body["max_tokens"] < 1:
        raise Problem(400, "max_tokens: Input should be greater than or equal to 1")
    if body.get("stream"):
        raise Problem(400, "stream: this fake server does not stream")
    for name, kind in (("model", str), ("messages", list), ("thinking", dict), ("output_config", dict)):
        if body.get(name) is not None and not isinstance(body[name], kind):
            raise Problem(400, f"{name}: Input should be a valid {kind.__name__}")
    check_model(state, body["model"], anthropic=True)
    user = ""
    for message in body["messages"]:
        if not isinstance(message, dict) or message.get("role") not in ("user", "assistant"):
            raise Problem(400, "messages: Input tag must be 'user' or 'assistant'")
        if message["role"] == "user":
            user = text_of(message.get("content"))
    thinking = (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    effort = (body.get("output_config") or {}).get("effort") or "high"
    reasoning = THINKING_TOKENS.get(effort, 96) if thinking else 0
    return Ask(body["model"], text_of(body.get("system")), user, body["max_tokens"], None, digest, reasoning)


def write(state: State, ask: Ask, said: Said, body: Mapping[str, Any]) -> dict[str, Any]:
    """The message in Anthropic's format."""
    model, _ = served_model(state, ask.model)
    stop = {"stop": "end_turn", "length": "max_tokens", "refusal": "refusal", "content_filter": "refusal"}[said.finish]
    text = "" if said.finish == "refusal" else said.text
    return {
        "id": f"msg_{ask.digest.hex()}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": text}] if text else [],
        "stop_reason": stop,
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": None, "explanation": said.text} if stop == "refusal" else None,
        "usage": {
            "input_tokens": ask.input_tokens,
            "output_tokens": said.output_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "service_tier": "standard",
        },
    }
