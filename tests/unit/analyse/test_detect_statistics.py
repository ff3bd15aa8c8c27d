"""Cross-fitting, calibration and the intervals of a detector, on data with a known truth."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import expit

from analyse.detectors import Feature
from analyse.detectors.cross_fitting import LabelledTexts, cross_fit, fold_order, platt_scaling
from analyse.detectors.ngrams import detector as ngram_detector
from stats.classification import area_under_curve, calibration, jackknife_error

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
    fold = fold_order(groups, seed=1) % 5
    assert all(len({fold[n] for n in range(200) if groups[n] == name}) == 1 for name in set(groups))
    assert np.bincount(fold).tolist() == [40] * 5
    assert not np.array_equal(fold, fold_order(groups, seed=2) % 5)
    order = random.Random(1).sample(range(200), 200)
    assert (fold_order([groups[n] for n in order], seed=1) % 5).tolist() == fold[order].tolist()


class GivenModel:
    """A model with given scores, which only scores texts of folds that it did not learn from."""

    def __init__(self, scores: np.ndarray, fold: np.ndarray, learned: np.ndarray) -> None:
        self._scores, self._fold, self._learned = scores, fold, set(fold[learned].tolist())

    def scores(self, rows: np.ndarray) -> np.ndarray:
        assert not self._learned & set(self._fold[rows].tolist())
        return self._scores[rows]

    def features(self, count: int) -> tuple[list[Feature], list[Feature]]:
        return [], []


class GivenDetector:
    """Learns nothing; notes what it was allowed to learn from."""

    def __init__(self, scores: np.ndarray, fold: np.ndarray) -> None:
        self._scores, self._fold = scores, fold
        self.learned: list[np.ndarray] = []

    def fit(self, rows: np.ndarray, first: np.ndarray) -> GivenModel:
        self.learned.append(rows)
        return GivenModel(self._scores, self._fold, rows)


def simulated(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """True log-odds of texts, and who wrote them, drawn accordingly."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 2, count)
    return odds, rng.random(count) < expit(odds)


def test_models_learn_only_from_other_folds_and_from_texts_that_differ() -> None:
    odds, first = simulated(300, 1)
    fold = np.arange(300) % 3
    differ = np.arange(300) % 10 != 0
    detector = GivenDetector(odds, fold)
    cross_fit(detector, LabelledTexts(first, fold, differ, np.full(len(fold), True)))
    # Three models without one fold, three without two.
    assert sorted(len(rows) for rows in detector.learned) == [90, 90, 90, 180, 180, 180]
    assert all(differ[rows].all() for rows in detector.learned)


def test_who_wrote_the_texts_of_a_fold_has_no_part_in_their_probabilities() -> None:
    rng = random.Random(1)
    words = ["one", "two", "three", "four", "five", "six"]
    lines = [" ".join(rng.choices(words, k=5)) for _ in range(120)]
    first = np.repeat([True, False], 60)
    fold = np.tile(np.arange(60) % 4, 2)
    differ = np.ones(120, dtype=bool)
    before = cross_fit(
        ngram_detector(NGRAMS, lines, np.full(len(lines), True)),
        LabelledTexts(first, fold, differ, np.full(len(fold), True)),
    ).probabilities
    flipped = LabelledTexts(np.where(fold == 2, ~first, first), fold, differ, np.full(len(fold), True))
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
    texts = LabelledTexts(first, fold, *np.full((2, 10000), True))
    found = cross_fit(GivenDetector(wrong(odds), fold), texts).probabilities
    assert found == pytest.approx(expit(odds), abs=0.03)
    for row in calibration(found, first):
        assert row.predicted is not None and row.observed is not None
        assert row.low <= row.predicted < row.high
        assert row.observed == pytest.approx(row.predicted, abs=0.04)


def test_scores_without_a_fault_get_finite_probabilities() -> None:
    first = np.repeat([True, False], 10)
    found = platt_scaling(np.where(first, 1.0, -1.0), first, np.array([-1.0, 0.0, 1.0]))
    assert found == pytest.approx([1 / 12, 0.5, 11 / 12], abs=1e-4)


def test_calibration_never_turns_the_order_round() -> None:
    first = np.repeat([True, False], 50)
    found = platt_scaling(np.where(first, -1.0, 1.0), first, np.array([-2.0, 0.0, 3.0]))
    assert np.all(np.diff(found) > 0)
    assert found == pytest.approx([0.5] * 3, abs=0.01)


def test_equal_scores_carry_no_information() -> None:
    first = np.repeat([True, False], 10)
    assert platt_scaling(np.zeros(20), first, np.zeros(3)) == pytest.approx([0.5] * 3)


class MeansDetector:
    """Learns the difference of the authors' means of vectors of shape (texts, width); costs next to nothing."""

    def __init__(self, vectors: np.ndarray) -> None:
        self._vectors = vectors

    def fit(self, rows: np.ndarray, first: np.ndarray) -> GivenModel:
        learned = self._vectors[rows]
        difference = learned[first].mean(axis=0) - learned[~first].mean(axis=0)
        return GivenModel(self._vectors @ difference, np.arange(len(self._vectors)), rows)


def test_the_interval_covers_chance_in_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Authors without a style: 0.5 is in the interval as often as it says; with the models as given it is not."""
    # Probabilities have no part in the area, and fitting their curves takes the time.
    monkeypatch.setattr("analyse.detectors.cross_fitting.platt_scaling", lambda scores, first, new_scores: new_scores)
    rng = np.random.default_rng(6)
    groups = [str(n) for n in range(60)]
    fold = np.tile(fold_order(groups, seed=1) % 5, 2)
    texts = LabelledTexts(np.repeat([True, False], 60), fold, *np.full((2, 120), True))
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
