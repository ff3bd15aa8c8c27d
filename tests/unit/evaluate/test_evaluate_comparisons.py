"""The table of comparisons and its correction for many tests, on planted comparisons."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from evaluate import collect_comparisons
from evaluate.results import Comparison
from workbench.records import columns_of, write_records
from workbench.runs import Run
from workbench.tables import read_rows

# p-value by size, and recipe by size; `ranked` is `plain` in another order, so at the full pool it is the same runs.
P_VALUES = {"near": (0.04, 0.5), "plain": (0.03, 0.001), "ranked": (0.01, 0.001), "again": (1.0, 1.0)}
RECIPES = {"ranked": ("ranked", "plain"), "again": ("human", "human")}
SIZES = (100, 200)


def collect(folder: Path, samples: int = 1000) -> dict[tuple[str, int], str]:
    """Write the comparisons of a study, run the script and return ``p_holm`` by condition and size."""
    runs = [
        Run("base", name, size, 1, RECIPES.get(name, (name, name))[place])
        for name in ("human", *P_VALUES)
        for place, size in enumerate(SIZES)
    ]
    write_records(folder / "runs.tsv", Run, runs)
    for place, size in enumerate(SIZES):
        rows = [
            Comparison("base", size, 1, "bleu", name, 20, "human", 21, -1, p_values[place], "bootstrap", samples, "")
            for name, p_values in P_VALUES.items()
        ]
        write_records(folder / f"comparisons/base/{size}/1.tsv", Comparison, rows, leave_out=["p_holm"])
    significance = folder / "significance.tsv"
    collect_comparisons.main(
        Namespace(runs=folder / "runs.tsv", comparisons_folder=folder / "comparisons", significance=significance)
    )
    table = read_rows(significance, ["condition", "size", "p_holm"])
    return {(condition, int(size)): p_holm for condition, size, p_holm in table}


def test_the_corrected_p_value_is_the_column_after_the_p_value() -> None:
    columns = columns_of(Comparison)
    assert columns.index("p_holm") == columns.index("p_value") + 1


def test_the_same_runs_are_compared_once_and_have_one_result(tmp_path: Path) -> None:
    found = collect(tmp_path)  # a family of five: 0.001, 0.01, 0.03, 0.04, 0.5
    assert found == {
        **{("plain", 200): "0.005000", ("ranked", 200): "0.005000", ("ranked", 100): "0.040000"},
        **{("plain", 100): "0.090000", ("near", 100): "0.090000", ("near", 200): "0.500000"},
        **{("again", 100): "", ("again", 200): ""},
    }


@pytest.mark.parametrize(("samples", "said"), [(99, True), (100, False)])
def test_too_few_samples_for_the_family_are_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, samples: int, said: bool
) -> None:
    with caplog.at_level("INFO"):
        collect(tmp_path, samples)
    message = f"5 tests in a family: Holm's correction leaves none below 0.05 with {samples} samples; 100 or more"
    assert (message in caplog.text) == said
    assert ("in a family" in caplog.text) == said
