"""Ask an LLM how good a generator's targets are, from 0 to 100: what the journal does not hold yet, nothing twice.

Scores are those of direct assessment without a reference, see :mod:`llm.answers.scores`. A target without a usable
answer has an empty score.
"""

import argparse
from pathlib import Path

from llm.answers.scores import Pairs
from llm.asking.dialogue import Target
from llm.asking.export import Results
from llm.session import carry_out, session_parser
from workbench.cli import run_script

COLUMNS = ("id", "score")


def main(arguments: argparse.Namespace) -> None:
    """Ask for what is missing, then write the files."""
    pairs = Pairs(arguments.pool, arguments.generated)
    carry_out(arguments, pairs, arguments.scores, Results(COLUMNS, row))


def row(target: Target) -> tuple[str, str]:
    """A target's id and score, which is empty where there is none."""
    return target.source.id, target.text or ""


PARSER = session_parser(__doc__)
PARSER.add_argument("--generated", type=Path, required=True, help="the generator's targets, which are judged")
PARSER.add_argument("--scores", type=Path, required=True, help="output: a score for each target")


if __name__ == "__main__":
    run_script(PARSER, main)
