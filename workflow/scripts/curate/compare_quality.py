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
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from curate.quality import load_metric
from stats.bootstrap import interval, rank_correlation, resampled_correlations
from workbench.cli import UserError, named_files, run_script, say, script_parser
from workbench.draws import draw_names
from workbench.tables import read_rows, score_text, write_rows


class Agreement(NamedTuple):
    """How a ranking of targets agrees with the oracle."""

    targets: int  # number of targets in both tables
    scored: int  # how many of these have a score; the correlation is over them
    # Spearman's correlation. None if scores or oracle do not vary, or fewer than three targets are scored.
    spearman: float | None
    # spearman_low, spearman_high: its 95 % interval over targets
    spearman_low: float | None
    spearman_high: float | None
    mean_oracle: float  # mean oracle score of all targets, in points
    # top_half_oracle, bottom_half_oracle: the same of the half ranked first and of the half ranked last. The middle one
    # of an odd number is in neither.
    top_half_oracle: float
    bottom_half_oracle: float


COLUMNS = ("generator", "quality", "metric", "better", *Agreement._fields, "practical")


def is_practical(about: Mapping[str, Mapping[str, Any]], name: str) -> bool:
    """Whether the score ``name`` needs no human targets; an average is practical if all its parts are.

    ``about`` holds the metric of every score, and the scores that an average is of.
    """
    needs_human = load_metric(about[name]["metric"]).METRIC.needs_human
    return not needs_human and all(is_practical(about, part) for part in about[name].get("of", ()))


def agreement(
    scores: Sequence[float | None],
    ranking: Sequence[int],
    oracle: Sequence[float],
    better: str,
    resamples: int,
    seed: int,
) -> Agreement:
    """Compare a ranking, in which the best target has the lowest number, with the oracle's scores of the same targets.

    ``scores``, of which ``higher`` or ``lower`` ones are ``better``, are None for targets without one. The interval is
    that of ``resamples`` drawn with ``seed``.
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


def compare(scores: Path, oracle: Path, better: str, targets: int | None, resamples: int, seed: int) -> Agreement:
    """The agreement of a table of scores with the oracle's, on all targets of the generator or ``targets`` drawn by id.

    Raises:
        UserError: they have no target in common.
    """
    known_truth = {name: float(score) for name, score in read_rows(oracle, ["id", "score"]) if score}
    truth = {name: known_truth[name] for name in draw_names(known_truth, targets, seed)}
    rows = [row for row in read_rows(scores, ["id", "score", "rank"]) if row[0] in truth]
    if not rows:
        raise UserError(f"{scores}: no target in common with {oracle}; delete the older file and run again")
    ids, found, ranking = zip(*rows, strict=True)
    known = [float(score) if score else None for score in found]
    return agreement(known, [*map(int, ranking)], [truth[name] for name in ids], better, resamples, seed)


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    oracles = named_files("--oracle", arguments.oracle)
    rows = []
    for label, path in named_files("--scores", arguments.scores).items():
        generator, _, name = label.partition(":")
        metric = arguments.about[name]["metric"]
        better = load_metric(metric).METRIC.better
        found = compare(path, oracles[generator], better, arguments.targets, arguments.samples, arguments.seed)
        practical = "yes" if is_practical(arguments.about, name) else "no"
        figures = (found.targets, found.scored, *map(score_text, found[2:]))
        rows.append((generator, name, metric, better, *figures, practical))
        shown = "no correlation" if found.spearman is None else f"Spearman {found.spearman:.2f}"
        say(f"{generator}, {name}: {shown} with the oracle on {found.scored:,} targets")
    write_rows(arguments.output, COLUMNS, rows)


PARSER = script_parser(__doc__)
PARSER.add_argument("--oracle", nargs="*", required=True, metavar="GENERATOR=TABLE", help="the oracle's scores")
PARSER.add_argument("--scores", nargs="*", required=True, metavar="GENERATOR:NAME=TABLE", help="the other scores")
PARSER.add_argument("--about", type=json.loads, required=True, help="JSON: metric of every score, and what it averages")
PARSER.add_argument("--targets", type=int, help="maximum number of a generator's targets to compare, drawn by id")
PARSER.add_argument("--samples", type=int, required=True, help="number of resamples behind each interval")
PARSER.add_argument("--seed", type=int, required=True, help="seed of the draw and of the resamples")
PARSER.add_argument("--output", type=Path, required=True, help="table to write")


if __name__ == "__main__":
    run_script(PARSER, main)
