"""Faults: what goes wrong, how often, and for which requests.

Whether a fault affects a request depends on the digest of its body, so the same request fails in every run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from hashlib import blake2b
from typing import Any

# Before an answer is written: nothing counts as paid.
BEFORE = {
    "http_429": "429 although no limit is reached, with Retry-After: 1",
    "http_429_bare": "429 although no limit is reached, without a header that says when to retry",
    "http_500": "500",
    "http_502": "502, an HTML page of a proxy instead of JSON",
    "http_503": "503",
    "http_529": "529 (Anthropic's overloaded_error)",
    "drop_before": "the connection is reset before an answer",
    "timeout": "no answer ever arrives; the connection stays open",
    "too_long": "400: the prompt exceeds the context window",
    "bad_request": "400: this body cannot be processed",
    "content_policy": "400: the prompt violates the usage policy",
}
# The answer was written and therefore paid, but does not arrive completely.
AFTER = {
    "drop_middle": "the connection is closed in the middle of the answer",
    "truncated_json": "200, the body ends in the middle",
    "invalid_json": "200, an HTML page instead of JSON",
}
# A complete answer with a bad text.
TEXT = {
    "refusal": "the model refuses (OpenAI: message.refusal; Anthropic: stop_reason refusal)",
    "refusal_text": "the model refuses in plain words, as an ordinary answer",
    "content_filter": "finish_reason content_filter, no text (Anthropic: stop_reason refusal)",
    "empty": "no text",
    "lead_in": '"Here is the translation:" before the text',
    "quotes": "the text in quotation marks",
    "markdown": "the text in a Markdown fence",
    "several_lines": "two alternatives and a note, on several lines",
    "echo": "the prompt repeated before the text",
    "copy": "the unchanged source",
    "wrong_language": "a sentence in French",
    "length": "cut in the middle, finish_reason length (Anthropic: max_tokens)",
    "misaligned": "of several sentences in one JSON object, one is missing",
}
SHARES = {**BEFORE, **AFTER, **TEXT}


@dataclass
class Share:
    """Which requests are affected: ``share`` (0 to 1) of the bodies, in their first ``attempts`` tries (None: all)."""

    share: float
    attempts: int | None = None


@dataclass
class Latency:
    """Seconds until an answer.

    Attributes:
        base: for every request.
        jitter: at most this many more.
        tail_share: share of requests that take ``tail_factor`` times as long.
        tail_factor: how much longer they take.
    """

    base: float = 0.0
    jitter: float = 0.0
    tail_share: float = 0.0
    tail_factor: float = 10.0

    def seconds(self, digest: bytes) -> float:
        """The latency of the request with this digest."""
        if not (self.base or self.jitter):
            return 0.0
        seconds = self.base + (self.jitter * unit(digest, "jitter") if self.jitter else 0.0)
        return seconds * (self.tail_factor if self.tail_share and unit(digest, "tail") < self.tail_share else 1.0)


@dataclass
class Rate:
    """Limits of a key.

    Attributes:
        per_second: requests; None: no limit.
        burst: requests at once; None: those of one second.
        tokens_per_minute: of prompt and longest answer; None: no limit.
        in_flight: requests at the same time; None: no limit.
        retry_after: seconds in a 429; "auto": whole seconds until there is room; "date": the same as an HTTP date;
            None: no header.
        headers: whether rate-limit headers are sent.
    """

    per_second: float | None = None
    burst: float | None = None
    tokens_per_minute: float | None = None
    in_flight: int | None = None
    retry_after: float | str | None = "auto"
    headers: bool = True


@dataclass
class Batch:
    """Settings of batches.

    Attributes:
        seconds: until a batch ends.
        validating: seconds until it is validated (OpenAI).
        expired: share of a batch's requests that are not done when it ends as expired.
        failed: share of a batch's requests that end with a server error.
        enqueued_tokens: limit for all batches in progress, above which validation fails (OpenAI).
        lost: how many of the next creations succeed but lose their answer (connection reset).
        lost_files: how many of the next uploads succeed but lose their answer (OpenAI).
        batches: how many of the next batches `expired` and `failed` apply to; None: all.
    """

    seconds: float = 0.0
    validating: float = 0.0
    expired: float = 0.0
    failed: float = 0.0
    enqueued_tokens: int | None = None
    lost: int = 0
    lost_files: int = 0
    batches: int | None = None


@dataclass
class Drift:
    """After ``after`` answers the served model and its fingerprint change."""

    after: int
    suffix: str = "-2026-11-01"


@dataclass
class Tuning:
    """Settings of fine-tuning jobs.

    Attributes:
        seconds: until a job ends.
        fails: how many of the next jobs fail in training.
        closed: 1: no job can be created (403).
        lost: how many of the next creations succeed but lose their answer (connection reset).
        garbled: how many of the next creations succeed but answer with a proxy's page.
        cancelled: how many of the next jobs somebody else cancels after the first epoch.
        modelless: 1: jobs do not report their models as long as this is set.
        metadata: 0: jobs keep no metadata, as at some other servers.
    """

    seconds: float = 1.0
    fails: int = 0
    closed: int = 0
    lost: int = 0
    garbled: int = 0
    cancelled: int = 0
    modelless: int = 0
    metadata: int = 1


@dataclass
class Local:
    """Features that some local servers lack; 0: no ``GET /v1/models/{model}``, no ``usage`` in OpenAI's protocol."""

    models: int = 1
    usage: int = 1


GROUPS: dict[str, tuple[type, str]] = {
    "latency": (Latency, "base"),
    "rate": (Rate, "per_second"),
    "batch": (Batch, "seconds"),
    "drift": (Drift, "after"),
    "tuning": (Tuning, "seconds"),
    "local": (Local, "models"),
}


@dataclass
class Faults:
    """All settings that can change while the server runs."""

    shares: dict[str, Share] = field(default_factory=dict)
    latency: Latency = field(default_factory=Latency)
    rate: Rate = field(default_factory=Rate)
    batch: Batch = field(default_factory=Batch)
    drift: Drift | None = None
    tuning: Tuning = field(default_factory=Tuning)
    local: Local = field(default_factory=Local)
    quota: int | None = None

    def update(self, values: Mapping[str, Any]) -> None:
        """Replace the entries in ``values`` completely; None restores an entry's default.

        Raises:
            ValueError: a name is unknown or a value has the wrong type; then nothing changes.
        """
        parsed = {name: _parsed(name, value) for name, value in values.items()}
        for name, value in parsed.items():
            if name in SHARES:
                self.shares.pop(name, None)
                if value is not None and value.share > 0:
                    self.shares[name] = value
            else:
                setattr(self, name, value)

    def hit(self, names: Iterable[str], digest: bytes, tries: int) -> str | None:
        """The first of ``names`` that affects the request; ``tries``: how often the request was made before."""
        if not self.shares:
            return None
        for name in names:
            share = self.shares.get(name)
            if share and (share.attempts is None or tries < share.attempts) and unit(digest, name) < share.share:
                return name
        return None

    def as_json(self) -> dict[str, Any]:
        """All settings, in the format of :meth:`update`."""
        values = asdict(self)
        return {**values.pop("shares"), **values}


def _parsed(name: str, value: Any) -> Any:
    """The setting ``name`` from JSON; a single number sets the first field."""
    if name in SHARES:
        value = _filled(Share, "share", value, name)
        if value is not None and not 0 <= value.share <= 1:
            raise ValueError(f"{name}: share must be from 0 to 1, not {value.share}")
        return value
    if name == "quota":
        return None if value is None else int(value)
    if name not in GROUPS:
        raise ValueError(f"unknown fault {name!r}; there are {', '.join([*SHARES, *GROUPS, 'quota'])}")
    kind, first = GROUPS[name]
    if value is None:
        return None if kind is Drift else kind()
    return _filled(kind, first, value, name)


def _filled(kind: type, first: str, value: Any, name: str) -> Any:
    """An instance of the dataclass ``kind`` from a number or a mapping."""
    if value is None:
        return None
    values = value if isinstance(value, Mapping) else {first: value}
    allowed = [one.name for one in fields(kind)]
    unknown = [key for key in values if key not in allowed]
    if unknown:
        raise ValueError(f"{name}: unknown field {unknown[0]!r}; there are {', '.join(allowed)}")
    for key, one in values.items():
        if not isinstance(one, (int, float, type(None))) and key not in ("retry_after", "suffix"):
            raise ValueError(f"{name}: {key} must be a number, not {one!r}")
        if key == "retry_after" and isinstance(one, str) and one not in ("auto", "date"):
            raise ValueError(f'{name}: retry_after must be seconds, "auto", "date" or null, not {one!r}')
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{name}: {error}") from None


def unit(digest: bytes, name: str) -> float:
    """A number in [0, 1) that depends only on a request's digest and on ``name``."""
    return int.from_bytes(blake2b(digest, key=name.encode(), digest_size=8).digest(), "big") / 2**64
