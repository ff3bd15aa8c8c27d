"""What a provider's 429s teach about how fast it may be asked, where nobody told."""

from __future__ import annotations

import math
from collections.abc import Sequence


class LearntPace:
    """Requests a second that 429s taught this process; none until the first 429.

    It begins at what the provider has taken so far and doubles in no time until it is refused. A refused pace is a
    ceiling: it is cut, much at first and if it is refused soon after a cut, else a little, and approaches the ceiling
    again, ever more slowly. After some calm it doubles anew. When the account was closed for a while, the pace is what
    was taken lately, that while included, for so much the provider lets through in the long run, and the ceiling lies
    between that and the last one.
    """

    SHORTEST, LONGEST = 0.25, 20.0  # seconds over which it is counted what the provider takes
    FAR, NEAR = 0.7, 0.95  # what a cut leaves
    SOON = 20  # requests after a cut; fewer tell little of what the provider takes
    CEILING = 0.99  # of the refused pace
    APPROACH = 0.01  # of the way to the ceiling with each request
    CALM_REQUESTS, CALM_SECONDS = 400, 60.0  # without a 429; either is calm enough
    DOUBLING_SECONDS = 0.5
    LEAST = 0.1  # requests a second
    FLOOR = 0.25  # of the pace after an opening: 429s that come at any pace do not stop the account

    def __init__(self) -> None:
        self.active = False
        self._rate: float | None = None
        self._ceiling: float | None = None
        self._floor = self.LEAST
        self._cut = 0.0
        self._known_until = 0.0  # turns up to then were given out before the cut
        self._grown = 0.0
        self._before = 0.0  # the pace when the account was closed
        self._reopening = False
        self._since, self._turns, self._taken = 0.0, 0.0, 0.0  # requests since then, and those that were not refused
        self._requests = 0  # since the last cut, what was refused left out
        self._counted = 0  # of these, how many the pace has grown for
        self._next = 0.0

    def turn(self, now: float) -> None:
        """Count a request that may go now."""
        self._since = self._since or now
        self._requests += 1
        self._taken += 1
        self._turns += 1
        if now - self._since > self.LONGEST:
            self._since = now - self.LONGEST / 2
            self._taken /= 2
            self._turns /= 2

    def throttled(self, now: float, turn: float) -> None:
        """Cut the pace, at most once for all requests that had their turns by then."""
        self.active = True
        self._requests -= 1
        self._taken -= 1
        if self._rate is None or turn <= self._known_until:
            return
        far = self._ceiling is None or self._requests < self.SOON
        self._ceiling = self._rate * self.CEILING
        self._set(max(self._floor, self._rate * (self.FAR if far else self.NEAR)), now)

    def closed(self) -> None:
        """The account was closed: the next pace is what was taken lately, the time until it opens included."""
        self._before = self._before if self._rate is None else self._rate
        self._rate = None
        self._reopening = True

    def pace(self, now: float) -> float | None:
        """Requests a second now."""
        if not self.active:
            return None
        if self._rate is None:
            rate = max(0.0, self._taken) / max(self.SHORTEST, now - self._since)
            if self._turns < self.SOON:  # too few to tell much
                rate = max(rate, self._before * self.FAR)
            elif self._reopening:
                self._since, self._taken, self._turns = now, 0.0, 0.0
            self._reopening = False
            self._set(rate, now)
            self._floor = self._rate * self.FLOOR
            if self._ceiling is not None:
                self._ceiling = max(rate / self.NEAR, math.sqrt(self._rate * self._ceiling))
        elif self._ceiling is not None and self._requests < self.CALM_REQUESTS and now - self._cut < self.CALM_SECONDS:
            way = 1 - (1 - self.APPROACH) ** max(0, self._requests - self._counted)
            self._rate += max(0.0, self._ceiling - self._rate) * way
            self._counted = self._requests
        else:
            self._rate *= 2 ** (min(now - self._grown, self.DOUBLING_SECONDS) / self.DOUBLING_SECONDS)
        self._grown = now
        return self._rate

    def slots(self, slots: Sequence[float], now: float) -> list[float]:
        """The turns at ``slots``, later where this pace wants it."""
        pace = self.pace(now)
        if pace is None:
            return list(slots)
        later = []
        for slot in slots:
            self._next = max(self._next, slot, now)
            later.append(self._next)
            self._next += 1 / pace
        return later

    def _set(self, rate: float, now: float) -> None:
        self._rate = max(self.LEAST, rate)
        self._requests = self._counted = 0
        self._cut = self._grown = now
        self._known_until = max(now, self._next)
