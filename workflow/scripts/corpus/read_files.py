"""Read the user's own corpus: two line-aligned files or one tab-separated file for each part."""

import argparse
from pathlib import Path

from corpus.parallel_text import parse_parts, read_parts
from corpus.raw_table import write_parts
from workbench.cli import run_script, script_parser


def main(arguments: argparse.Namespace) -> None:
    """Write the raw table."""
    write_parts(arguments.output, read_parts(parse_parts(arguments.part), arguments.max_line_bytes))


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument(
        "--part",
        required=True,
        action="append",
        nargs="+",
        metavar="NAME FILE",
        help="train, valid or test, then its source and target file, or its TSV; repeatable",
    )
    parser.add_argument("--max-line-bytes", required=True, type=int, help="a longer line is an error, not a sentence")
    parser.add_argument("--output", required=True, type=Path, help="raw.tsv.gz")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
