"""Which call goes next: new ones as they are read, those that follow from answers, those that are tried again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from llm.asking.progress import Progress
from llm.calls import Work

OFTEN = 3  # 429s to one call
_ANSWERED_AT_ONCE = 200  # items with answers in the journal that are skipped before anything else gets its turn
_MOST_WAITING = 1_000  # calls that may wait for their next attempt before no new ones are taken


@dataclass(slots=True)
class Job:
    """A call on its way.

    Attributes:
        failures, refusals: failed attempts, and those refused with a 429.
        refused_since: when the first 429 came, by the monotonic clock.
    """

    work: Work
    failures: int = 0
    refusals: int = 0
    refused_since: float = 0.0


class Turns:
    """The jobs of one run that are not under way.

    Args:
        works: the first call of every item, None for an item that needs none; read as there is room.
        progress: counts the items that need none.
        look: called when there may be something to take that was not there before.
    """

    def __init__(self, works: Iterator[Work | None], progress: Progress, look: Callable[[], None]) -> None:
        self._works: Iterator[Work | None] | None = works
        self._progress = progress
        self._look = look
        self._ready: deque[Job] = deque()
        self._later = 0  # jobs that wait for their next attempt
        self._new_goes_first = False

    @property
    def has_new(self) -> bool:
        """Whether there may be items that have not been looked at."""
        return self._works is not None

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to take, now or later."""
        return self._works is None and not self._ready and not self._later

    def take(self, is_down: bool) -> Job | None:
        """The next job: retries and follow-ups first, but every other time a new one where these get nowhere.

        Args:
            is_down: whether the provider seems to be down.

        Raises:
            Exception: whatever reading the items raises.
        """
        may_be_new = self._works is not None and self._later < _MOST_WAITING
        if self._ready:
            stuck = is_down or self._ready[0].refusals >= OFTEN
            self._new_goes_first = may_be_new and stuck and not self._new_goes_first
            if not self._new_goes_first:
                return self._ready.popleft()
        if self._works is None or not may_be_new:
            return None
        try:
            for _ in range(_ANSWERED_AT_ONCE):
                work = next(self._works)
                if work is not None:
                    return Job(work)
                self._progress.found += 1
        except StopIteration:
            self._works = None
        self._look()
        return None

    def add(self, job: Job) -> None:
        """A job that can go now."""
        self._ready.append(job)

    def put_back(self, job: Job) -> None:
        """A job that was taken and goes before all others."""
        self._ready.appendleft(job)

    def add_later(self, job: Job, seconds: float) -> None:
        """A job that can go after ``seconds``; it holds no slot until then."""

        def due() -> None:
            self._later -= 1
            self._ready.append(job)
            self._look()

        self._later += 1
        asyncio.get_running_loop().call_later(seconds, due)
