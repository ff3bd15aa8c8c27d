"""Holm's correction for many tests."""

from __future__ import annotations

import numpy as np
import pytest

from stats.holm import holm, holm_where_tested


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([], []),
        ([0.03], [0.03]),
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # p.adjust(..., "holm") of R
        ([0.5, 0.5, 0.02], [1, 1, 0.06]),
        ([0.01, 0.02, 0.02], [0.03, 0.04, 0.04]),
        ([0, 1], [0, 1]),
    ],
)
def test_adjusted_p_values(p_values: list[float], adjusted: list[float]) -> None:
    assert holm(p_values) == pytest.approx(adjusted)


def test_missing_p_values_are_not_in_the_family() -> None:
    assert holm_where_tested([None, 0.03, None, 0.02]) == [None, pytest.approx(0.04), None, pytest.approx(0.04)]
    assert holm_where_tested([None]) == [None]


def test_order_and_ranks_are_kept() -> None:
    p_values = list(np.random.default_rng(1).uniform(size=50) ** 3)
    adjusted = holm(p_values)
    assert all(p <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))
    assert sorted(adjusted) == [adjusted[place] for place in np.argsort(p_values)]


def test_false_findings_in_families_without_effects_are_rare() -> None:
    families = np.random.default_rng(2).uniform(size=(1000, 10))
    found = sum(min(holm(list(family))) < 0.05 for family in families)
    assert 0.03 < found / 1000 < 0.07


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_what_is_not_a_p_value_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="not p-values"):
        holm([0.5, wrong])
