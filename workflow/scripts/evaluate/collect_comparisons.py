"""Put the comparisons of every learner, size and seed into one table, as the run table has them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from evaluate.runs import COMPARISON_COLUMNS, compared_groups, read_runs
from workbench.cli import run_script, say, script_parser
from workbench.tables import read_rows, write_rows


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    groups = list(compared_groups(read_runs(arguments.runs)))

    def rows() -> Iterator[tuple[str, ...]]:
        for learner, size, seed in groups:
            yield from read_rows(arguments.comparisons_folder / learner / str(size) / f"{seed}.tsv", COMPARISON_COLUMNS)

    count = write_rows(arguments.significance, COMPARISON_COLUMNS, rows())
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
