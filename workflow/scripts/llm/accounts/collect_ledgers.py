"""Collect the requests, answers and costs of every LLM behind an API in one table.

Each generator and judge has a row. Each run of a hosted learner has one for its fine-tuning and one for its
translations.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.cli import named_files, run_script, say, script_parser
from workbench.files import read_json
from workbench.tables import write_rows
from workbench.text import one_line

_COLUMNS = (
    "generator, model, served, mode, sources, targets, left_out, reused, requests, repeated, retried, throttled, "
    "failed, refusals, input_tokens, output_tokens, usd, price, notes"
)
COLUMNS = tuple(_COLUMNS.split(", "))


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    totals: Counter[str] = Counter()

    def rows() -> Iterator[list[str]]:
        """One ledger after the other: a study may have thousands."""
        for name, path in named_files("--ledgers", arguments.ledgers).items():
            ledger = {**read_json(path), "generator": name}
            totals.update(requests=ledger["requests"], usd=ledger["usd"])
            yield ledger_row(ledger)

    write_rows(arguments.output, COLUMNS, rows())
    say(f"{totals['requests']:,} requests, ${totals['usd']:,.4f}")


def ledger_row(ledger: Mapping[str, Any]) -> list[str]:
    """A ledger's values of :data:`COLUMNS` as text; US dollars to a hundredth of a cent."""
    values = (ledger[name] for name in COLUMNS)
    return [f"{value:.4f}" if isinstance(value, float) else one_line(str(value)) for value in values]


PARSER = script_parser(__doc__)
PARSER.add_argument("--ledgers", nargs="+", required=True, metavar="NAME=FILE", help="ledgers in JSON")
PARSER.add_argument("--output", type=Path, required=True, help="table to write")


if __name__ == "__main__":
    run_script(PARSER, main)
