"""The seeds' level of the hierarchical bootstrap, and what intervals and tests do on simulated runs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from stats.bootstrap import draw_counts, interval, mean_over_seeds, resampled_totals, seed_weights, two_sided_p

SEGMENTS, RESAMPLES = 150, 500
COUNTS = np.vstack([np.ones((1, SEGMENTS), dtype=np.uint16), draw_counts(SEGMENTS, RESAMPLES, seed=1)])


def runs(rng: np.random.Generator, seeds: int, training: float, skewed: bool = False) -> np.ndarray:
    """Scores of the runs of a condition whose true score is 10: shape (seeds, 1 + resamples).

    Segments vary, segments vary within a run, and whole runs vary (``training``).
    """
    segments = rng.normal(size=(SEGMENTS, 1)) + rng.normal(scale=2, size=(SEGMENTS, seeds))
    if skewed:
        segments = rng.exponential(1, size=(SEGMENTS, 1)) + rng.exponential(2, size=(SEGMENTS, seeds)) - 3
    values = 10 + segments + rng.normal(scale=training, size=seeds)
    return resampled_totals(COUNTS, values).T / SEGMENTS


def weights(seeds: int) -> np.ndarray:
    return seed_weights(range(1, seeds + 1), RESAMPLES, seed=1)


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_weights_give_students_t(seeds: int) -> None:
    scores = np.random.default_rng(seeds).normal(20, 3, size=seeds)
    moved = seed_weights(range(seeds), 4000, seed=1) @ scores
    error = scores.std(ddof=1) / np.sqrt(seeds)
    levels = [0.025, 0.25, 0.5, 0.75, 0.975]
    assert np.quantile(moved / error, levels) == pytest.approx(t.ppf(levels, seeds - 1), rel=0.05, abs=0.03)


def test_weights_depend_on_seeds_and_number_only() -> None:
    few, many = seed_weights([1, 2, 3], 20, seed=1), seed_weights([1, 2, 3], 500, seed=1)
    assert np.array_equal(few, many[:20])
    assert np.abs(many.sum(axis=1)).max() < 1e-9
    assert not np.allclose(few, seed_weights([1, 2, 4], 20, seed=1))
    assert not np.allclose(few, seed_weights([1, 2, 3], 20, seed=2))


def test_one_seed_leaves_the_segments() -> None:
    scores = runs(np.random.default_rng(1), 1, training=1.0)
    assert np.array_equal(mean_over_seeds(scores, np.empty((0, 1))), scores[0])


def test_equal_seeds_add_nothing() -> None:
    scores = np.repeat(runs(np.random.default_rng(1), 1, training=1.0), 3, axis=0)
    assert mean_over_seeds(scores, weights(3)) == pytest.approx(scores[0])


def test_what_the_segments_explain_is_not_counted_twice() -> None:
    """Trainings that leave nothing to chance: the draws are spread about as the segments make them."""
    rng = np.random.default_rng(3)
    studies = [runs(rng, 5, training=0.0) for _ in range(200)]
    ours = np.median([np.subtract(*interval(mean_over_seeds(scores, weights(5))[1:])[::-1]) for scores in studies])
    segments = np.median([np.subtract(*interval(scores.mean(axis=0)[1:])[::-1]) for scores in studies])
    assert segments <= ours < 1.2 * segments


def test_scores_far_apart_widen_the_interval_to_the_t_test() -> None:
    scores = runs(np.random.default_rng(4), 3, training=50.0)
    low, high = interval(mean_over_seeds(scores, weights(3))[1:])
    error = scores[:, 0].std(ddof=1) / np.sqrt(3)
    assert (high - low) / 2 == pytest.approx(t.ppf(0.975, 2) * error, rel=0.1)


@pytest.mark.parametrize(
    ("seeds", "training", "skewed"),
    [
        (1, 0.0, False),
        (1, 0.0, True),
        (2, 0.1, False),
        (3, 0.0, True),
        (3, 0.3, False),
        (5, 0.1, True),
        (5, 1.0, False),
    ],
)
def test_intervals_hold_the_truth_and_tests_seldom_err(seeds: int, training: float, skewed: bool) -> None:
    """1,000 simulated studies: errors near or below 5 %; the bars are three standard errors above, 3.9 points below."""
    rng = np.random.default_rng([seeds, round(10 * training)])
    drawn = weights(seeds) if seeds > 1 else np.empty((0, 1))
    missed = found = 0
    for _ in range(1000):
        first, second = (mean_over_seeds(runs(rng, seeds, training, skewed), drawn) for _ in range(2))
        low, high = interval(first[1:])
        missed += not low <= 10 <= high
        found += two_sided_p((first - second)[1:]) < 0.05
    assert 11 <= missed <= 71
    assert 11 <= found <= 71


def test_resampling_three_seeds_would_miss_the_truth() -> None:
    """Why the seeds are not resampled: of intervals meant to miss in 5 % of cases, these miss in more than 10 %."""
    rng = np.random.default_rng(5)
    chosen = np.random.default_rng(6).integers(3, size=(RESAMPLES, 3))
    missed = 0
    for _ in range(400):
        scores = runs(rng, 3, training=3.0)
        low, high = interval(scores[chosen, np.arange(1, RESAMPLES + 1)[:, None]].mean(axis=1))
        missed += not low <= 10 <= high
    assert missed > 40
