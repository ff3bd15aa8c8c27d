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


PARSER = script_parser(__doc__)
PARSER.add_argument("--pretrain", type=Path, required=True, help="the split")
PARSER.add_argument("--pairs", type=int, required=True, help="how many")
PARSER.add_argument("--output", type=Path, required=True, help="table to write")


if __name__ == "__main__":
    run_script(PARSER, main)
