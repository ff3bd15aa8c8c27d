"""A figure with its interval."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % interval from ``low`` to ``high``."""

    value: float
    low: float
    high: float

    def __neg__(self) -> Interval:
        return Interval(-self.value, -self.high, -self.low)

    @property
    def sign(self) -> int:
        """1 above zero, -1 below, 0 if the interval contains zero."""
        return 1 if self.low > 0 else -1 if self.high < 0 else 0


NO_DIFFERENCE = Interval(0.0, 0.0, 0.0)  # what differences are compared with
