"""Compare every quality score with the oracle: which of them means anything, for which generator.

Writes a row for each generator and score: Spearman's correlation with the oracle, the sentence chrF against the human
target, and what the better and the worse half are like. Positive correlations mean that a better score goes with a
target closer to the human one, whichever scores are better. Of a large pool a sample is compared; the column
``targets`` says how many.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from curate.agreement import Agreement, agreement
from curate.quality import Metric, load_metric
from workbench.cli import UserError, named_files, run_script, say, script_parser
from workbench.draws import draw_names
from workbench.tables import read_rows, score_text, write_rows

COLUMNS = (
    "generator",
    "quality",
    "metric",
    "better",
    "targets",
    "scored",
    "spearman",
    "spearman_low",
    "spearman_high",
    "mean_oracle",
    "top_half_oracle",
    "bottom_half_oracle",
    "practical",
)

About = Mapping[str, Mapping[str, Any]]
"""The settings of every score by name, as the section ``quality`` of the configuration has them."""


def is_practical(about: About, name: str) -> bool:
    """Whether the score ``name`` can be had without human targets; an average only if all its parts can."""
    settings = about[name]
    return metric_of(about, name).practical and all(is_practical(about, part) for part in settings.get("of", ()))


def metric_of(about: About, name: str) -> Metric:
    """The metric behind the score ``name``.

    Raises:
        UserError: ``about`` does not hold it.
    """
    if name not in about:
        raise UserError(f"--about: nothing of the score {name!r}; it has {', '.join(about)}")
    return load_metric(about[name]["metric"]).METRIC


def read_oracle(oracle: Path, targets: int | None, seed: int) -> dict[str, float]:
    """The oracle's scores by id: all, or those of so many ``targets``, drawn by id."""
    names = (name for name, score in read_rows(oracle, ["id", "score"]) if score)
    drawn = set(names if targets is None else draw_names(names, targets, seed))
    return {name: float(score) for name, score in read_rows(oracle, ["id", "score"]) if name in drawn}


def compare(scores: Path, oracle: Path, better: str, targets: int | None, samples: int, seed: int) -> Agreement:
    """The agreement of a table of scores with the oracle's for the same generator, on at most so many ``targets``.

    Raises:
        UserError: they have no target in common.
    """
    truth = read_oracle(oracle, targets, seed)
    rows = [row for row in read_rows(scores, ["id", "score", "rank"]) if row[0] in truth]
    if not rows:
        raise UserError(f"{scores}: no target in common with {oracle}; delete the older file and run again")
    return agreement(
        [float(score) if score else None for _, score, _ in rows],
        [int(rank) for _, _, rank in rows],
        [truth[name] for name, _, _ in rows],
        better,
        samples,
        seed,
    )


def row(generator: str, name: str, about: About, found: Agreement) -> list[object]:
    """One line of the table."""
    return [
        *(generator, name, about[name]["metric"], metric_of(about, name).better),
        *(found.targets, found.scored),
        *map(score_text, found[2:]),
        "yes" if is_practical(about, name) else "no",
    ]


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    oracles = named_files("--oracle", arguments.oracle)
    rows = []
    for label, path in named_files("--scores", arguments.scores).items():
        generator, _, name = label.partition(":")
        if generator not in oracles:
            raise UserError(f"--scores {label}: no --oracle of {generator!r}; there are {', '.join(oracles)}")
        better = metric_of(arguments.about, name).better
        found = compare(path, oracles[generator], better, arguments.targets, arguments.samples, arguments.seed)
        rows.append(row(generator, name, arguments.about, found))
        shown = "no correlation" if found.spearman is None else f"Spearman {found.spearman:.2f}"
        say(f"{generator}, {name}: {shown} with the oracle on {found.scored:,} targets")
    write_rows(arguments.output, COLUMNS, rows)


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument(
        "--oracle", nargs="*", required=True, metavar="GENERATOR=TABLE", help="the oracle's scores of each generator"
    )
    parser.add_argument(
        "--scores", nargs="*", required=True, metavar="GENERATOR:NAME=TABLE", help="scores of each generator"
    )
    parser.add_argument("--about", type=json.loads, required=True, help="JSON: settings of every score by name")
    parser.add_argument("--targets", type=int, help="compare on at most so many targets of a generator, drawn by id")
    parser.add_argument("--samples", type=int, required=True, help="resamples of the instances behind each interval")
    parser.add_argument("--seed", type=int, required=True, help="seed of the draw and of the resamples")
    parser.add_argument("--output", type=Path, required=True, help="table to write")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
