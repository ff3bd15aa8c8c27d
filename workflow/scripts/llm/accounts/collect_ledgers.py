"""Collect what every LLM behind an API was asked, what it answered and what that cost.

A row for each generator and judge; for each run of a hosted learner one for its fine-tuning and one for its
translations.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from workbench.cli import named_files, run_script, say, script_parser
from workbench.tables import write_rows
from workbench.text import one_line

COLUMNS = (
    "generator",
    "model",
    "served",
    "mode",
    "sources",
    "targets",
    "left_out",
    "reused",
    "requests",
    "repeated",
    "retried",
    "throttled",
    "failed",
    "refusals",
    "input_tokens",
    "output_tokens",
    "usd",
    "price",
    "notes",
)


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    files = named_files("--ledgers", arguments.ledgers).items()
    ledgers = [{**json.loads(path.read_text(encoding="utf-8")), "generator": name} for name, path in files]
    write_rows(arguments.output, COLUMNS, ([cell(ledger[name]) for name in COLUMNS] for ledger in ledgers))
    usd = sum(ledger["usd"] for ledger in ledgers)
    requests = sum(ledger["requests"] for ledger in ledgers)
    say(f"{requests:,} requests, ${usd:,.4f}")


def cell(value: object) -> str:
    """A value of a ledger as text; US dollars to a hundredth of a cent."""
    return f"{value:.4f}" if isinstance(value, float) else one_line(str(value))


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--ledgers", nargs="+", required=True, metavar="NAME=FILE", help="of what was asked, JSON")
    parser.add_argument("--output", type=Path, required=True, help="table to write")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
