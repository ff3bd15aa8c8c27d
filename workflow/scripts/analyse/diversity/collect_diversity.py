"""Put the measured diversity of several texts into one table, with p-values corrected for the number of measures."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from analyse.diversity.table import COLUMNS, MEASURED_COLUMNS, with_holm
from workbench.cli import run_script, say, script_parser
from workbench.tables import read_rows, write_rows


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    texts = [("pool", name, "", "", path) for name, path in arguments.origin]
    texts += [("test", name, learner, size, table) for learner, name, size, table in arguments.run]

    def rows() -> Iterator[tuple[str, ...]]:
        for *about, path in texts:
            for row in with_holm(list(read_rows(Path(path), MEASURED_COLUMNS))):
                yield (*about, *row)

    count = write_rows(arguments.output, COLUMNS, rows())
    say(f"{count:,} rows of {len(texts):,} texts")


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument(
        "--origin",
        nargs=2,
        action="append",
        default=[],
        metavar=("GENERATOR", "TABLE"),
        help="the table of measures of a generator's text: a row of scope `pool` for each",
    )
    parser.add_argument(
        "--run",
        nargs=4,
        action="append",
        default=[],
        metavar=("LEARNER", "CONDITION", "SIZE", "TABLE"),
        help="the table of measures of what a condition's models wrote: a row of scope `test` for each",
    )
    parser.add_argument("--output", type=Path, required=True, help="table to write")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
