"""Rates, their intervals, the floor and the test against it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from analyse.errors.rates import FloorComparison, build_measures, compare_with_floor, never_seen
from analyse.errors.segment_errors import EDIT_MEASURES, REFERENCE_WORDS, SOURCE_MEASURES, SegmentErrors
from stats.metrics import build_scorers

MEASURES = {measure.name: measure for measure in build_measures(build_scorers(["ter"], {}, "en"))}


def table(count: int, **columns: object) -> SegmentErrors:
    """A table whose other columns are zero."""
    names = [*SOURCE_MEASURES, *EDIT_MEASURES, REFERENCE_WORDS]
    filled = {name: np.broadcast_to(np.asarray(columns.get(name, 0), dtype=float), (count,)) for name in names}
    return SegmentErrors(Path("table.tsv"), [str(n) for n in range(count)], filled)


def marked(count: int, places: object) -> np.ndarray:
    """Ones at ``places`` of so many zeros."""
    marks = np.zeros(count)
    marks[places] = 1
    return marks


def one(texts: list[SegmentErrors], floor: SegmentErrors | None, name: str, resamples: int = 500) -> FloorComparison:
    return compare_with_floor(texts, floor, [MEASURES[name]], resamples, 1)[name]


def test_shares_are_segments_with_an_error_per_thousand() -> None:
    text = table(200, number_missing=2 * marked(200, slice(3)), empty=marked(200, slice(2, 4)))
    assert one([text], None, "number_missing").rate.value == 15
    assert one([text], None, "any").rate.value == 20


def test_edits_are_per_thousand_words_and_add_up_to_ter() -> None:
    edits = {name: np.array([k, 0, 1]) for k, name in enumerate(EDIT_MEASURES)}
    text = table(3, **edits, reference_words=np.array([10, 20, 10]))
    rates = [one([text], None, name).rate.value for name in EDIT_MEASURES]
    assert rates == [25, 50, 75, 100]
    assert one([text], None, "ter").rate.value == pytest.approx(sum(rates) / 10)


def test_the_difference_from_the_floor_changes_its_sign_if_the_texts_are_exchanged() -> None:
    many, few = table(300, copy=marked(300, slice(40))), table(300, copy=marked(300, slice(30, 45)))
    there, back = one([many], few, "copy"), one([few], many, "copy")
    assert there.floor == back.rate
    assert there.difference.value == pytest.approx(25 / 0.3)
    assert back.difference.value == pytest.approx(-there.difference.value)
    assert (back.difference.low, back.difference.high) == pytest.approx((-there.difference.high, -there.difference.low))
    assert back.p_value == there.p_value < 0.01


def test_seeds_are_averaged_segment_by_segment() -> None:
    seeds = [table(100, copy=marked(100, slice(count))) for count in (10, 20)]
    floor = table(100, copy=marked(100, slice(15)))
    result = one(seeds, floor, "copy")
    assert (result.rate.value, result.difference.value) == (150, 0)
    assert result.p_value == 1


def test_what_is_never_seen_has_the_exact_limit() -> None:
    result = one([table(500)], table(500), "empty")
    limit = 1000 * binomtest(0, 500).proportion_ci(method="exact").high
    assert never_seen(500) == pytest.approx(limit)
    assert (result.rate.value, result.rate.low, result.rate.high) == (0, 0, pytest.approx(limit))
    assert (result.difference.low, result.difference.high) == (-result.rate.high, result.rate.high)
    assert result.p_value == 1


def test_the_p_value_of_rare_errors_is_that_of_the_exact_sign_test() -> None:
    result = one([table(400, copy=marked(400, slice(6)))], table(400), "copy", resamples=4000)
    assert result.p_value == pytest.approx(binomtest(6, 6).pvalue, abs=0.012)


def test_intervals_cover_the_truth_and_tests_keep_their_size() -> None:
    rng = np.random.default_rng(7)
    trials, segments = 150, 250
    covered = rejected = difference_covered = 0
    for _ in range(trials):
        hard = rng.random(segments) < 0.3  # hard segments go wrong in both texts
        chances = np.where(hard, 0.3, 0.05)
        text, floor = (table(segments, copy=rng.random(segments) < chances) for _ in range(2))
        result = one([text], floor, "copy", resamples=200)
        covered += result.rate.low <= 125 <= result.rate.high
        difference_covered += result.difference.low <= 0 <= result.difference.high
        rejected += result.p_value < 0.05
    assert covered / trials > 0.9
    assert difference_covered / trials > 0.9
    assert rejected / trials < 0.09
