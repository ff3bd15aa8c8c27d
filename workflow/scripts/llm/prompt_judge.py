"""Ask an LLM how good a generator's targets are, from 0 to 100: what the journal does not hold yet, nothing twice.

Scores are those of direct assessment without a reference, see :mod:`llm.answers.scores`. A target without a usable
answer has an empty score.
"""

import argparse
from pathlib import Path

from llm.answers.scores import Pairs
from llm.asking.export import Results
from llm.session import carry_out, session_parser
from workbench.cli import run_script


def main(arguments: argparse.Namespace) -> None:
    """Ask for what is missing, then write the files."""
    pairs = Pairs(arguments.pool, arguments.generated)
    results = Results(("id", "score"), lambda target: (target.source.id, target.text or ""))
    carry_out(arguments, pairs, arguments.scores, results)


PARSER = session_parser(__doc__)
PARSER.add_argument("--generated", type=Path, required=True, help="the generator's targets, which are judged")
PARSER.add_argument("--scores", type=Path, required=True, help="output: a score for each target")


if __name__ == "__main__":
    run_script(PARSER, main)
