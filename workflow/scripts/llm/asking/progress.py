"""One line from time to time about a run that asks an LLM: how far it is, how fast, what it costs, how long still."""

import time
from collections import deque
from collections.abc import Callable

from llm.prices import dollars
from workbench.cli import say

EVERY_SECONDS = 10.0
_WINDOW = 7  # lines back over which the rate is taken


class Progress:
    """Counts of one run and the line that shows them.

    ``spent`` gives the USD spent by now, with what is in flight at its worst case; ``limit`` is what may be spent.
    """

    def __init__(self, total: int, spent: Callable[[], float], limit: float | None = None) -> None:
        self.total = total  # items to do, those that need no request included
        self.found = 0  # items done without a request of this run
        self.asked = 0  # items done with requests of this run
        self.throttled = 0  # 429s
        self.failed = 0  # other failed attempts
        self._spent = spent
        self._limit = limit
        self._started = 0.0
        self._marks: deque[tuple[float, int]] = deque(maxlen=_WINDOW)

    @property
    def done(self) -> int:
        """Items done."""
        return self.found + self.asked

    def start(self) -> None:
        """Start the clock."""
        self._started = time.monotonic()
        self._marks.append((self._started, self.asked))

    def line(self) -> str:
        """``1,200 of 10,000, 38.0/s, 3 x 429, $0.42 of $5.00, about 4 min left``."""
        now = time.monotonic()
        since, asked = self._marks[0]
        rate = (self.asked - asked) / (now - since) if now > since else 0.0
        self._marks.append((now, self.asked))
        left = self.total - self.done
        parts = [f"{self.done:,} of {self.total:,}", f"{rate:.1f}/s", *self._counts(), self._money()]
        if left > 0:
            parts.append(f"about {_duration(left / rate)} left" if rate > 0 else "no answer lately")
        return ", ".join(parts)

    def end(self) -> None:
        """Say what was done, with the mean rate."""
        rate = self.asked / max(time.monotonic() - self._started, 1e-3)
        parts = [f"{self.done:,} of {self.total:,} done", f"{self.asked:,} asked at {rate:.1f}/s"]
        say(", ".join([*parts, *self._counts(), self._money()]))

    def _counts(self) -> list[str]:
        throttled = [f"{self.throttled:,} x 429"] if self.throttled else []
        return throttled + ([f"{self.failed:,} other failures"] if self.failed else [])

    def _money(self) -> str:
        spent = dollars(self._spent())
        return spent if self._limit is None else f"{spent} of {dollars(self._limit)}"


def _duration(seconds: float) -> str:
    """A rough time for people."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
