"""The agreement of scores with the oracle: its sign, its interval, the two halves, what counts as practical."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from curate.compare_quality import PARSER, agreement, is_practical, main
from stats.bootstrap import resampled_correlations
from workbench.cli import UserError
from workbench.tables import read_rows, write_rows

ABOUT = {
    "fit": {"metric": "learner_fit", "pairs": None},
    "length": {"metric": "length"},
    "oracle": {"metric": "oracle"},
    "blend": {"metric": "rank_average", "of": ["fit", "length"]},
    "cheat": {"metric": "rank_average", "of": ["blend", "oracle"]},
}


def table(path: Path, scores: list[float | None], better: str) -> str:
    """A table of scores whose ranks follow them; None is last."""
    sign = -1 if better == "higher" else 1
    keys = [(score is None, sign * (score or 0)) for score in scores]
    order = sorted(range(len(scores)), key=keys.__getitem__)
    rows = [(f"t:{n}", "" if s is None else s, order.index(n) + 1) for n, s in enumerate(scores)]
    write_rows(path, ["id", "score", "rank"], rows)
    return str(path)


def compare(folder: Path, *more: str, **scores: str) -> dict[str, dict[str, str]]:
    """The rows of the table by the name of the score, for a generator ``g`` with oracle scores from 0 to 90."""
    oracle = table(folder / "oracle.tsv", [10.0 * n for n in range(10)], "higher")
    main(
        PARSER.parse_args(
            [
                *("--oracle", f"g={oracle}", "--scores", *(f"g:{name}={path}" for name, path in scores.items())),
                *("--about", json.dumps(ABOUT), "--samples", "200", "--seed", "1"),
                *("--output", str(folder / "agreement.tsv"), *more),
            ]
        )
    )
    columns = (folder / "agreement.tsv").read_text(encoding="utf-8").split("\n")[0].split("\t")
    rows = (dict(zip(columns, row, strict=True)) for row in read_rows(folder / "agreement.tsv", columns))
    return {row["quality"]: row for row in rows}


def test_positive_means_that_better_scores_go_with_better_targets(tmp_path: Path) -> None:
    good_fit = table(tmp_path / "fit.tsv", [9.0 - n for n in range(10)], "lower")
    bad_length = table(tmp_path / "length.tsv", [-1.0 * n for n in range(10)], "higher")
    rows = compare(tmp_path, fit=good_fit, length=bad_length)
    assert (rows["fit"]["spearman"], rows["fit"]["better"]) == ("1.0000", "lower")
    assert (rows["length"]["spearman"], rows["length"]["better"]) == ("-1.0000", "higher")
    assert (rows["fit"]["top_half_oracle"], rows["fit"]["bottom_half_oracle"]) == ("70.0000", "20.0000")
    assert (rows["length"]["top_half_oracle"], rows["length"]["bottom_half_oracle"]) == ("20.0000", "70.0000")
    assert rows["fit"]["mean_oracle"] == rows["length"]["mean_oracle"] == "45.0000"
    assert (rows["fit"]["generator"], rows["fit"]["metric"], rows["fit"]["practical"]) == ("g", "learner_fit", "yes")


def test_what_has_no_score_is_left_out_of_the_correlation_but_not_of_the_halves(tmp_path: Path) -> None:
    scores = [None if n == 9 else 1.0 * n for n in range(10)]
    row = compare(tmp_path, length=table(tmp_path / "length.tsv", scores, "higher"))["length"]
    assert (row["targets"], row["scored"], row["spearman"]) == ("10", "9", "1.0000")
    assert (row["top_half_oracle"], row["bottom_half_oracle"]) == ("60.0000", "30.0000")


def test_a_score_that_does_not_vary_has_no_correlation(tmp_path: Path) -> None:
    row = compare(tmp_path, length=table(tmp_path / "length.tsv", [1.0] * 10, "higher"))["length"]
    assert (row["spearman"], row["spearman_low"], row["spearman_high"]) == ("", "", "")


def test_a_sample_of_the_targets_is_compared_the_same_for_every_score(tmp_path: Path) -> None:
    fit = table(tmp_path / "fit.tsv", [9.0 - n for n in range(10)], "lower")
    length = table(tmp_path / "length.tsv", [-1.0 * n for n in range(10)], "higher")
    rows = compare(tmp_path, "--targets", "6", fit=fit, length=length)
    assert {row["targets"] for row in rows.values()} == {"6"}
    assert (rows["fit"]["spearman"], rows["length"]["spearman"]) == ("1.0000", "-1.0000")
    assert rows["fit"]["mean_oracle"] == rows["length"]["mean_oracle"]
    assert rows["fit"]["top_half_oracle"] == rows["length"]["bottom_half_oracle"]
    whole = compare(tmp_path, fit=fit)
    assert compare(tmp_path, "--targets", "10", fit=fit) == whole


def test_an_average_is_practical_if_all_its_parts_are() -> None:
    assert {name: is_practical(ABOUT, name) for name in ABOUT} == {
        "fit": True,
        "length": True,
        "oracle": False,
        "blend": True,
        "cheat": False,
    }


def test_resamples_are_spearmans_correlation_of_the_drawn_instances() -> None:
    generator = np.random.default_rng(3)
    left, right = generator.integers(5, size=(2, 40)).astype(float)
    found = resampled_correlations(left, right, 150, 1)
    for number, value in enumerate(found):
        drawn = np.random.default_rng([1, number]).integers(40, size=40)
        assert value == pytest.approx(spearmanr(left[drawn], right[drawn]).statistic, abs=1e-9)


def test_the_interval_covers_the_truth_for_tied_scores() -> None:
    """Scores with a third of their values tied; the truth is the correlation in a very large sample."""

    def draw(generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        oracle = generator.normal(size=count)
        return np.minimum(oracle + generator.normal(size=count), 0.6), oracle

    truth = spearmanr(*draw(np.random.default_rng(0), 200_000)).statistic
    covered = 0
    for number in range(200):
        scores, oracle = draw(np.random.default_rng([5, number]), 150)
        found = agreement(scores.tolist(), list(range(150)), oracle.tolist(), "higher", 200, number)
        covered += found.spearman_low <= truth <= found.spearman_high
    assert 0.90 <= covered / 200 <= 0.99


def test_tables_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    write_rows(tmp_path / "other.tsv", ["id", "score", "rank"], [("x:1", 1.0, 1)])
    with pytest.raises(UserError, match=r"other\.tsv: no target in common with .*oracle\.tsv"):
        compare(tmp_path, length=str(tmp_path / "other.tsv"))
