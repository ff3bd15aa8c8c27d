"""Collect the comparisons of all learners, sizes and seeds in one table, with corrected p-values.

The column ``p_holm`` is corrected for all comparisons of one learner, metric and seed. Conditions that are the same run
at a size are one comparison and have the same ``p_holm``. If a condition is the same run as the baseline, nothing is
tested and its ``p_holm`` is empty.
"""

import argparse
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from evaluate.results import Comparison
from stats.holm import holm_where_tested, say_too_few
from workbench.cli import run_script, say, script_parser
from workbench.records import read_records, write_records
from workbench.runs import compared_groups, read_runs


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    runs = read_runs(arguments.runs)
    groups = compared_groups(runs)
    paths = [arguments.comparisons_folder / learner / str(size) / f"{seed}.tsv" for learner, size, seed in groups]
    rows = [row for path in paths for row in read_records(path, Comparison)]
    recipes = {(run.learner, run.size, run.seed, run.condition): run.recipe for run in runs}
    families: defaultdict[tuple[str, str, int], dict[Comparison, tuple[int, frozenset[str]]]] = defaultdict(dict)
    for row in rows:
        pair = frozenset(recipes[row.learner, row.size, row.seed, name] for name in (row.condition, row.baseline))
        if len(pair) == 2:
            families[row.learner, row.metric, row.seed][row] = (row.size, pair)
    p_holm: dict[Comparison, float | None] = {}
    for tests in families.values():
        p_holm |= zip(tests, holm_where_tested([row.p_value for row in tests], tests.values()), strict=True)
    corrected = (replace(row, p_holm=p_holm.get(row)) for row in rows)
    count = write_records(arguments.significance, Comparison, corrected)
    say(f"{count:,} comparisons of {len(groups):,} groups")
    samples = min((row.samples for row in rows), default=0)
    say_too_few((tests.values() for tests in families.values()), samples, "samples", step=1)


PARSER = script_parser(__doc__)
PARSER.add_argument("--runs", type=Path, required=True, help="the run table")
PARSER.add_argument("--comparisons-folder", type=Path, required=True, help="folder of LEARNER/SIZE/SEED.tsv")
PARSER.add_argument("--significance", type=Path, required=True, help="output table")


if __name__ == "__main__":
    run_script(PARSER, main)
