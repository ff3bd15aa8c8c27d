"""Write the pairs that a local generator is trained on: the first n of ``pretrain``.

``pretrain`` is in random order, so its first n rows are a random sample. A larger sample contains every smaller one.
"""

import argparse
import itertools
from pathlib import Path

from workbench.cli import run_script, say, script_parser
from workbench.tables import read_rows, write_rows

COLUMNS = ["id", "source", "target"]


def main(arguments: argparse.Namespace) -> None:
    """Write the sample."""
    rows = itertools.islice(read_rows(arguments.pretrain, COLUMNS), arguments.pairs)
    count = write_rows(arguments.output, COLUMNS, rows)
    say(f"{count:,} pairs")


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--pretrain", type=Path, required=True, help="the split")
    parser.add_argument("--pairs", type=int, required=True, help="how many")
    parser.add_argument("--output", type=Path, required=True, help="table to write")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
