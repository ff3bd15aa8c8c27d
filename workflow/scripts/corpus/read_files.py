"""Read the user's own corpus: two line-aligned files or one tab-separated file for each part."""

import argparse
from pathlib import Path

from corpus.parallel_text import read_parts
from corpus.raw_table import add_part_options, given_parts, write_parts
from workbench.cli import run_script, script_parser


def main(arguments: argparse.Namespace) -> None:
    """Write the raw table."""
    write_parts(arguments.output, read_parts(given_parts(arguments), arguments.max_line_bytes, arguments.alignment))


PARSER = script_parser(__doc__)
add_part_options(PARSER, type=Path, metavar="FILE", help="its source and its target file, or its TSV")
PARSER.add_argument("--max-line-bytes", required=True, type=int, help="a longer line is an error, not a sentence")
PARSER.add_argument(
    "--alignment", required=True, choices=("refuse", "warn"), help="what to do with files that look misaligned"
)
PARSER.add_argument("--output", required=True, type=Path, help="raw.tsv.gz")


if __name__ == "__main__":
    run_script(PARSER, main)
