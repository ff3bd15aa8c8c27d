"""The script that compares conditions, on studies with planted scores."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from evaluate import contrast_conditions
from evaluate.results import Contrast, CurveArea, ExchangeRate, Remedy
from stats.metrics import write_counts
from workbench.cli import UserError
from workbench.intervals import Interval
from workbench.records import read_records
from workbench.tables import write_rows

SIZES, SEEDS, SEGMENTS = [100, 200, 400], [1, 2, 3], 200
# Edits in a hundred words (TER) by size; `ranked` is `plain` in another order, so at the full pool it is the same runs.
TER = {
    "human": [60, 50, 40],
    "plain": [70, 60, 50],
    "ranked": [66, 56, 50],
    "backwards": [74, 64, 54],
    "mixed": [60, 45, 40],
    "double": [60, 50, 40],
}
RECIPES = {"double": ["human"] * 3, "ranked": ["ranked", "ranked", "plain"]}
RELATIONS = {
    "remedied": {"ranked": "plain", "mixed": "plain", "backwards": "human"},
    "reverse": {"ranked": "backwards", "backwards": "ranked"},
}
WORDS = 20


def write_study(folder: Path, noise: float = 0.0, conditions: list[str] | None = None) -> None:
    """Runs of counts: each segment has its own difficulty, each run its own ``noise`` points. BLEU is 100 - TER."""
    rows = []
    hard = np.random.default_rng(1).normal(0, 2, size=SEGMENTS)
    for condition in conditions or TER:
        for place, size in enumerate(SIZES):
            recipe = RECIPES.get(condition, [condition] * 3)[place]
            for seed in SEEDS:
                rows.append(("base", condition, size, seed, recipe))
                rng = np.random.default_rng([place, seed, *recipe.encode()])
                edits = TER[condition][place] / 100 * WORDS + hard - hard.mean() + rng.normal(0, 1, size=SEGMENTS)
                edits += noise / 100 * WORDS * rng.normal() + TER[condition][place] / 100 * WORDS - edits.mean()
                words = np.full(SEGMENTS, WORDS)
                right = [words - edits] * 4
                counts = {
                    "ter": np.stack([edits, words], axis=1),
                    "bleu": np.stack([words, words, *right, *[words] * 4], axis=1),
                }
                path = folder / "runs" / "base" / recipe / str(size) / str(seed) / "statistics.tsv"
                write_counts(path, [f"t:{n}" for n in range(SEGMENTS)], counts)
    write_rows(folder / "runs.tsv", ["learner", "condition", "size", "seed", "recipe"], rows)


def tables(folder: Path) -> dict[str, Path]:
    """The files that the script writes."""
    return {name: folder / f"{name}.tsv" for name in ("contrasts", "remedies", "curves", "exchange")}


def run(folder: Path, **changes: object) -> Path:
    """Run the script on a study and return the folder."""
    arguments = {
        "runs": folder / "runs.tsv",
        "runs_folder": folder / "runs",
        "baseline": "human",
        "relations": json.dumps(RELATIONS),
        "metrics": ["ter"],
        "metric_options": {},
        "target_language": "en",
        "resamples": 1000,
        "resampling_seed": 1,
        **tables(folder),
    }
    contrast_conditions.main(Namespace(**arguments | changes))
    return folder


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_study(folder)
    return run(folder)


def contrast(folder: Path, condition: str, size: int, kind: str = "baseline") -> Contrast:
    rows = read_records(folder / "contrasts.tsv", Contrast)
    (row,) = [row for row in rows if (row.condition, row.size, row.kind) == (condition, size, kind)]
    return row


def remedy(folder: Path, condition: str, size: int) -> Remedy:
    rows = read_records(folder / "remedies.tsv", Remedy)
    (row,) = [row for row in rows if (row.condition, row.size) == (condition, size)]
    return row


def test_a_planted_difference_has_the_metrics_own_direction(study: Path) -> None:
    row = contrast(study, "plain", 100)
    assert (row.learner, row.metric, row.against, row.difference.value) == ("base", "ter", "human", 10)
    assert row.difference.low < 10 < row.difference.high
    assert row.p_value == pytest.approx(2 / 1001, abs=1e-6)


def test_no_pair_of_conditions_has_two_rows_of_a_kind(study: Path) -> None:
    rows = read_records(study / "contrasts.tsv", Contrast)
    pairs = [(row.size, row.kind, frozenset((row.condition, row.against))) for row in rows]
    assert len(pairs) == len(set(pairs)) == 3 * (5 + 3 + 1)
    assert {row.kind for row in rows} == {"baseline", "remedied", "reverse"}
    assert contrast(study, "ranked", 100, "reverse").difference.value == -8


def test_the_same_runs_are_no_test_and_no_part_of_the_family(study: Path) -> None:
    row = contrast(study, "double", 200)
    assert row.difference == Interval(0, 0, 0)
    assert (row.p_value, row.p_holm) == (None, None)
    assert contrast(study, "ranked", 400, "remedied").p_value is None
    rows = [row for row in read_records(study / "contrasts.tsv", Contrast) if row.p_value is not None]
    assert len(rows) == 27 - 3 - 1
    assert all(row.p_holm is not None for row in rows)


def test_the_same_runs_are_tested_once_and_have_one_result(study: Path) -> None:
    """``ranked`` is ``plain`` at 400, and ``backwards`` is set against ``human`` twice, as two kinds."""
    rows = read_records(study / "contrasts.tsv", Contrast)
    ranked, plain = contrast(study, "ranked", 400), contrast(study, "plain", 400)
    assert (ranked.difference, ranked.p_value, ranked.p_holm) == (plain.difference, plain.p_value, plain.p_holm)
    smallest = min(row.p_value for row in rows if row.p_value is not None)
    family = 27 - 3 - 1 - 1 - 3
    assert min(row.p_holm for row in rows if row.p_holm is not None) == pytest.approx(family * smallest, rel=1e-3)


def test_a_reverse_that_is_remedied_too_has_both_rows_and_one_test(study: Path, tmp_path: Path) -> None:
    files = tables(tmp_path)
    reverse = {"reverse": {"ranked": "backwards"}}
    run(study, relations=json.dumps(reverse), **files)
    alone = contrast(tmp_path, "ranked", 100, "reverse")
    run(study, relations=json.dumps({"remedied": {"backwards": "ranked"}} | reverse), **files)
    remedied = contrast(tmp_path, "backwards", 100, "remedied")
    assert contrast(tmp_path, "ranked", 100, "reverse") == alone
    assert (remedied.against, remedied.difference) == ("ranked", -alone.difference)
    assert (remedied.p_value, remedied.p_holm) == (alone.p_value, alone.p_holm)


def test_a_planted_share_of_the_gap(study: Path) -> None:
    row = remedy(study, "ranked", 100)
    assert (row.gap.value, row.won.value, row.share.value, row.verdict) == (
        10,
        4,
        0.4,
        "part",
        # positive is better, whatever the metric
    )
    assert 0 < row.share.low < 0.4 < row.share.high < 1
    assert (row.remedied, row.baseline) == ("plain", "human")
    assert remedy(study, "mixed", 400).verdict == "closed"
    more = remedy(study, "mixed", 200)
    assert (more.share.value, more.verdict) == (1.5, "more")
    same = remedy(study, "ranked", 400)
    assert (same.won.value, same.won_p, same.share.value, same.verdict) == (0, None, 0, "same")


def test_a_remedy_of_the_baseline_has_no_gap(study: Path) -> None:
    assert not [row for row in read_records(study / "remedies.tsv", Remedy) if row.condition == "backwards"]


def test_no_gap_and_a_gap_the_other_way(study: Path, tmp_path: Path) -> None:
    relations = json.dumps({"remedied": {"ranked": "double", "plain": "mixed"}})
    files = tables(tmp_path)
    run(study, relations=relations, **files)
    none = remedy(tmp_path, "ranked", 100)
    assert (none.gap.value, none.gap_p, none.share, none.verdict) == (0, None, None, "undefined")
    other = remedy(tmp_path, "plain", 200)
    assert (other.gap.value, other.share, other.verdict) == (-5, None, "no cost")


def test_areas_between_learning_curves(study: Path) -> None:
    areas: dict[str, CurveArea] = {row.condition: row for row in read_records(study / "curves.tsv", CurveArea)}
    plain = areas["plain"]
    assert (plain.area.value, plain.smallest, plain.largest) == (-10, 100, 400)
    assert plain.area.low < -10 < plain.area.high < 0
    assert plain.p_value == pytest.approx(2 / 1001, abs=1e-6)
    assert areas["ranked"].area.value == pytest.approx(-(6 + 6 + 6 + 10) / 4)
    assert areas["mixed"].area.value == pytest.approx(2.5)
    assert (areas["double"].area.value, areas["double"].p_value) == (0, 1)
    assert "human" not in areas


def test_exchange_rates(study: Path) -> None:
    rates: dict[tuple[str, int], ExchangeRate] = {
        (row.condition, row.size): row for row in read_records(study / "exchange.tsv", ExchangeRate)
    }
    assert ("human", 100) not in rates
    plain = rates["plain", 400]
    assert (plain.score, plain.human_pairs, plain.rate, plain.note) == (50, "200", "0.5000", "")
    assert 100 < int(plain.human_pairs_low) < 200 < int(plain.human_pairs_high) < 400
    assert (rates["plain", 100].human_pairs, rates["plain", 100].rate) == ("<100", "<1.0000")
    mixed = rates["mixed", 200]
    assert (mixed.human_pairs, mixed.rate) == (f"{200 * 2**0.5:.0f}", f"{2**0.5:.4f}")
    assert rates["mixed", 400].human_pairs_high == ">400"


def test_higher_and_lower_scores_are_treated_alike(study: Path, tmp_path: Path) -> None:
    files = tables(tmp_path)
    run(study, metrics=["bleu"], **files)
    assert contrast(tmp_path, "plain", 100).difference == -contrast(study, "plain", 100).difference
    for name, kind in (("remedies", Remedy), ("curves", CurveArea), ("exchange", ExchangeRate)):
        for ours, theirs in zip(
            read_records(files[name], kind), read_records(study / f"{name}.tsv", kind), strict=True
        ):
            for field, value in vars(ours).items():
                if field == "score":
                    assert value == pytest.approx(100 - theirs.score)
                elif field != "metric":
                    assert value == (
                        pytest.approx(getattr(theirs, field)) if isinstance(value, float) else getattr(theirs, field)
                    )


def test_noise_between_seeds_widens_everything(study: Path, tmp_path: Path) -> None:
    write_study(tmp_path, noise=6.0)
    run(tmp_path)
    quiet, noisy = contrast(study, "plain", 100), contrast(tmp_path, "plain", 100)
    assert noisy.difference.high - noisy.difference.low > 3 * (quiet.difference.high - quiet.difference.low)
    assert noisy.p_value > quiet.p_value


def test_a_human_curve_that_does_not_rise_has_no_exchange_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TER, "human", [50, 50, 50])
    write_study(tmp_path, conditions=["human", "plain"])
    rows = read_records(run(tmp_path, relations="{}") / "exchange.tsv", ExchangeRate)
    assert {(row.human_pairs, row.human_pairs_low, row.human_pairs_high, row.rate) for row in rows} == {
        ("", "", "", "")
    }
    assert all(row.note.startswith("undefined: human text") for row in rows)


def test_one_size_has_no_curve(study: Path, tmp_path: Path) -> None:
    lines = (study / "runs.tsv").read_text().splitlines(keepends=True)
    (tmp_path / "runs.tsv").write_text(
        "".join(line for line in lines if "\t200\t" not in line and "\t400\t" not in line)
    )
    files = tables(tmp_path)
    run(study, runs=tmp_path / "runs.tsv", **files)
    assert (read_records(files["curves"], CurveArea), read_records(files["exchange"], ExchangeRate)) == ([], [])
    assert {row.size for row in read_records(files["contrasts"], Contrast)} == {100}


def test_another_condition_changes_no_other_number(study: Path, tmp_path: Path) -> None:
    """Except Holm's correction, which depends on the number of tests."""
    lines = (study / "runs.tsv").read_text().splitlines(keepends=True)
    (tmp_path / "runs.tsv").write_text("".join(line for line in lines if "\tmixed\t" not in line))
    files = tables(tmp_path)
    relations = {"remedied": {"ranked": "plain", "backwards": "human"}, "reverse": RELATIONS["reverse"]}
    run(study, runs=tmp_path / "runs.tsv", relations=json.dumps(relations), **files)
    for name, kind in (("remedies", Remedy), ("curves", CurveArea), ("exchange", ExchangeRate)):
        whole, part = read_records(study / f"{name}.tsv", kind), read_records(files[name], kind)
        assert part == [row for row in whole if row.condition != "mixed"]
    assert contrast(tmp_path, "plain", 200).p_value == contrast(study, "plain", 200).p_value
    assert contrast(tmp_path, "plain", 200).p_holm < contrast(study, "plain", 200).p_holm


def test_the_tables_are_the_same_again(study: Path, tmp_path: Path) -> None:
    files = tables(tmp_path)
    run(study, **files)
    for name, path in files.items():
        assert path.read_bytes() == (study / f"{name}.tsv").read_bytes()


def test_too_few_resamples_for_the_family_are_reported(
    study: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = tables(tmp_path)
    with caplog.at_level("INFO"):
        run(study, resamples=200, **files)
    assert "19 tests in a family" in caplog.text
    assert "760 or more" in caplog.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"baseline": "humans"}, "--baseline humans: .* no such condition; allowed: human, plain"),
        ({"relations": "[]"}, "--relations: must be JSON such as"),
        ({"relations": "{"}, "--relations: must be JSON such as"),
        ({"relations": '{"against": {}}'}, "unknown relation 'against'; allowed: remedied, reverse"),
        ({"relations": '{"remedied": {"plane": "plain"}}'}, "--relations, remedied: plane: .* no such condition"),
    ],
)
def test_wrong_arguments_are_refused(study: Path, changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        run(study, **changes)
