"""Write the table of a study's runs, and its settings with the versions of the software that computes it."""

import argparse
import importlib.metadata
import json
import platform
from dataclasses import astuple
from pathlib import Path

from planning.runs import Runs
from workbench.cli import run_script, say, script_parser
from workbench.files import write_text
from workbench.runs import RUN_COLUMNS
from workbench.tables import write_rows

SOFTWARE = ["snakemake", "torch", "fairseq-fixed", "sentencepiece", "ctranslate2", "sacrebleu", "pandas"]


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that shape the results, if they are installed here."""
    found = {"python": platform.python_version()}
    for name in SOFTWARE:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def main(arguments: argparse.Namespace) -> None:
    """Write both files."""
    study = json.loads(arguments.study)
    runs = Runs.read(study)
    write_rows(arguments.runs, RUN_COLUMNS, (astuple(run) for run in runs.table))
    # In the order of the configuration, which tables, figures and colours follow.
    described = json.dumps({**study, "versions": versions()}, indent=2, ensure_ascii=False)
    write_text(arguments.output, described + "\n")
    say(f"{len(runs.table):,} runs, {len(runs.distinct):,} of them distinct")
    for learner, conditions in runs.by_learner.items():
        left_out = [name for name in runs.chosen[learner] or runs.conditions if name not in conditions]
        if left_out:
            reason = "it cannot write its own text before it is trained"
            say(f"learner {learner} has no runs of {', '.join(left_out)}: {reason}")


PARSER = script_parser(__doc__)
PARSER.add_argument("--study", required=True, help="settings of the study as JSON")
PARSER.add_argument("--runs", type=Path, required=True, help="table of runs to write")
PARSER.add_argument("--output", type=Path, required=True, help="study.json to write")


if __name__ == "__main__":
    run_script(PARSER, main)
