"""Translate ``test`` with a hosted learner's model: what the journal does not hold yet, nothing twice."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from llm.asking.dialogue import Target
from llm.asking.export import Results
from llm.asking.setup import SourceTable
from llm.session import carry_out, session_parser
from llm.tuning.outputs import tuned_model
from workbench.cli import UserError, run_script
from workbench.generated import COLUMNS, Generated, table_row


def main(arguments: argparse.Namespace) -> None:
    """Ask for what is missing, then write the files."""
    if arguments.test is None:
        raise UserError("--test: name the split to translate")
    model = tuned_model(arguments.model) if arguments.model else json.loads(arguments.settings)["model"]
    carry_out(arguments, SourceTable(arguments.test), arguments.hypotheses, Results(COLUMNS, row), model, arguments.run)


def row(target: Target) -> Sequence[object]:
    """A hypothesis; empty where no answer can be used, for every source of the test set counts."""
    metadata = {"outcome": str(target.outcome), "steps": target.steps}
    if target.stored:
        metadata["tokens"] = target.stored.output_tokens
    return table_row(Generated(target.source.id, target.text or "", target.logprob, metadata))


PARSER = session_parser(__doc__)
PARSER.add_argument("--run", required=True, help="name of the run, LEARNER/RECIPE/SIZE/SEED")
PARSER.add_argument("--model", type=Path, help="model.json of the run (default: the base model, zero-shot)")
PARSER.add_argument("--hypotheses", type=Path, required=True, help="output: a translation of every source of TEST")


if __name__ == "__main__":
    run_script(PARSER, main)
