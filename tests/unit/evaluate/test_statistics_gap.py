"""The share of a gap closed: its interval and its verdict."""

from __future__ import annotations

import numpy as np
import pytest

from evaluate.gap import estimate, share_interval, verdict
from evaluate.results import VERDICTS
from stats.significance import Estimate


def test_an_estimate_is_clear_where_interval_and_p_value_leave_out_zero() -> None:
    draws = np.concatenate([[2.0], np.linspace(0.1, 4, 999)])
    found = estimate(draws)
    assert (found.value, found.clear) == (2.0, True)
    assert found.p_value == pytest.approx(0.002)
    assert not estimate(draws - 2).clear
    same = estimate(np.zeros(1000), same=True)
    assert (same.value, same.low, same.high, same.p_value, same.clear) == (0, 0, 0, None, False)


def test_the_interval_of_a_share_is_the_percentile_interval_where_the_gap_is_far_from_zero() -> None:
    rng = np.random.default_rng(1)
    gap, won = rng.normal(10, 1, size=2000), rng.normal(4, 1, size=2000)
    assert share_interval(won, gap) == pytest.approx(np.quantile(won / gap, [0.025, 0.975]), rel=0.01)


def test_draws_without_a_gap_widen_the_interval_instead_of_turning_it_round() -> None:
    gap, won = np.full(1000, 1.0), np.linspace(0.2, 0.8, 1000)
    narrow = share_interval(won, gap)
    gap[:20] = -0.01  # won / gap is about -20 there, though more is won than there was to win
    low, high = share_interval(won, gap)
    assert narrow[0] <= low < narrow[0] + 0.02
    assert high > narrow[1]


@pytest.mark.parametrize(("gap", "true"), [(8.0, 0.5), (8.0, 0.0), (8.0, -0.5), (8.0, 1.3), (4.0, 0.5)])
def test_a_planted_share_is_held(gap: float, true: float) -> None:
    """1,000 simulated studies whose scores R, B and S each err by 1: near 5 % of the intervals miss."""
    rng = np.random.default_rng(2)
    truth = np.array([gap, 0, true * gap])
    missed = told = 0
    for _ in range(1000):
        r, b, s = (truth + rng.normal(size=3))[:, None] + rng.normal(size=(3, 600))
        if estimate(np.append(0, r - b)).clear:
            told += 1
            low, high = share_interval(s - b, r - b)
            missed += not low <= true <= high
    assert told > 750
    assert 0.03 < missed / told < 0.072


def figure(low: float, high: float) -> Estimate:
    return Estimate((low + high) / 2, low, high, 0.5 if low <= 0 <= high else 0.01)


@pytest.mark.parametrize(
    ("gap", "share", "expected"),
    [
        ((-1, 1), None, "undefined"),
        ((-3, -1), None, "no cost"),
        ((1, 3), (-0.9, -0.1), "worse"),
        ((1, 3), (-0.2, 0.4), "none"),
        ((1, 3), (0.1, 0.9), "part"),
        ((1, 3), (0.6, 1.2), "closed"),
        ((1, 3), (1.1, 1.9), "more"),
        ((1, 3), (-0.2, 1.2), "open"),
    ],
)
def test_the_verdict(gap: tuple[float, float], share: tuple[float, float] | None, expected: str) -> None:
    assert verdict(figure(*gap), figure(-1, 1), share) == expected
    assert expected in VERDICTS


def test_the_same_runs_win_nothing() -> None:
    assert verdict(figure(1, 3), Estimate(0, 0, 0, None), (0, 0)) == "same"
