"""Collect the requests, answers and costs of every LLM behind an API in one table.

Each generator and judge has a row. Each run of a hosted learner has one for its fine-tuning and one for its
translations.
"""

import argparse
from pathlib import Path

from llm.accounts.ledgers import COLUMNS, ledger_row
from workbench.cli import named_files, run_script, say, script_parser
from workbench.files import read_json
from workbench.tables import write_rows


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    files = named_files("--ledgers", arguments.ledgers).items()
    ledgers = [{**read_json(path), "generator": name} for name, path in files]
    write_rows(arguments.output, COLUMNS, map(ledger_row, ledgers))
    usd = sum(ledger["usd"] for ledger in ledgers)
    requests = sum(ledger["requests"] for ledger in ledgers)
    say(f"{requests:,} requests, ${usd:,.4f}")


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--ledgers", nargs="+", required=True, metavar="NAME=FILE", help="ledgers in JSON")
    parser.add_argument("--output", type=Path, required=True, help="table to write")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
