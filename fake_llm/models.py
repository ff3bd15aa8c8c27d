"""Models: every name is valid, except names that begin with ``no-such`` and unknown ``ft:`` names."""

from __future__ import annotations

import re

from fake_llm.http import Problem, Request, Response, reply
from fake_llm.state import State

CREATED = 1_760_000_000  # of all models, seconds since 1970
LISTED = ["fake-strong", "fake-medium", "fake-weak", "gpt-4o-mini", "gpt-5-mini", "claude-haiku-4-5", "claude-opus-4-8"]
SHUTDOWNS = {"gpt-3.5-turbo": "2026-10-23", "gpt-4o": "2027-01-14", "gpt-4.1": "2027-01-14", "fake-old": "2026-01-01"}
_REASONING = re.compile(r"^(?:ft:)?(?:o\d|gpt-5|fake-reasoning)")


def reasons(model: str) -> bool:
    """Whether it is one of OpenAI's reasoning models, which support no temperature."""
    return bool(_REASONING.match(model))


def check_model(state: State, model: str, anthropic: bool) -> None:
    """Raises :class:`Problem` 404 if there is no such model."""
    if not model.startswith(("no-such", "ft:")) or model in state.tuned:
        return
    if anthropic:
        raise Problem(404, f"model: {model}")
    message = f"The model `{model}` does not exist or you do not have access to it."
    raise Problem(404, message, "model_not_found")


async def retrieve(state: State, request: Request, model: str) -> Response:
    """``GET /v1/models/{model}``."""
    if not state.faults.local.models:
        raise Problem(404, f"Invalid URL (GET {request.path})", "unknown_url")
    check_model(state, model, request.anthropic)
    return reply(_anthropic(model) if request.anthropic else _openai(model))


async def delete(state: State, request: Request, model: str) -> Response:
    """``DELETE /v1/models/{model}``: fine-tuned ones only."""
    check_model(state, model, request.anthropic)
    if model not in state.tuned:
        raise Problem(403, f"You are not allowed to delete the model {model}.", "insufficient_permissions")
    del state.tuned[model]
    return reply({"id": model, "object": "model", "deleted": True})


async def listed(state: State, request: Request) -> Response:
    """``GET /v1/models``."""
    names = [*LISTED, *state.tuned]
    if request.anthropic:
        models = [_anthropic(name) for name in names]
        return reply({"data": models, "has_more": False, "first_id": names[0], "last_id": names[-1]})
    return reply({"object": "list", "data": [_openai(name) for name in names]})


def _shutdown(model: str) -> str | None:
    base = model.split(":")[1] if model.startswith("ft:") else model
    found = [name for name in SHUTDOWNS if base == name or base.startswith(name + "-")]
    return SHUTDOWNS[max(found, key=len)] if found else None


def _openai(model: str) -> dict[str, object]:
    return {
        "id": model,
        "object": "model",
        "created": CREATED,
        "owned_by": "org-fake" if model.startswith("ft:") else "fake",
        "shutdown_date": _shutdown(model),
    }


def _anthropic(model: str) -> dict[str, object]:
    shutdown = _shutdown(model)
    return {
        "id": model,
        "type": "model",
        "display_name": model,
        "created_at": "2025-10-09T00:00:00Z",
        "deprecated_at": "2025-12-01T00:00:00Z" if shutdown else None,
        "retires_at": f"{shutdown}T00:00:00Z" if shutdown else None,
        "lifecycle": "deprecated" if shutdown else "active",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
    }
