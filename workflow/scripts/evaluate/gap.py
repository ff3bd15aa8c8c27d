"""The share of a gap that a remedy closes: (S - B) / (R - B), with an interval and a verdict.

R is the score of the baseline, B that of the condition without the remedy, S that with it, all at one size. The
literature calls this share "gap closed" or "percentage recovered".
"""

import numpy as np

from stats.bootstrap import interval, two_sided_p
from stats.significance import LEVEL, Estimate


def estimate(draws: np.ndarray, same: bool = False) -> Estimate:
    """Estimate a value from ``draws`` of shape (1 + resamples,), the value on the test set first.

    ``same``: it is zero because both sides are the same runs, and there is nothing to test.
    """
    low, high = interval(draws[1:])
    return Estimate(float(draws[0]), low, high, None if same else two_sided_p(draws[1:]))


def share_interval(won: np.ndarray, gap: np.ndarray) -> tuple[float, float]:
    """Interval of won / gap from joint draws of both, for a gap that is :attr:`Estimate.clear` and positive.

    It contains every share r that the draws do not rule out: ``won - r gap`` lies on each side of zero in more than
    2.5 % of the draws. If all draws of the gap are positive, this is the percentile interval of the ratio. Source:
    Fieller, Some problems in interval estimation (JRSS B 16, 1954), with draws instead of normal theory.

    Args:
        won, gap: draws of shape (resamples,); fewer than 2.5 % of those of the gap are zero or negative.
    """
    nonzero = gap != 0
    ratios = won[nonzero] / gap[nonzero]
    order = np.argsort(ratios, kind="stable")
    # Draws that favour a smaller share: passing a ratio adds one, or subtracts one if the gap is negative.
    below = np.sum(gap < 0) + np.cumsum(np.sign(gap[nonzero][order]))
    edge = (1 - LEVEL) / 2 * len(gap)
    low = ratios[order][np.argmax(below >= edge)]
    high = ratios[order][len(below) - 1 - np.argmax((below <= len(gap) - edge)[::-1])]
    return float(low), float(high)


def verdict(gap: Estimate, won: Estimate, share: tuple[float, float] | None) -> str:
    """The verdict on a remedy, one of :data:`evaluate.results.VERDICTS`.

    Args:
        gap: baseline minus the condition without the remedy, positive if the baseline is better.
        won: condition with the remedy minus the condition without.
        share: interval of the share; None without a clear positive gap.
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
