"""The area between learning curves, and the exchange rate, on planted curves."""

from __future__ import annotations

import numpy as np
import pytest

from evaluate.curves import equivalent_sizes, mean_over_sizes, pairs_text, rate_text, rising
from stats.bootstrap import interval

SIZES = [100, 200, 400, 1600]


def pairs(score: float, human: list[float]) -> float:
    """The human pairs that one score takes."""
    return equivalent_sizes(np.array([score]), rising(np.array(human)[:, None]), SIZES)[0]


def test_the_area_is_the_mean_over_the_logarithm_of_the_size() -> None:
    constant, growing = np.full(4, -2.0), np.array([0.0, 1.0, 2.0, 4.0])  # one point a doubling
    lone = np.array([0.0, 0.0, 1.0, 0.0])  # a triangle over one and two doublings of four
    areas = mean_over_sizes(np.stack([constant, growing, lone], axis=1), SIZES)
    assert areas == pytest.approx([-2, 2, (0.5 + 1.0) / 4])


def test_a_planted_area_is_held() -> None:
    rng = np.random.default_rng(1)
    truth = np.array([[1.0], [1.5], [2.0], [2.5]])
    missed = 0
    for _ in range(1000):
        draws = truth + rng.normal(size=(4, 1)) + rng.normal(size=(4, 600))
        low, high = np.quantile(mean_over_sizes(draws, SIZES), [0.025, 0.975])
        missed += not low <= 1.875 <= high
    assert 29 <= missed <= 71


@pytest.mark.parametrize(
    ("score", "found"),
    [(9.9, 0), (10, 100), (11, 100 * 2**0.5), (12, 200), (14, 400), (16, 800), (18, 1600), (18.1, np.inf)],
)
def test_a_planted_exchange_rate_is_read_off_the_human_curve(score: float, found: float) -> None:
    assert pairs(score, [10, 12, 14, 18]) == pytest.approx(found)


def test_a_human_curve_that_falls_is_made_to_rise() -> None:
    dented = [10.0, 14.0, 12.0, 18.0]  # nearest without a fall: 10, 13, 13, 18
    assert rising(np.array(dented)[:, None])[:, 0].tolist() == [10, 13, 13, 18]
    assert pairs(13, dented) == pytest.approx(200)
    assert pairs(15.5, dented) == pytest.approx(800)
    assert pairs(11.5, dented) == pytest.approx(100 * 2**0.5)


def test_a_flat_human_curve_gives_all_or_nothing() -> None:
    assert [pairs(score, [10, 10, 10, 10]) for score in (9, 10, 11)] == [0, 100, np.inf]


def test_draws_are_read_one_by_one() -> None:
    human = np.array([[10.0, 0.0], [12.0, 1.0], [14.0, 2.0], [18.0, 3.0]])
    assert equivalent_sizes(np.array([14.0, 1.0]), human, SIZES) == pytest.approx([400, 200])


def test_a_planted_exchange_rate_is_held() -> None:
    """400 simulated studies of a human curve of four points a doubling: near 5 % of the intervals miss."""
    rng = np.random.default_rng(3)
    human, score = 4 * np.log2(SIZES)[:, None], 4 * np.log2(800.0)
    missed = 0
    for _ in range(400):
        curves = human + rng.normal(scale=0.5, size=(4, 1)) + rng.normal(scale=0.5, size=(4, 250))
        scores = score + rng.normal(scale=0.5) + rng.normal(scale=0.5, size=250)
        low, high = interval(equivalent_sizes(scores, rising(curves), SIZES), method="inverted_cdf")
        missed += not low <= 800 <= high
    assert 8 <= missed <= 34


def test_bounds_outside_the_sizes_run_are_marked() -> None:
    found = np.concatenate([np.zeros(30), np.linspace(100, 1600, 940), np.full(30, np.inf)])
    assert interval(found, method="inverted_cdf") == (0, np.inf)
    assert [pairs_text(number, SIZES) for number in (0, 99.6, 100, 565.7, 1600, np.inf)] == [
        *("<100", "<100", "100", "566", "1600", ">1600"),
    ]
    assert [rate_text(number, SIZES, 400) for number in (0, 300, np.inf)] == ["<0.2500", "0.7500", ">4.0000"]
