"""OpenAI's chat completions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from fake_llm.answers import Ask, Said
from fake_llm.exchange import online, served_model
from fake_llm.faults import unit
from fake_llm.http import Problem, Request, Response, names
from fake_llm.models import check_model, reasons
from fake_llm.quality import STRONG, quality_of
from fake_llm.state import State

MAX_TOKENS = 16_384
REASONING_TOKENS = {"none": 0, "minimal": 0, "low": 16, "medium": 48, "high": 96, "xhigh": 192}
OPENAI_FIELDS = names(
    "messages model audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens"
    " max_tokens metadata modalities n parallel_tool_calls prediction presence_penalty prompt_cache_key"
    " prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop store stream"
    " stream_options temperature tool_choice tools top_logprobs top_p user verbosity web_search_options"
)
# Further parameters of local servers (vLLM, Ollama, llama.cpp).
LOCAL_FIELDS = names(
    "top_k min_p repetition_penalty length_penalty chat_template_kwargs guided_json guided_choice ignore_eos"
    " min_tokens skip_special_tokens best_of use_beam_search keep_alive options think cache_prompt repeat_penalty"
)


async def create(state: State, request: Request) -> Response:
    """``POST /v1/chat/completions``."""
    return await online(state, request, lambda body, digest: read(state, body, digest), write)


def read(state: State, body: Mapping[str, Any], digest: bytes) -> Ask:
    """The request in a body; raises :class:`Problem` 400 for what the model does not support."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise Problem(400, "you must provide a model parameter")
    check_model(state, model, anthropic=False)
    _check_fields(body, model)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Problem(400, "Missing required parameter: 'messages'.", "missing_required_parameter", "messages")
    texts: dict[str, str] = {}
    for message in messages:
        if not isinstance(message, dict) or "role" not in message:
            raise Problem(400, "Invalid value for 'messages'.", "invalid_type", "messages")
        texts[message["role"]] = text_of(message.get("content"))
    most = body.get("max_completion_tokens") or body.get("max_tokens") or MAX_TOKENS
    reasoning = REASONING_TOKENS.get(body.get("reasoning_effort") or "medium", 48) if reasons(model) else 0
    system = texts.get("system") or texts.get("developer") or ""
    return Ask(model, system, texts.get("user", ""), most, body.get("seed"), digest, reasoning)


def text_of(content: Any) -> str:
    """A message's text: a string or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if isinstance(part, dict))
    return ""


def _check_fields(body: Mapping[str, Any], model: str) -> None:
    unknown = body.keys() - OPENAI_FIELDS - LOCAL_FIELDS
    if unknown:
        name = min(unknown)
        raise Problem(400, f"Unrecognized request argument supplied: {name}", "unknown_parameter", name)
    if body.get("stream"):
        raise _unsupported("stream", "this fake server does not stream")
    if body.get("n") not in (None, 1):
        raise _unsupported("n", "this fake server writes one answer a request")
    for name in ("max_completion_tokens", "max_tokens", "seed"):
        if body.get(name) is not None and (not isinstance(body[name], int) or isinstance(body[name], bool)):
            raise Problem(400, f"Invalid type for '{name}': expected an integer.", "invalid_type", name)
    for name in ("max_completion_tokens", "max_tokens"):
        if body.get(name) is not None and body[name] < 1:
            raise Problem(400, f"Invalid '{name}': integer below minimum value.", "integer_below_min_value", name)
    temperature = body.get("temperature")
    if temperature is not None and not (isinstance(temperature, (int, float)) and 0 <= temperature <= 2):
        raise Problem(
            400, f"Invalid 'temperature': {temperature!r} is not from 0 to 2.", "invalid_value", "temperature"
        )
    if body.get("top_logprobs") and not body.get("logprobs"):
        raise Problem(400, "'top_logprobs' needs 'logprobs' to be true.", "invalid_value", "top_logprobs")
    if reasons(model):
        _check_reasoning_model(body, model)
    elif body.get("reasoning_effort") is not None and model.startswith(("gpt-3.5", "gpt-4", "ft:gpt-3.5", "ft:gpt-4")):
        raise _unsupported("reasoning_effort", "not a reasoning model")


def _check_reasoning_model(body: Mapping[str, Any], model: str) -> None:
    """Reasoning models take neither a temperature nor ``max_tokens`` nor log-probabilities."""
    if body.get("max_tokens") is not None:
        raise _unsupported("max_tokens", "use 'max_completion_tokens' instead")
    for name in ("temperature", "top_p"):
        if body.get(name) not in (None, 1, 1.0):
            message = f"Unsupported value: '{name}' does not support {body[name]} with {model}. Only the default (1)."
            raise Problem(400, message, "unsupported_value", name)
    if body.get("logprobs"):
        raise _unsupported("logprobs", f"not with {model}")


def _unsupported(name: str, why: str) -> Problem:
    return Problem(400, f"Unsupported parameter: '{name}' is not supported: {why}.", "unsupported_parameter", name)


def write(state: State, ask: Ask, said: Said, body: Mapping[str, Any]) -> dict[str, Any]:
    """The completion in OpenAI's format."""
    model, fingerprint = served_model(state, ask.model)
    refused = said.finish == "refusal"
    message = {
        "role": "assistant",
        "content": None if refused else said.text,
        "refusal": said.text if refused else None,
        "annotations": [],
    }
    choice = {
        "index": 0,
        "message": message,
        "logprobs": _logprobs(ask, said, body) if body.get("logprobs") else None,
        "finish_reason": "stop" if refused else said.finish,
    }
    tier = body.get("service_tier") or "default"
    completion: dict[str, Any] = {
        "id": f"chatcmpl-{ask.digest.hex()}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [choice],
        "service_tier": "default" if tier == "auto" else tier,
        "system_fingerprint": fingerprint,
    }
    if state.faults.local.usage:
        completion["usage"] = {
            "prompt_tokens": ask.input_tokens,
            "completion_tokens": said.output_tokens,
            "total_tokens": ask.input_tokens + said.output_tokens,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": said.reasoning, "audio_tokens": 0},
        }
    return completion


def _logprobs(ask: Ask, said: Said, body: Mapping[str, Any]) -> dict[str, Any]:
    """Log-probabilities of the tokens: lower for weaker models, different for each text and position."""
    sure = 0.15 if quality_of(ask.model) is STRONG else 0.9
    draw = int(unit(ask.digest, "logprobs") * 2**31)
    content = []
    for token in said.tokens:
        draw = (1_103_515_245 * draw + 12_345) % 2**31
        logprob = -sure * draw / 2**31
        entry: dict[str, Any] = {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "replace"))}
        others = [
            {"token": f"{token}{i or ''}", "logprob": logprob - i, "bytes": None}
            for i in range(body.get("top_logprobs") or 0)
        ]
        content.append({**entry, "top_logprobs": others})
    return {"content": content, "refusal": None}
