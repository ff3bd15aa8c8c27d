"""A figure with the interval that says how far chance may have moved it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class IntervalEstimate:
    """A figure and the limits of its interval, a 95 % one unless its source says otherwise."""

    value: float
    low: float
    high: float
