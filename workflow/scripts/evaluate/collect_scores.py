"""Collect the scores of all runs in one table, and their training times in another.

The times have their own table because they differ between machines and days; the scores do not.
"""

import argparse
from pathlib import Path

from workbench.cli import UserError, run_script, say, script_parser
from workbench.files import read_json
from workbench.runs import Run, read_runs, trained_runs
from workbench.tables import score_text, write_rows

TRAINING_COLUMNS = ("updates", "epochs", "best_valid_loss")
TIMING_COLUMNS = ("seconds", "target_tokens_per_second")


def main(arguments: argparse.Namespace) -> None:
    """Write both tables."""
    runs = read_runs(arguments.runs)
    folder = arguments.runs_folder
    metrics = arguments.metrics
    signatures = [f"{metric}_signature" for metric in metrics]
    columns = ["learner", "condition", "size", "seed", *metrics, "recipe", "sentences", *TRAINING_COLUMNS, *signatures]
    write_rows(arguments.scores, columns, (score_row(run, run.folder(folder), metrics) for run in runs))
    trainings = {run.folder(folder): run for run in trained_runs(runs)}
    write_rows(
        arguments.timings,
        ["learner", "recipe", "size", "seed", *TIMING_COLUMNS],
        (timing_row(run, path) for path, run in trainings.items()),
    )
    say(f"{len(runs):,} rows from {len(trainings):,} trained models")


def score_row(run: Run, folder: Path, metrics: list[str]) -> list[object]:
    """One row of the score table.

    Raises:
        UserError: the run was not scored by one of ``metrics``.
    """
    scores = read_json(folder / "scores.json")
    missing = [metric for metric in metrics if metric not in scores["metrics"]]
    if missing:
        raise UserError(f"{folder / 'scores.json'}: no score of metric {missing[0]!r}; score the run again")
    training = read_json(folder / "training.json") if run.size else {}
    return [
        *(run.learner, run.condition, run.size, run.seed),
        *(score_text(scores["metrics"][metric]["score"]) for metric in metrics),
        *(run.recipe, scores["sentences"]),
        *map(training.get, TRAINING_COLUMNS),
        *(scores["metrics"][metric]["signature"] for metric in metrics),
    ]


def timing_row(run: Run, folder: Path) -> list[object]:
    """One row of the table of times: one trained model, even if several conditions share it."""
    training = read_json(folder / "training.json")
    return [run.learner, run.recipe, run.size, run.seed, *map(training.get, TIMING_COLUMNS)]


PARSER = script_parser(__doc__)
PARSER.add_argument("--runs", type=Path, required=True, help="the run table")
PARSER.add_argument("--runs-folder", type=Path, required=True, help="folder of LEARNER/RECIPE/SIZE/SEED")
PARSER.add_argument("--metrics", nargs="+", required=True, help="metrics to collect, in the order of the columns")
PARSER.add_argument("--scores", type=Path, required=True, help="output table")
PARSER.add_argument("--timings", type=Path, required=True, help="output table")


if __name__ == "__main__":
    run_script(PARSER, main)
