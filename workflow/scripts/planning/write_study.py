"""Write down what a study is made of: the table of its runs, and its settings with the versions of what computes."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
from pathlib import Path

from planning.runs import conditions_of, run_table
from workbench.cli import run_script, say, script_parser
from workbench.files import write_text
from workbench.runs import RUN_COLUMNS
from workbench.tables import write_rows

SOFTWARE = ["snakemake", "torch", "fairseq-fixed", "sentencepiece", "ctranslate2", "sacrebleu", "pandas"]


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that shape the results, as far as they are installed here."""
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
    runs = run_table(study)
    write_rows(arguments.runs, RUN_COLUMNS, runs.itertuples(index=False))
    # In the order of the configuration, which tables, figures and colours follow.
    described = json.dumps({**study, "versions": versions()}, indent=2, ensure_ascii=False)
    write_text(arguments.output, described + "\n")
    distinct = len(runs.drop_duplicates(["learner", "recipe", "size", "seed"]))
    say(f"{len(runs):,} runs, {distinct:,} of them distinct")
    for learner in study["learners"]:
        chosen = study["learners"][learner]["conditions"] or study["conditions"]
        left_out = [name for name in chosen if name not in conditions_of(study, learner)]
        if left_out:
            reason = "it writes nothing of its own before it is trained"
            say(f"learner {learner} has no runs of {', '.join(left_out)}: {reason}")


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--study", required=True, help="settings of the study as JSON")
    parser.add_argument("--runs", type=Path, required=True, help="table of runs to write")
    parser.add_argument("--output", type=Path, required=True, help="study.json to write")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
