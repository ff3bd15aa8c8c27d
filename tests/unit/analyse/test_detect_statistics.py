"""Cross-fitting, calibration and the figures of a detector, on data whose truth is known."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from analyse.detectors import Feature
from analyse.detectors.cross_fitting import Texts, cross_fit, deal, platt_scaling
from analyse.detectors.ngrams import detector as ngram_detector
from analyse.detectors.separation import (
    ROC_POINTS,
    area_under_curve,
    brier_score,
    calibration,
    jackknife_error,
    roc_points,
)

NGRAMS = {
    "word_ngrams": [1, 1],
    "character_ngrams": None,
    "min_df": 2,
    "max_features": None,
    "C": 1.0,
    "lowercase": False,
    "fold_typography": False,
}


def test_equal_groups_share_a_fold_and_folds_are_of_one_size() -> None:
    groups = [f"g{n % 50}" for n in range(200)]
    fold = deal(groups, seed=1) % 5
    assert all(len({fold[n] for n in range(200) if groups[n] == name}) == 1 for name in set(groups))
    assert np.bincount(fold).tolist() == [40] * 5
    assert not np.array_equal(fold, deal(groups, seed=2) % 5)
    order = random.Random(1).sample(range(200), 200)
    assert (deal([groups[n] for n in order], seed=1) % 5).tolist() == fold[order].tolist()


class GivenModel:
    """A model whose scores are given, and which only answers for texts of folds that it did not learn from."""

    def __init__(self, scores: np.ndarray, fold: np.ndarray, learnt: np.ndarray) -> None:
        self._scores, self._fold, self._learnt = scores, fold, set(fold[learnt].tolist())

    def scores(self, rows: np.ndarray) -> np.ndarray:
        assert not self._learnt & set(self._fold[rows].tolist())
        return self._scores[rows]

    def features(self, count: int) -> tuple[list[Feature], list[Feature]]:
        return [], []


class GivenDetector:
    """Learns nothing; notes what it was allowed to learn from."""

    def __init__(self, scores: np.ndarray, fold: np.ndarray) -> None:
        self._scores, self._fold = scores, fold
        self.learnt: list[np.ndarray] = []

    def fit(self, rows: np.ndarray, first: np.ndarray) -> GivenModel:
        self.learnt.append(rows)
        return GivenModel(self._scores, self._fold, rows)


def simulated(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """True log-odds of texts, and who wrote them, drawn accordingly."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 2, count)
    return odds, rng.random(count) < expit(odds)


def test_models_learn_from_other_folds_and_from_telling_texts_only() -> None:
    odds, first = simulated(300, 1)
    fold = np.arange(300) % 3
    telling = np.arange(300) % 10 != 0
    detector = GivenDetector(odds, fold)
    cross_fit(detector, Texts(first, fold, telling, np.full(len(fold), True)))
    # Three models without one fold, three without two.
    assert sorted(len(rows) for rows in detector.learnt) == [90, 90, 90, 180, 180, 180]
    assert all(telling[rows].all() for rows in detector.learnt)


def test_who_wrote_the_texts_of_a_fold_has_no_part_in_their_probabilities() -> None:
    rng = random.Random(1)
    words = ["one", "two", "three", "four", "five", "six"]
    lines = [" ".join(rng.choices(words, k=5)) for _ in range(120)]
    first = np.repeat([True, False], 60)
    fold = np.tile(np.arange(60) % 4, 2)
    telling = np.ones(120, dtype=bool)
    before = cross_fit(
        ngram_detector(NGRAMS, lines, np.full(len(lines), True)), Texts(first, fold, telling, np.full(len(fold), True))
    ).probabilities
    flipped = Texts(np.where(fold == 2, ~first, first), fold, telling, np.full(len(fold), True))
    after = cross_fit(ngram_detector(NGRAMS, lines, np.full(len(lines), True)), flipped).probabilities
    assert np.array_equal(before[fold == 2], after[fold == 2])
    assert not np.array_equal(before[fold != 2], after[fold != 2])


def test_a_model_has_only_what_its_own_texts_have() -> None:
    lines = ["red red one", "red two", "blue one", "blue two", "green one", "green two"]
    first, second = (
        ngram_detector(NGRAMS, lines, np.full(len(lines), True))
        .fit(np.arange(4), np.array([True, True, False, False]))
        .features(9)
    )
    assert first[0].text == "words: red"
    assert second[0].text == "words: blue"
    assert "words: green" not in {feature.text for feature in [*first, *second]}


@pytest.mark.parametrize("wrong", [lambda odds: 3 * odds, lambda odds: odds / 10 + 5, lambda odds: odds])
def test_probabilities_agree_with_frequencies(wrong: Callable[[np.ndarray], np.ndarray]) -> None:
    odds, first = simulated(10000, 2)
    fold = np.arange(10000) % 5
    texts = Texts(first, fold, *np.full((2, 10000), True))
    found = cross_fit(GivenDetector(wrong(odds), fold), texts).probabilities
    assert found == pytest.approx(expit(odds), abs=0.03)
    for row in calibration(found, first):
        assert row.predicted is not None and row.observed is not None
        assert row.low <= row.predicted < row.high
        assert row.observed == pytest.approx(row.predicted, abs=0.04)
    assert brier_score(found, first) == pytest.approx(np.mean((found - first) ** 2))


def test_scores_without_a_fault_get_finite_probabilities() -> None:
    first = np.repeat([True, False], 10)
    found = platt_scaling(np.where(first, 1.0, -1.0), first, np.array([-1.0, 0.0, 1.0]))
    assert found == pytest.approx([1 / 12, 0.5, 11 / 12], abs=1e-4)


def test_calibration_never_turns_the_order_round() -> None:
    first = np.repeat([True, False], 50)
    found = platt_scaling(np.where(first, -1.0, 1.0), first, np.array([-2.0, 0.0, 3.0]))
    assert np.all(np.diff(found) > 0)
    assert found == pytest.approx([0.5] * 3, abs=0.01)


def test_equal_scores_tell_nothing() -> None:
    first = np.repeat([True, False], 10)
    assert platt_scaling(np.zeros(20), first, np.zeros(3)) == pytest.approx([0.5] * 3)


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
    # Areas without each of the four: 1 fold more or less of what is told apart.
    parts = [(np.delete(first, fold), np.delete(second, fold)) for fold in range(4)]
    areas = [roc_auc_score([1, 1, 1, 0, 0, 0], np.concatenate(part)) for part in parts]
    error = jackknife_error(parts)
    assert error == pytest.approx(np.sqrt(3 / 4 * np.sum((areas - np.mean(areas)) ** 2)))
    groups = ["a", "b", "c", "d"]
    wide = area_under_curve(first, second, groups, 0.4)
    own = area_under_curve(first, second, groups)
    assert wide.low < own.low < own.value == wide.value < own.high < wide.high
    assert area_under_curve(first, second, groups, 1e-9) == own


class MeansDetector:
    """Learns the difference of the authors' means of vectors of shape (texts, width); costs next to nothing."""

    def __init__(self, vectors: np.ndarray) -> None:
        self._vectors = vectors

    def fit(self, rows: np.ndarray, first: np.ndarray) -> GivenModel:
        learnt = self._vectors[rows]
        difference = learnt[first].mean(axis=0) - learnt[~first].mean(axis=0)
        return GivenModel(self._vectors @ difference, np.arange(len(self._vectors)), rows)


def test_the_interval_covers_chance_in_what_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Authors without a style: 0.5 is in the interval as often as it says; with the models as given it is not."""
    # Probabilities have no part in the area, and fitting their curves takes the time.
    monkeypatch.setattr("analyse.detectors.cross_fitting.platt_scaling", lambda scores, first, new_scores: new_scores)
    rng = np.random.default_rng(6)
    groups = [str(n) for n in range(60)]
    fold = np.tile(deal(groups, seed=1) % 5, 2)
    texts = Texts(np.repeat([True, False], 60), fold, *np.full((2, 120), True))
    held = as_given = 0
    for _ in range(100):
        fitted = cross_fit(MeansDetector(rng.normal(size=(120, 20))), texts)
        error = jackknife_error(np.split(scores[fold != k], 2) for k, scores in fitted.without.items())
        authors = np.split(fitted.scores, 2)
        area, bare = area_under_curve(*authors, groups, error), area_under_curve(*authors, groups)
        held += area.low <= 0.5 <= area.high
        as_given += bare.low <= 0.5 <= bare.high
    assert held >= 93
    assert as_given < 93


@pytest.mark.parametrize(("values", "expected"), [((1.0, 0.0), (1, 0.8315, 1)), ((0.0, 1.0), (0, 0, 0.1685))])
def test_an_area_without_variance_still_has_an_interval(values: tuple[float, float], expected: tuple[float]) -> None:
    first, second = (np.full(20, value) for value in values)
    assert area_under_curve(first, second, [str(n) for n in range(20)]) == pytest.approx(expected, abs=1e-3)
