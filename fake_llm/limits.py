"""Rate limits of a key: requests per second, tokens per minute, requests in flight."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate

from fake_llm.faults import Rate
from fake_llm.http import Headers, Problem

UNLIMITED = 1_000_000_000  # requests and thousands of tokens per minute in the headers if no limit is set


@dataclass
class Bucket:
    """A token bucket that fills continuously."""

    level: float | None = None
    at: float = 0.0

    def take(self, amount: float, per_second: float, size: float, now: float) -> float:
        """Take ``amount`` and return 0, or take nothing and return the seconds until that much is available."""
        level = size if self.level is None else min(size, self.level + (now - self.at) * per_second)
        self.level, self.at = level, now
        amount = min(amount, size)
        if level + 1e-9 < amount:
            return (amount - level) / per_second
        self.level = level - amount
        return 0.0


@dataclass
class Limiter:
    """The limits of one key; ``in_flight`` is kept by the application."""

    requests: Bucket
    tokens: Bucket
    in_flight: int = 0

    def admit(self, rate: Rate, tokens: int, anthropic: bool) -> None:
        """Admit a request; raises :class:`Problem` 429 if a limit is reached."""
        now = time.monotonic()
        if rate.in_flight is not None and self.in_flight >= rate.in_flight:
            self._refuse(rate, "concurrent requests", 1.0, anthropic)
        if rate.per_second is not None:
            size = rate.burst if rate.burst is not None else max(1.0, rate.per_second)
            wait = self.requests.take(1, rate.per_second, size, now)
            if wait:
                self._refuse(rate, "requests", wait, anthropic)
        if rate.tokens_per_minute is not None:
            wait = self.tokens.take(tokens, rate.tokens_per_minute / 60, rate.tokens_per_minute, now)
            if wait:
                self._refuse(rate, "tokens", wait, anthropic)

    def _refuse(self, rate: Rate, what: str, wait: float, anthropic: bool) -> None:
        headers = self.headers(rate, anthropic, wait)
        if rate.retry_after is not None:
            headers.append((b"retry-after", _retry_after(rate.retry_after, math.ceil(wait)).encode()))
        message = f"Rate limit reached for {what}. Please slow down."
        raise Problem(429, message, "rate_limit_exceeded", kind="tokens" if what == "tokens" else None, headers=headers)

    def headers(self, rate: Rate, anthropic: bool, wait: float = 0.0) -> Headers:
        """The rate-limit headers of an answer, as the provider names them."""
        if not rate.headers:
            return []
        limit = UNLIMITED if rate.per_second is None else math.ceil(rate.per_second * 60)
        left = limit if rate.per_second is None else max(0, math.floor(self.requests.level or 0))
        limit_tokens = int(rate.tokens_per_minute or UNLIMITED * 1000)
        left_tokens = limit_tokens if rate.tokens_per_minute is None else max(0, math.floor(self.tokens.level or 0))
        if not anthropic and rate.per_second is None and rate.tokens_per_minute is None:
            return list(_UNLIMITED_OPENAI)
        if anthropic:
            reset = datetime.fromtimestamp(time.time() + wait, UTC).isoformat(timespec="milliseconds")
            return _anthropic_headers(limit, left, limit_tokens, left_tokens, reset.replace("+00:00", "Z"))
        return _openai_headers(
            limit, left, limit_tokens, left_tokens, f"{wait * 1000:.0f}ms" if wait < 1 else f"{wait:.3f}s"
        )


def _retry_after(setting: float | str, seconds: int) -> str:
    """The header's value: seconds or a date."""
    if setting == "date":
        return formatdate(math.ceil(time.time()) + seconds, usegmt=True)
    return str(seconds) if setting == "auto" else f"{setting:g}"


def _openai_headers(limit: int, left: int, limit_tokens: int, left_tokens: int, reset: str) -> Headers:
    values = {
        "limit-requests": limit,
        "remaining-requests": left,
        "reset-requests": reset,
        "limit-tokens": limit_tokens,
        "remaining-tokens": left_tokens,
        "reset-tokens": reset,
    }
    return [(f"x-ratelimit-{name}".encode(), str(value).encode()) for name, value in values.items()]


def _anthropic_headers(limit: int, left: int, limit_tokens: int, left_tokens: int, reset: str) -> Headers:
    values = {
        "requests-limit": limit,
        "requests-remaining": left,
        "requests-reset": reset,
        "tokens-limit": limit_tokens,
        "tokens-remaining": left_tokens,
        "tokens-reset": reset,
    }
    return [(f"anthropic-ratelimit-{name}".encode(), str(value).encode()) for name, value in values.items()]


_UNLIMITED_OPENAI = _openai_headers(UNLIMITED, UNLIMITED, UNLIMITED * 1000, UNLIMITED * 1000, "0ms")
