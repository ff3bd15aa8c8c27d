"""Areas under the ROC curve with their intervals, and calibration, on data with a known truth."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from stats.classification import ROC_POINTS, area_under_curve, calibration, jackknife_error, roc_points


def test_a_calibration_without_texts_in_a_bin_says_so() -> None:
    rows = calibration(np.array([0.0, 0.05, 1.0]), np.array([False, True, True]))
    assert [row.count for row in rows] == [2, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert rows[0].predicted == pytest.approx(0.025)
    assert rows[0].observed == 0.5
    assert rows[1].predicted is rows[1].observed is None


def test_the_area_and_the_curve_are_those_of_the_library() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.normal(0.5, 1, 400).round(1), rng.normal(0, 1, 400).round(1)
    truth, values = np.repeat([True, False], 400), np.concatenate([first, second])
    area = area_under_curve(first, second, [str(n) for n in range(400)])
    assert area.value == pytest.approx(roc_auc_score(truth, values))
    points = np.array(roc_points(rng.normal(truth, 1, 800), truth))
    assert len(points) <= ROC_POINTS
    assert points[0].tolist() == [0, 0]
    assert points[-1].tolist() == [1, 1]
    assert (np.diff(points, axis=0) >= 0).all()


@pytest.mark.parametrize(("shift", "together", "copies"), [(0.0, 0.0, 1), (1.2, 0.6, 1), (0.5, 0.3, 3)])
def test_the_interval_of_the_area_holds_the_truth_as_often_as_it_says(
    shift: float, together: float, copies: int
) -> None:
    """Normal scores of both authors, correlated within a source; some sources come several times."""
    truth = norm.cdf(shift / np.sqrt(2))
    rng = np.random.default_rng(4)
    groups = [str(n) for n in range(150) for _ in range(copies)]
    held = 0
    for _ in range(500):
        first, second = rng.multivariate_normal([shift, 0], [[1, together], [together, 1]], 150).T
        area = area_under_curve(np.repeat(first, copies), np.repeat(second, copies), groups)
        held += area.low <= truth <= area.high
    # 95 % of 500, within three standard errors.
    assert 461 <= held <= 489


def test_the_larger_standard_error_counts() -> None:
    first, second = np.array([3.0, 4.0, 1.0, 5.0]), np.array([1.0, 2.0, 2.0, 0.0])
    # Areas without each of the four folds.
    parts = [(np.delete(first, fold), np.delete(second, fold)) for fold in range(4)]
    areas = [roc_auc_score([1, 1, 1, 0, 0, 0], np.concatenate(part)) for part in parts]
    error = jackknife_error(parts)
    assert error == pytest.approx(np.sqrt(3 / 4 * np.sum((areas - np.mean(areas)) ** 2)))
    groups = ["a", "b", "c", "d"]
    wide = area_under_curve(first, second, groups, 0.4)
    own = area_under_curve(first, second, groups)
    assert wide.low < own.low < own.value == wide.value < own.high < wide.high
    assert area_under_curve(first, second, groups, 1e-9) == own


@pytest.mark.parametrize(("values", "expected"), [((1.0, 0.0), (1, 0.8315, 1)), ((0.0, 1.0), (0, 0, 0.1685))])
def test_an_area_without_variance_still_has_an_interval(values: tuple[float, float], expected: tuple[float]) -> None:
    first, second = (np.full(20, value) for value in values)
    area = area_under_curve(first, second, [str(n) for n in range(20)])
    assert astuple(area) == pytest.approx(expected, abs=1e-3)
