"""Say what asking the study's LLMs will cost, before anything is asked."""

from __future__ import annotations

import argparse
from pathlib import Path

from llm.estimate import add_generators, estimates, over_budget, shutdown_notes, table
from workbench.cli import run_script, script_parser


def main(arguments: argparse.Namespace) -> None:
    """Print the estimate."""
    found = estimates(arguments.generator, arguments.pool)
    if not found:
        print("neither a condition nor a score draws on an LLM behind an API: nothing to pay")
        return
    print(table(found))
    for note in shutdown_notes(found):
        print(f"WARNING: {note}")
    for problem in over_budget(found):
        print(f"OVER BUDGET: {problem}")


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    add_generators(parser)
    parser.add_argument("--pool", type=Path, required=True, help="the split whose sources are asked about")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
