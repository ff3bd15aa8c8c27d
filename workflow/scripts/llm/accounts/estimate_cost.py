"""Print what asking the study's LLMs will cost, before anything is asked."""

import argparse

from llm.accounts.estimate import add_study, over_budget, shutdown_notes, study_estimates, table
from workbench.cli import run_script, script_parser


def main(arguments: argparse.Namespace) -> None:
    """Print the estimate."""
    found = study_estimates(arguments)
    if not found:
        print("no condition, score or learner draws on an LLM behind an API: nothing to pay")
        return
    print(table(found))
    for note in shutdown_notes(found):
        print(f"WARNING: {note}")
    for problem in over_budget(found):
        print(f"OVER BUDGET: {problem}")


PARSER = script_parser(__doc__)
add_study(PARSER)


if __name__ == "__main__":
    run_script(PARSER, main)
