"""Ask an LLM for the targets of the pool's sources: what the journal does not hold yet, nothing twice."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from llm.asking.dialogue import Target
from llm.asking.export import Results
from llm.asking.setup import SourceTable
from llm.session import carry_out, session_parser
from workbench.cli import run_script
from workbench.generated import COLUMNS, Generated, table_row


def main(arguments: argparse.Namespace) -> None:
    """Ask for what is missing, then write the files."""
    carry_out(arguments, SourceTable(arguments.pool), arguments.generated, Results(COLUMNS, row))


def row(target: Target) -> Sequence[object] | None:
    """A target as generated text; none where the source has no target."""
    if target.text is None:
        return None
    metadata = {"sample": target.sample, "outcome": str(target.outcome), "steps": target.steps}
    return table_row(Generated(target.source.id, target.text, target.logprob, metadata))


PARSER = session_parser(__doc__)
PARSER.add_argument("--generated", type=Path, required=True, help="output: generated text")


if __name__ == "__main__":
    run_script(PARSER, main)
