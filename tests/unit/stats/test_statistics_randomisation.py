"""The paired randomisation test: its draws, its p-value and its interval."""

from __future__ import annotations

import numpy as np

from stats.significance import draw_swaps, randomisation_test


def test_more_swaps_leave_the_earlier_ones_as_they_were() -> None:
    assert np.array_equal(draw_swaps(30, 50, 7)[:11], draw_swaps(30, 10, 7))
    assert not draw_swaps(30, 1, 7)[0].any()


def test_interval_and_p_value_agree() -> None:
    drawn = np.random.default_rng(1)
    for shift in np.linspace(-3, 3, 41):
        result = randomisation_test(np.append(shift, drawn.normal(size=199)))
        assert (result.p_value <= 0.05) == (result.low * result.high > 0)


def test_p_value_by_hand() -> None:
    result = randomisation_test(np.array([2.0, -3.0, 1.0, 2.0, 0.0]))
    assert (result.value, result.p_value) == (2, 3 / 5)
    assert randomisation_test(np.array([np.nan, 1.0])) is None
    assert randomisation_test(np.array([1.0, np.nan])) is None
