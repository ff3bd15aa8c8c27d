"""Put the comparisons of every learner, size and seed into one table, as the run table has them.

It has one column more than they: ``p_holm``, corrected for all comparisons of one learner, metric and seed. Conditions
that are the baseline's own runs are no comparison; their ``p_holm`` is empty.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from evaluate.formats import p_text
from evaluate.holm import holm
from evaluate.runs import COMPARISON_COLUMNS, SIGNIFICANCE_COLUMNS, compared_groups, read_runs
from workbench.cli import run_script, say, script_parser
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
    families: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        row["p_holm"] = ""
        run = (row["learner"], row["size"], row["seed"])
        if recipes[*run, row["condition"]] != recipes[*run, row["baseline"]]:
            families.setdefault((row["learner"], row["metric"], row["seed"]), []).append(row)
    for family in families.values():
        for row, corrected in zip(family, holm([float(row["p_value"]) for row in family]), strict=True):
            row["p_holm"] = p_text(corrected)
    count = write_rows(
        arguments.significance, SIGNIFICANCE_COLUMNS, ([row[name] for name in SIGNIFICANCE_COLUMNS] for row in rows)
    )
    say(f"{count:,} comparisons of {len(groups):,} groups")


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="the run table")
    parser.add_argument("--comparisons-folder", type=Path, required=True, help="folder of LEARNER/SIZE/SEED.tsv")
    parser.add_argument("--significance", type=Path, required=True, help="output table")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
