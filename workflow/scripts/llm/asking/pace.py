"""How fast an account may be asked: requests and tokens a minute, and how much at once.

Three small controllers:

* :class:`Account` - when the next request may go, by the limits that are configured or that the provider announces.
* :class:`Concurrency` - how many requests may be in flight: less when the provider wants less, more as it recovers.
* :class:`Breaker` - one request at a time after many failures in a row, and an end when that goes on for too long.
"""

import asyncio
import math
import random
import sqlite3
import time
from collections.abc import Mapping, Sequence
from functools import partial

from llm.journal import Journal

BURST_SECONDS = 0.2  # what may go at once after a pause: this long at the limit's rate
LEASE_SECONDS = 0.25  # turns are reserved for no longer: what a process has reserved is lost when it ends
LOOK_SECONDS = 0.02  # how often more are reserved, many in one transaction
REFRESH_SECONDS = 0.5  # how often a process looks whether another one was told to wait
MOST_TOLD_SECONDS = 600.0  # for which it believes that: the clock may have been set back since
REFUSALS_THAT_CLOSE = 3  # 429s without an answer between them, after which the whole account waits
UNLIMITED = {"requests": 10_000.0, "tokens": 10_000_000.0}  # a second; no pacing is needed from here on
# An account is never ahead of the clock by more (or by so many of the slowest requests, where these take longer): a
# clock that was set back must not stop it.
MOST_DEBT_SECONDS, MOST_DEBTS = 60.0, 100


def backoff(failures: int, base: float = 0.5, most: float = 60.0) -> float:
    """Seconds to wait after the ``failures``-th failure: drawn from 0 to a bound that doubles ("full jitter")."""
    return random.uniform(0.0, min(most, base * 2.0 ** min(failures, 30)))


class Account:
    """The pace of one account: whoever holds a turn may send one request now.

    Limits are kept with the generic cell rate algorithm on the account's row of the journal, in seconds since 1970, so
    that all processes on that journal keep them together; what a process waits for, it waits for by the monotonic
    clock. A limit that is not configured is what the provider announces with its answers, if it does. Several 429s
    without an answer between them close the account for all processes until the provider's Retry-After. Generators with
    the same key at the same provider share an account; its tokens are those of prompts and answers.
    """

    def __init__(
        self,
        journal: Journal,
        name: str,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
    ) -> None:
        self._journal = journal
        self._name = name
        configured = {"requests": requests_per_minute, "tokens": tokens_per_minute}
        self._limits = {unit: limit / 60 if limit else None for unit, limit in configured.items()}  # a second
        self._announced = [unit for unit, limit in self._limits.items() if limit is None]
        self._line = asyncio.Lock()
        self._ahead = 0.0  # seconds that the turns take which are reserved and have not come
        self._sharing: set[asyncio.Task[None]] = set()
        self._closed_until = -math.inf
        self._told_until = 0.0  # the latest time to which the row says that the account is closed
        self._refusals = 0
        self._looked = -math.inf
        self._unused_tokens = 0

    async def turn(self, tokens: int) -> None:
        """Wait until one request of about ``tokens`` tokens may be sent."""
        self._look()
        while self.closed_for or any(self._limits.values()):
            async with self._line:
                while self.closed_for or self._ahead >= LEASE_SECONDS:
                    await asyncio.sleep(self.closed_for or LOOK_SECONDS)
                limits = tuple(self._limits.values())
                costs = zip((1, tokens), limits, strict=True)
                seconds = max((cost / limit for cost, limit in costs if limit is not None), default=0.0)
                self._ahead += seconds
            try:
                unused, self._unused_tokens = self._unused_tokens, 0
                reserve = partial(_reserve, name=self._name, limits=limits, tokens=tokens, unused=unused)
                await asyncio.sleep(await self._journal.write(reserve) - time.monotonic())
            finally:
                self._ahead -= seconds
            self._look()
            if not self.closed_for:
                return

    def served(self, tokens: int, used: int, headers: Mapping[str, str]) -> None:
        """Note an answer: for how many ``tokens`` its turn was, how many it ``used``, and which limits it announces."""
        self._refusals = 0
        self._unused_tokens += tokens - used
        self._limits.update({unit: _announced_limit(headers, unit) for unit in self._announced})

    def throttled(self, retry_after: float | None) -> None:
        """Note a 429 and how many seconds it asks to wait."""
        self._refusals += 1
        if self._refusals < REFUSALS_THAT_CLOSE:
            return
        doublings = self._refusals // REFUSALS_THAT_CLOSE - 1
        wait = backoff(min(doublings, 6), base=1.0) if retry_after is None else retry_after
        if wait > self.closed_for + LEASE_SECONDS:
            until = time.time() + wait
            self._told_until = max(self._told_until, until)
            share = asyncio.create_task(self._journal.write(partial(_close, name=self._name, until=until)))
            self._sharing.add(share)
            share.add_done_callback(self._sharing.discard)
        self._closed_until = max(self._closed_until, time.monotonic() + wait)

    @property
    def closed_for(self) -> float:
        """Seconds for which nothing is sent because the provider asked so."""
        return max(0.0, self._closed_until - time.monotonic())

    async def close(self) -> None:
        """End what goes on in the background."""
        await asyncio.gather(*self._sharing, return_exceptions=True)

    def _look(self) -> None:
        """Look from time to time whether another process was told to wait."""
        now = time.monotonic()
        if now - self._looked >= REFRESH_SECONDS:
            self._looked = now
            for (until,) in self._journal.read("SELECT blocked_until FROM accounts WHERE name = ?", (self._name,)):
                if until is not None and until > self._told_until:
                    self._told_until = until
                    self._closed_until = max(self._closed_until, now + min(until - time.time(), MOST_TOLD_SECONDS))


def _announced_limit(headers: Mapping[str, str], unit: str) -> float | None:
    """The limit of ``requests`` or ``tokens`` a second that an answer tells; None where it tells none that matters."""
    told = headers.get(f"x-ratelimit-limit-{unit}") or headers.get(f"anthropic-ratelimit-{unit}-limit") or ""
    per_second = int(told) / 60 if told.isdecimal() else 0.0
    return per_second if 0 < per_second < UNLIMITED[unit] else None


def _reserve(db: sqlite3.Connection, name: str, limits: Sequence[float | None], tokens: int, unused: int) -> float:
    """Reserve a turn on the account's row; by the monotonic clock, a time gone by means now.

    ``limits`` are those of requests and tokens a second. ``unused`` are tokens that earlier turns reserved and did not
    use, negative if they used more.
    """
    now, monotonic = time.time(), time.monotonic()
    row = db.execute("SELECT requests_at, tokens_at FROM accounts WHERE name = ?", (name,)).fetchone()
    slot, times = now, []
    for at, limit, cost, given_back in zip(row or (None, None), limits, (1, tokens), (0, unused), strict=True):
        if limit is not None:
            latest = now + max(MOST_DEBT_SECONDS, MOST_DEBTS * cost / limit)
            at = min(max(min(at or 0.0, latest) - given_back / limit, now - BURST_SECONDS), latest)
            slot = max(slot, at)
            at += cost / limit
        times.append(at)
    db.execute(
        "INSERT INTO accounts (name, requests_at, tokens_at) VALUES (?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET requests_at = excluded.requests_at, tokens_at = excluded.tokens_at",
        (name, *times),
    )
    return monotonic + slot - now


def _close(db: sqlite3.Connection, name: str, until: float) -> None:
    db.execute(
        "INSERT INTO accounts (name, blocked_until) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET blocked_until = max(coalesce(blocked_until, 0), excluded.blocked_until)",
        (name, until),
    )


class Concurrency:
    """How many requests may be in flight: cut at a 429, 503 or 529, one more with every window that is served.

    It starts with ``most`` and never exceeds it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(most)
        self._cut = -math.inf

    @property
    def limit(self) -> int:
        return int(self._limit)

    def served(self) -> None:
        if self._limit < self._most:
            self._limit = min(self._most, self._limit + 1 / self._limit)

    def overloaded(self, sent: float) -> None:
        """Cut, at most once for all requests that were under way together; ``sent`` is monotonic."""
        if sent > self._cut:
            self._cut = time.monotonic()
            self._limit = max(1.0, 0.6 * self._limit)


class Breaker:
    """Whether the provider seems to be down: then one request at a time tries it, ever less often.

    ``threshold`` failures in a row, without an answer between them, open it.
    """

    def __init__(self, threshold: int) -> None:
        self._threshold = threshold
        self._failures = 0
        self._failing_since: float | None = None
        self._probe_at = 0.0
        self._probes = 0

    @property
    def is_open(self) -> bool:
        return self._failures >= self._threshold

    @property
    def wait(self) -> float:
        """Seconds until the next request may try, while it is open."""
        return max(0.0, self._probe_at - time.monotonic())

    @property
    def failing_for(self) -> float:
        """Seconds since the first failure after the last answer; 0 when the last attempt had an answer."""
        return 0.0 if self._failing_since is None else time.monotonic() - self._failing_since

    def served(self) -> None:
        self._failures = self._probes = 0
        self._failing_since = None

    def refused(self) -> None:
        """Note a 429: the provider is up, but there is no answer."""
        if self._failing_since is None:
            self._failing_since = time.monotonic()

    def failed(self, retry_after: float | None) -> None:
        """Note a failure that may be the provider's, and how many seconds it asks to wait."""
        self.refused()
        self._failures += 1
        now = time.monotonic()
        # What was under way together fails together: of these the first counts, and then the probes.
        if self.is_open and now >= self._probe_at:
            self._probes += 1
            self._probe_at = now + backoff(self._probes - 1, base=1.0, most=30.0)
        if self.is_open:
            self._probe_at = max(self._probe_at, now + (retry_after or 0.0))
