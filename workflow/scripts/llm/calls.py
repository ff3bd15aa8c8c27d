"""Requests to an LLM, their answers, and how they fail.

A :class:`Call` is everything that shapes an answer and nothing else. Answers are found again by its key.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from llm.tokens import upper_bound


@dataclass(frozen=True)
class Call:
    """One request as the provider sees it."""

    provider: str  # name of the API module, ``openai`` or ``anthropic``
    base_url: str  # where the API is, without a slash at the end, also if it is the SDK's default
    api_version: str  # ``v1`` or the ``anthropic-version`` header
    body: Mapping[str, Any]  # complete
    sample: int = 0  # 0, 1, … of several answers to the same body

    @cached_property
    def key(self) -> str:
        """SHA-256 of the call in canonical JSON, in hexadecimal."""
        parts = [self.provider, self.base_url, self.api_version, self.body, self.sample]
        return hashlib.sha256(canonical_json(parts).encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """``value`` as JSON without spaces, keys sorted."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


MOST_TOKENS = 10**12
"""Of an answer: a count above it, or none where there must be one, is read as this."""


class Usage(NamedTuple):
    """Tokens of one answer as the provider counts them; ``cached`` is a part of ``input``."""

    input: int
    output: int
    cached: int = 0

    def bounded(self, body: Mapping[str, Any]) -> "Usage":
        """No more tokens than a request with this body can have taken; the journal keeps the provider's figures."""
        read, written = most_tokens(body)
        return Usage(min(self.input, read), min(self.output, written), min(self.cached, self.input, read))


def most_tokens(body: Mapping[str, Any]) -> tuple[int, int]:
    """The most tokens of prompt and answer that a request can take, by its messages, other objects and limit."""
    texts = [body.get("system") or "", *(message["content"] for message in body.get("messages", ()))]
    others = {name: value for name, value in body.items() if name != "messages" and isinstance(value, dict | list)}
    read = upper_bound("".join(map(str, texts))) + (upper_bound(canonical_json(others)) if others else 0)
    limits = [body[name] for name in ("max_tokens", "max_completion_tokens") if isinstance(body.get(name), int)]
    return read, max(limits, default=MOST_TOKENS)


class Finish(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    LENGTH = "length"
    REFUSAL = "refusal"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True)
class Answer:
    """A provider's answer; None where the provider sends nothing."""

    text: str  # what the model wrote; empty if it refused without a word
    finish: Finish
    logprob: float | None  # mean natural log-probability of its tokens, None if not requested
    model: str  # as served
    fingerprint: str | None  # of the serving system
    request_id: str | None  # the provider's name for the request, from the body
    service_tier: str | None  # as served
    usage: Usage


class FailureKind(StrEnum):
    """What to do about a failed attempt."""

    FATAL = "fatal"  # no request will succeed: bad key, no credit, no such model, an unsupported parameter
    REJECTED = "rejected"  # this request will never succeed: too long, or malformed for this source only
    FILTERED = "filtered"  # the provider refuses this prompt because of its content policy
    THROTTLED = "throttled"  # 429: asked too fast
    OVERLOADED = "overloaded"  # 503, 529: the provider is busy
    TRANSIENT = "transient"  # other 5xx, no connection, timeout, an answer that cannot be read


@dataclass(eq=False, repr=False)
class Failure(Exception):
    """An attempt without an answer."""

    kind: FailureKind
    message: str  # one line for people, without any key
    _: KW_ONLY
    status: int | None = None  # of HTTP, None if there was no answer
    retry_after: float | None = None  # seconds that the provider asks to wait, None if it does not say
    maybe_paid: bool = False  # whether an answer that did not arrive completely may have been written and charged
    headers: dict[str, str] = field(default_factory=dict)  # the relevant ones
    raw: str = ""  # the answer's body as far as it arrived

    def __post_init__(self) -> None:
        super().__init__(self.message)


class Reply(NamedTuple):
    """A successful HTTP answer: its unchanged body and relevant headers (request id, rate limits, …)."""

    raw: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Work:
    """A call that has to be asked, for an executor."""

    call: Call
    worst_usd: float  # the most that the answer can cost
    tokens: int  # of prompt and expected answer, for limits of tokens per minute
    item: Any  # whose text it is; executors return it unread
