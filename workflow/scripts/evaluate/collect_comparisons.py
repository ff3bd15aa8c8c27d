"""Put the comparisons of every learner, size and seed into one table, as the run table has them.

It has one column more than they: ``p_holm``, corrected for all comparisons of one learner, metric and seed. Conditions
that are the same runs at a size are compared once and have the same ``p_holm``. Those that are the baseline's own runs
are no comparison; their ``p_holm`` is empty.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from stats.holm import holm, say_too_few
from workbench.cli import run_script, say, script_parser
from workbench.formats import p_text
from workbench.runs import COMPARISON_COLUMNS, SIGNIFICANCE_COLUMNS, compared_groups, read_runs
from workbench.tables import read_rows, write_rows


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    runs = read_runs(arguments.runs)
    recipes = {(run.learner, str(run.size), str(run.seed), run.condition): run.recipe for run in runs}
    groups = list(compared_groups(runs))
    rows = [
        dict(zip(COMPARISON_COLUMNS, row, strict=True))
        for learner, size, seed in groups
        for row in read_rows(arguments.comparisons_folder / learner / str(size) / f"{seed}.tsv", COMPARISON_COLUMNS)
    ]
    families: dict[tuple[str, ...], dict[tuple[str, frozenset[str]], list[dict[str, str]]]] = {}
    for row in rows:
        row["p_holm"] = ""
        run = (row["learner"], row["size"], row["seed"])
        pair = frozenset(recipes[*run, row[side]] for side in ("condition", "baseline"))
        if len(pair) == 2:
            family = families.setdefault((row["learner"], row["metric"], row["seed"]), {})
            family.setdefault((row["size"], pair), []).append(row)
    for family in families.values():
        corrected = holm([float(twins[0]["p_value"]) for twins in family.values()])
        for twins, p_holm in zip(family.values(), corrected, strict=True):
            for row in twins:
                row["p_holm"] = p_text(p_holm)
    count = write_rows(
        arguments.significance, SIGNIFICANCE_COLUMNS, ([row[name] for name in SIGNIFICANCE_COLUMNS] for row in rows)
    )
    say(f"{count:,} comparisons of {len(groups):,} groups")
    largest = max(map(len, families.values()), default=0)
    say_too_few(largest, min((int(row["samples"]) for row in rows), default=0), "samples", step=1)


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="the run table")
    parser.add_argument("--comparisons-folder", type=Path, required=True, help="folder of LEARNER/SIZE/SEED.tsv")
    parser.add_argument("--significance", type=Path, required=True, help="output table")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
