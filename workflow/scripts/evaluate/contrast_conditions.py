"""Compare conditions: contrasts, shares of gaps closed, areas between learning curves, exchange rates.

All figures are computed from the same draws of the hierarchical bootstrap (:mod:`stats.bootstrap`). The variation that
two conditions share, from test segments and seeds, therefore cancels out of their difference.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evaluate.curves import equivalent_sizes, mean_over_sizes, pairs_text, rate_text, rising
from evaluate.gap import estimate, share_interval, verdict
from evaluate.results import Contrast, CurveArea, ExchangeRate, Remedy
from stats.bootstrap import interval, two_sided_p
from stats.holm import holm_where_tested, say_too_few
from stats.resampled import Cell, Key, ResampledScores, add_score_arguments, cells_of, check_condition, read_scores
from workbench.cli import UserError, run_script, say, script_parser
from workbench.intervals import Interval
from workbench.records import write_records
from workbench.runs import read_runs, trained_runs

RELATIONS = ("remedied", "reverse")
_NOT_RISING = "undefined: human text in the largest size is not clearly better than in the smallest"


@dataclass(frozen=True)
class LearnerScores:
    """The resampled scores of all conditions of one learner by one metric."""

    learner: str
    metric: str
    sign: int  # 1 if higher scores are better, -1 if lower scores are
    baseline: str
    cells: Mapping[tuple[str, int], Cell]  # by condition and size, in the order of the run table
    # For each of :data:`RELATIONS`, the condition that each condition is compared with
    relations: Mapping[str, Mapping[str, str]]
    scores: ResampledScores

    def draws(self, condition: str, size: int) -> np.ndarray:
        """Scores in the metric's own direction: shape (1 + resamples,), the score on the test set first."""
        return self.scores.draws(self.cells[condition, size], self.metric)

    def better_by(self, condition: str, other: str, size: int) -> np.ndarray:
        """How many points ``condition`` is better than ``other``: shape (1 + resamples,)."""
        difference: np.ndarray = self.draws(condition, size) - self.draws(other, size)
        return self.sign * difference

    def same(self, condition: str, other: str, size: int) -> bool:
        """Whether both conditions are the same runs at a size."""
        return len(self.pair(condition, other, size)) == 1

    def pair(self, condition: str, other: str, size: int) -> frozenset[Cell]:
        """The two cells compared at a size, in no order; only one if both conditions are the same runs."""
        return frozenset((self.cells[condition, size], self.cells[other, size]))

    def others(self) -> list[str]:
        """The conditions other than the baseline."""
        return [name for name in dict.fromkeys(name for name, _ in self.cells) if name != self.baseline]

    def sizes_of(self, *conditions: str) -> list[int]:
        """The sizes at which all ``conditions`` were run, in ascending order."""
        sizes = sorted({size for _, size in self.cells})
        return [size for size in sizes if all((name, size) in self.cells for name in conditions)]


def main(arguments: argparse.Namespace) -> None:
    """Write the four tables. Size 0 is excluded, because all conditions share its run."""
    cells = cells_of(trained_runs(read_runs(arguments.runs)), arguments.runs_folder)
    check_condition("--baseline", arguments.baseline, cells, arguments.runs)
    relations = read_relations(arguments.relations, cells, arguments.runs)
    scores = read_scores(arguments, cells.values())
    learners = list(learner_scores(cells, relations, scores, arguments.baseline))
    families = [contrasts(learner) for learner in learners]
    count = write_records(arguments.contrasts, Contrast, (row for family in families for row in family))
    remedied = write_records(arguments.remedies, Remedy, (row for learner in learners for row in remedies(learner)))
    write_records(arguments.curves, CurveArea, (row for learner in learners for row in curve_areas(learner)))
    write_records(arguments.exchange, ExchangeRate, (row for learner in learners for row in exchange_rates(learner)))
    say(f"{count:,} contrasts and {remedied:,} remedies of {scores.runs:,} runs, {arguments.resamples:,} resamples")
    tests = (
        [learner.pair(row.condition, row.against, row.size) for row in family if row.p_value is not None]
        for learner, family in zip(learners, families, strict=True)
    )
    say_too_few(tests, arguments.resamples, "resamples", step=2)


def read_relations(text: str, cells: Mapping[Key, Cell], table: Path) -> dict[str, dict[str, str]]:
    """Parse the JSON of ``--relations``.

    Raises:
        UserError: it does not have the expected form, or names a condition without runs.
    """
    try:
        given = json.loads(text)
        relations = {kind: dict(given.pop(kind, {})) for kind in RELATIONS}
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f'--relations: must be JSON such as {{"remedied": {{"a": "b"}}}}, not {text}') from error
    if given:
        raise UserError(f"--relations: unknown relation {next(iter(given))!r}; allowed: {', '.join(RELATIONS)}")
    for kind, pairs in relations.items():
        for name in [*pairs, *pairs.values()]:
            check_condition(f"--relations, {kind}:", name, cells, table)
    return relations


def learner_scores(
    cells: Mapping[Key, Cell],
    relations: Mapping[str, Mapping[str, str]],
    scores: ResampledScores,
    baseline: str,
) -> Iterator[LearnerScores]:
    """The scores of each learner by each metric."""
    for learner in dict.fromkeys(learner for learner, _, _ in cells):
        own = {(condition, size): cell for (name, condition, size), cell in cells.items() if name == learner}
        for scorer in scores.scorers:
            sign = 1 if scorer.better == "higher" else -1
            yield LearnerScores(learner, scorer.name, sign, baseline, own, relations, scores)


def contrasts(learner: LearnerScores) -> list[Contrast]:
    """All contrasts of a learner by a metric, with Holm's correction of their p-values as one family.

    Contrasts of the same two cells are one test of the family and have the same p-values.
    """
    rows = [
        contrast(learner, size, kind, condition, against)
        for kind, condition, against in contrasted(learner)
        for size in learner.sizes_of(condition, against)
    ]
    tests = (learner.pair(row.condition, row.against, row.size) for row in rows)
    corrected = holm_where_tested([row.p_value for row in rows], tests)
    return [replace(row, p_holm=p_holm) for row, p_holm in zip(rows, corrected, strict=True)]


def contrasted(learner: LearnerScores) -> list[tuple[str, str, str]]:
    """Kind, condition and the condition it is compared with; a kind contains each pair of conditions once."""
    wanted = [("baseline", name, learner.baseline) for name in learner.others()]
    wanted += [(kind, *pair) for kind in RELATIONS for pair in learner.relations[kind].items()]
    distinct: dict[tuple[str, frozenset[str]], tuple[str, str, str]] = {}
    for kind, condition, against in wanted:
        distinct.setdefault((kind, frozenset((condition, against))), (kind, condition, against))
    return list(distinct.values())


def contrast(learner: LearnerScores, size: int, kind: str, condition: str, against: str) -> Contrast:
    """One contrast, whose corrected p-value is still missing."""
    draws = learner.draws(condition, size) - learner.draws(against, size)
    difference = estimate(draws, learner.same(condition, against, size))
    return Contrast(
        learner=learner.learner,
        size=size,
        metric=learner.metric,
        kind=kind,
        condition=condition,
        against=against,
        difference=difference,
        p_value=difference.p_value,
        p_holm=None,
    )


def remedies(learner: LearnerScores) -> Iterator[Remedy]:
    """The gain of every remedy at every size; remedies of the baseline, or equal to it, have no gap to close."""
    for condition, remedied in learner.relations["remedied"].items():
        if learner.baseline not in (condition, remedied):
            for size in learner.sizes_of(condition, remedied, learner.baseline):
                yield remedy(learner, size, condition, remedied)


def remedy(learner: LearnerScores, size: int, condition: str, remedied: str) -> Remedy:
    """The gain of one remedy at one size."""
    gaps = learner.better_by(learner.baseline, remedied, size)
    gains = learner.better_by(condition, remedied, size)
    gap = estimate(gaps, learner.same(learner.baseline, remedied, size))
    won = estimate(gains, learner.same(condition, remedied, size))
    share = share_interval(gains[1:], gaps[1:]) if gap.clear and gap.low > 0 else None
    return Remedy(
        learner=learner.learner,
        size=size,
        metric=learner.metric,
        condition=condition,
        remedied=remedied,
        baseline=learner.baseline,
        gap=gap,
        gap_p=gap.p_value,
        won=won,
        won_p=won.p_value,
        share=Interval(won.value / gap.value, *share) if share else None,
        verdict=verdict(gap, won, share),
    )


def curve_areas(learner: LearnerScores) -> Iterator[CurveArea]:
    """The area between each condition's learning curve and the baseline's, if both have two sizes or more."""
    for condition in learner.others():
        sizes = learner.sizes_of(condition, learner.baseline)
        if len(sizes) < 2:
            continue
        differences = np.array([learner.better_by(condition, learner.baseline, size) for size in sizes])
        areas = mean_over_sizes(differences, sizes)
        yield CurveArea(
            learner=learner.learner,
            metric=learner.metric,
            condition=condition,
            area=estimate(areas),
            p_value=two_sided_p(areas[1:]),
            smallest=sizes[0],
            largest=sizes[-1],
        )


def exchange_rates(learner: LearnerScores) -> Iterator[ExchangeRate]:
    """The value of each condition in human pairs at each size, if the baseline has two sizes or more."""
    sizes = learner.sizes_of(learner.baseline)
    if len(sizes) < 2:
        return
    human = learner.sign * np.array([learner.draws(learner.baseline, size) for size in sizes])
    low, _ = interval(human[-1, 1:] - human[0, 1:])
    human = rising(human)
    for condition in learner.others():
        for size in learner.sizes_of(condition):
            draws = learner.draws(condition, size)
            pairs, rate = ["", "", ""], ""
            if low > 0:
                found = equivalent_sizes(learner.sign * draws, human, sizes)
                # The limits must be drawn values, because 0 and infinity are among them.
                limits = interval(found[1:], method="inverted_cdf")
                pairs = [pairs_text(number, sizes) for number in (float(found[0]), *limits)]
                rate = rate_text(float(found[0]), sizes, size)
            yield ExchangeRate(
                learner=learner.learner,
                metric=learner.metric,
                condition=condition,
                size=size,
                score=float(draws[0]),
                human_pairs=pairs[0],
                human_pairs_low=pairs[1],
                human_pairs_high=pairs[2],
                rate=rate,
                note="" if low > 0 else _NOT_RISING,
            )


PARSER = script_parser(__doc__)
add_score_arguments(PARSER)
PARSER.add_argument(
    "--relations",
    required=True,
    help='JSON: {"remedied": {CONDITION: the condition it remedies}, "reverse": {CONDITION: the reverse order}}',
)
PARSER.add_argument("--contrasts", type=Path, required=True, help="output table of paired differences")
PARSER.add_argument("--remedies", type=Path, required=True, help="output table of the shares of gaps closed")
PARSER.add_argument("--curves", type=Path, required=True, help="output table of the areas between learning curves")
PARSER.add_argument("--exchange", type=Path, required=True, help="output table of exchange rates")


if __name__ == "__main__":
    run_script(PARSER, main)
