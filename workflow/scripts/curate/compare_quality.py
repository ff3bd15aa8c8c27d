"""Compare every quality score with the oracle: which scores mean anything, and for which generator.

Writes a row for each generator and score: Spearman's correlation with the oracle, which is the sentence chrF against
the human target, and the oracle's mean of the better and of the worse half. A positive correlation means that a better
score goes with a target closer to the human one, whether higher or lower scores are better. In a large pool a sample of
the targets is compared; the column ``targets`` is its size.
"""

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from curate.quality import QualityMetric, load_metric
from stats.bootstrap import interval, rank_correlation, resampled_correlations
from workbench.cli import UserError, named_files, run_script, say, script_parser
from workbench.draws import draw_names
from workbench.tables import read_rows, score_text, write_rows


@dataclass(frozen=True)
class ScoreDefinition:
    """The metric of a score in the section ``quality`` of the configuration, and the scores that an average is of."""

    metric: str
    of: tuple[str, ...] = ()


class Agreement(NamedTuple):
    """How a ranking of targets agrees with the oracle.

    Attributes:
        targets: number of targets in both tables.
        scored: how many of these have a score; the correlation is over them.
        spearman: Spearman's correlation. None if scores or oracle do not vary, or fewer than three targets are scored.
        spearman_low, spearman_high: its 95 % interval over targets.
        mean_oracle: mean oracle score of all targets, in points.
        top_half_oracle, bottom_half_oracle: the same of the half ranked first and of the half ranked last. The middle
            one of an odd number is in neither.
    """

    targets: int
    scored: int
    spearman: float | None
    spearman_low: float | None
    spearman_high: float | None
    mean_oracle: float
    top_half_oracle: float
    bottom_half_oracle: float


COLUMNS = ("generator", "quality", "metric", "better", *Agreement._fields, "practical")


def is_practical(definitions: Mapping[str, ScoreDefinition], name: str) -> bool:
    """Whether the score ``name`` needs no human targets; an average is practical if all its parts are."""
    needs_human = metric_of(definitions, name).needs_human
    return not needs_human and all(is_practical(definitions, part) for part in definitions[name].of)


def metric_of(definitions: Mapping[str, ScoreDefinition], name: str) -> QualityMetric:
    """The metric behind the score ``name``.

    Raises:
        UserError: ``definitions`` does not contain the score.
    """
    if name not in definitions:
        raise UserError(f"--about: nothing about the score {name!r}; it has {', '.join(definitions)}")
    return load_metric(definitions[name].metric).METRIC


def agreement(
    scores: Sequence[float | None],
    ranking: Sequence[int],
    oracle: Sequence[float],
    better: str,
    resamples: int,
    seed: int,
) -> Agreement:
    """Compare a ranking with the oracle; the interval is that of ``resamples`` drawn with ``seed``.

    Args:
        scores: score of each target; None if it has none.
        ranking: rank of each target; the best has the lowest.
        oracle: the oracle's score of each target.
        better: which ``scores`` are better, ``higher`` or ``lower``.
    """
    known = np.array([value is not None for value in scores])
    signed = np.array([value for value in scores if value is not None]) * (1 if better == "higher" else -1)
    truth = np.array(oracle)
    low = high = None
    correlation = rank_correlation(signed, truth[known])
    if correlation is not None:
        drawn = resampled_correlations(signed, truth[known], resamples, seed)
        low, high = interval(drawn) if len(drawn) else (None, None)
    order = np.argsort(np.array(ranking))
    half = len(order) // 2
    top, bottom = (float(truth[part].mean()) if half else math.nan for part in (order[:half], order[-half:]))
    return Agreement(len(truth), int(known.sum()), correlation, low, high, float(truth.mean()), top, bottom)


def read_oracle(oracle: Path, targets: int | None, seed: int) -> dict[str, float]:
    """The oracle's scores by id: of all targets, or of ``targets`` targets drawn by id."""
    names = (name for name, score in read_rows(oracle, ["id", "score"]) if score)
    drawn = set(names if targets is None else draw_names(names, targets, seed))
    return {name: float(score) for name, score in read_rows(oracle, ["id", "score"]) if name in drawn}


def compare(scores: Path, oracle: Path, better: str, targets: int | None, resamples: int, seed: int) -> Agreement:
    """The agreement of a table of scores with the oracle's for the same generator, on at most ``targets`` targets.

    Raises:
        UserError: they have no target in common.
    """
    truth = read_oracle(oracle, targets, seed)
    rows = [row for row in read_rows(scores, ["id", "score", "rank"]) if row[0] in truth]
    if not rows:
        raise UserError(f"{scores}: no target in common with {oracle}; delete the older file and run again")
    ids, found, ranking = zip(*rows, strict=True)
    known = [float(score) if score else None for score in found]
    return agreement(known, [*map(int, ranking)], [truth[name] for name in ids], better, resamples, seed)


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    definitions = {
        name: ScoreDefinition(settings["metric"], tuple(settings.get("of", ())))
        for name, settings in arguments.about.items()
    }
    oracles = named_files("--oracle", arguments.oracle)
    rows = []
    for label, path in named_files("--scores", arguments.scores).items():
        generator, _, name = label.partition(":")
        if generator not in oracles:
            raise UserError(f"--scores {label}: no --oracle of {generator!r}; there are {', '.join(oracles)}")
        better = metric_of(definitions, name).better
        found = compare(path, oracles[generator], better, arguments.targets, arguments.samples, arguments.seed)
        practical = "yes" if is_practical(definitions, name) else "no"
        figures = (found.targets, found.scored, *map(score_text, found[2:]))
        rows.append((generator, name, definitions[name].metric, better, *figures, practical))
        shown = "no correlation" if found.spearman is None else f"Spearman {found.spearman:.2f}"
        say(f"{generator}, {name}: {shown} with the oracle on {found.scored:,} targets")
    write_rows(arguments.output, COLUMNS, rows)


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--oracle", nargs="*", required=True, metavar="GENERATOR=TABLE", help="the oracle's scores")
    parser.add_argument("--scores", nargs="*", required=True, metavar="GENERATOR:NAME=TABLE", help="the other scores")
    parser.add_argument("--about", type=json.loads, required=True, help="JSON: settings of every score by name")
    parser.add_argument("--targets", type=int, help="maximum number of a generator's targets to compare, drawn by id")
    parser.add_argument("--samples", type=int, required=True, help="number of resamples behind each interval")
    parser.add_argument("--seed", type=int, required=True, help="seed of the draw and of the resamples")
    parser.add_argument("--output", type=Path, required=True, help="table to write")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
