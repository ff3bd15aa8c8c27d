"""How much of a gap is closed: (S - B) / (R - B), with an interval, and what may be said of it.

R is the score of the baseline, B that of the condition without the remedy, S that with it, all at one size. The share
is ours by that name; in machine translation and elsewhere it is known as "gap closed" or "percentage recovered".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stats.bootstrap import interval, two_sided_p


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval and the p-value of "it is zero"; None where it is zero by construction."""

    value: float
    low: float
    high: float
    p_value: float | None

    @property
    def clear(self) -> bool:
        """Whether it is told apart from zero, by interval and p-value alike."""
        return self.p_value is not None and self.p_value < 0.05 and not self.low <= 0 <= self.high


def estimate(draws: np.ndarray, same: bool = False) -> Estimate:
    """A figure from its value on the test set and its draws, shape (1 + resamples,).

    ``same`` says that it is zero because both sides are the same runs, which leaves nothing to test.
    """
    low, high = interval(draws[1:])
    return Estimate(float(draws[0]), low, high, None if same else two_sided_p(draws[1:]))


def share_interval(won: np.ndarray, gap: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Interval of won / gap from joint draws of both, for a gap that is :attr:`Estimate.clear` and positive.

    It holds every share r that the draws do not rule out: those where ``won - r gap`` is on either side of zero in
    more than a fortieth of the draws. Where all draws of the gap are positive this is the percentile interval of the
    ratio. Source: Fieller, Some problems in interval estimation (JRSS B 16, 1954), with draws for the normal theory.

    Args:
        won, gap: draws of shape (resamples,); less than a fortieth of those of the gap are zero or negative.
    """
    there = gap != 0
    ratios = won[there] / gap[there]
    order = np.argsort(ratios, kind="stable")
    # Draws on the side of a smaller share: passing a ratio adds one, or takes one where the gap is negative.
    below = np.sum(gap < 0) + np.cumsum(np.sign(gap[there][order]))
    edge = (1 - level) / 2 * len(gap)
    low = ratios[order][np.argmax(below >= edge)]
    high = ratios[order][len(below) - 1 - np.argmax((below <= len(gap) - edge)[::-1])]
    return float(low), float(high)


def verdict(gap: Estimate, won: Estimate, share: tuple[float, float] | None) -> str:
    """What may be said of a remedy, one of :data:`evaluate.relations.VERDICTS`.

    Args:
        gap: baseline minus the unremedied condition, positive where the baseline is better.
        won: remedied minus unremedied condition.
        share: interval of the share; None where there is no clear positive gap.
    """
    if won.p_value is None:
        return "same"
    if share is None:
        return "no cost" if gap.clear and gap.high < 0 else "undefined"
    low, high = share
    if high < 0:
        return "worse"
    if low > 1:
        return "more"
    if low > 0:
        return "closed" if high >= 1 else "part"
    return "open" if high >= 1 else "none"
