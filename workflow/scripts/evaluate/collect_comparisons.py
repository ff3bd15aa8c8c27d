"""Collect the comparisons of all learners, sizes and seeds in one table, with corrected p-values.

The column ``p_holm`` is corrected for all comparisons of one learner, metric and seed. Conditions that are the same run
at a size are one comparison and have the same ``p_holm``. If a condition is the same run as the baseline, nothing is
tested and its ``p_holm`` is empty.
"""

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from evaluate.results import Comparison
from stats.holm import holm, say_too_few
from workbench.cli import run_script, say, script_parser
from workbench.records import read_records, write_records
from workbench.runs import Run, compared_groups, read_runs


class DistinctTest(NamedTuple):
    """A paired test of two runs, which several conditions may share; it has one recipe if both are the same run."""

    learner: str
    metric: str
    seed: int
    size: int
    recipes: frozenset[str]


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    runs = read_runs(arguments.runs)
    groups = compared_groups(runs)
    paths = [arguments.comparisons_folder / learner / str(size) / f"{seed}.tsv" for learner, size, seed in groups]
    rows = [row for path in paths for row in read_records(path, Comparison)]
    tests = distinct_tests(rows, runs)
    families: dict[tuple[str, str, int], dict[DistinctTest, float]] = {}
    for row, test in zip(rows, tests, strict=True):
        if len(test.recipes) == 2:
            families.setdefault((test.learner, test.metric, test.seed), {}).setdefault(test, row.p_value)
    p_holm: dict[DistinctTest, float] = {}
    for family in families.values():
        p_holm |= zip(family, holm(list(family.values())), strict=True)
    corrected = [replace(row, p_holm=p_holm.get(test)) for row, test in zip(rows, tests, strict=True)]
    count = write_records(arguments.significance, Comparison, corrected)
    say(f"{count:,} comparisons of {len(groups):,} groups")
    largest = max(map(len, families.values()), default=0)
    say_too_few(largest, min((row.samples for row in rows), default=0), "samples", step=1)


def distinct_tests(rows: Iterable[Comparison], runs: Iterable[Run]) -> list[DistinctTest]:
    """The test behind each comparison."""
    recipes = {(run.learner, run.size, run.seed, run.condition): run.recipe for run in runs}
    tests = []
    for row in rows:
        pair = {recipes[row.learner, row.size, row.seed, name] for name in (row.condition, row.baseline)}
        tests.append(DistinctTest(row.learner, row.metric, row.seed, row.size, frozenset(pair)))
    return tests


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="the run table")
    parser.add_argument("--comparisons-folder", type=Path, required=True, help="folder of LEARNER/SIZE/SEED.tsv")
    parser.add_argument("--significance", type=Path, required=True, help="output table")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
