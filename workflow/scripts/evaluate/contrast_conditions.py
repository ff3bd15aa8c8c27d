"""Say how conditions stand to each other: contrasts, shares of a gap closed, learning curves, exchange rates.

Every figure is computed on the draws of the hierarchical bootstrap (``stats.bootstrap``) of all the scores that it
takes, so that what two conditions share, test segments and seeds, cancels out of their difference.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evaluate.curves import equivalent_sizes, mean_over_sizes, pairs_interval, pairs_text, rate_text, rising
from evaluate.gap import estimate, share_interval, verdict
from evaluate.relations import (
    Contrast,
    Curve,
    Exchange,
    Remedy,
    write_contrasts,
    write_curves,
    write_exchange,
    write_remedies,
)
from stats.bootstrap import interval, two_sided_p
from stats.holm import holm, say_too_few
from stats.metrics import Scorer, add_metric_arguments, build_scorers
from stats.resampled import Cell, Key, ResampledScores, cells_of, check_condition
from workbench.cli import UserError, run_script, say, script_parser
from workbench.runs import read_runs, trained_runs

RELATIONS = ("remedied", "reverse")
_NOT_RISING = "undefined: human text in the largest size is not clearly better than in the smallest"


@dataclass(frozen=True)
class Question:
    """All conditions of one learner under one metric.

    Attributes:
        cells: by condition and size, in the order of the run table.
        sign: 1 where higher scores are better, -1 where lower ones are.
        relations: for each of :data:`RELATIONS`, what a condition is set against.
    """

    learner: str
    metric: str
    sign: int
    baseline: str
    cells: Mapping[tuple[str, int], Cell]
    relations: Mapping[str, Mapping[str, str]]
    scores: ResampledScores

    def draws(self, condition: str, size: int) -> np.ndarray:
        """Scores in the metric's own direction: shape (1 + resamples,), the test set's own first."""
        return self.scores.draws(self.cells[condition, size], self.metric)

    def better_by(self, condition: str, other: str, size: int) -> np.ndarray:
        """How much better ``condition`` is than ``other``, in points: shape (1 + resamples,)."""
        return self.sign * (self.draws(condition, size) - self.draws(other, size))

    def same(self, condition: str, other: str, size: int) -> bool:
        """Whether both conditions are the same runs at a size."""
        return len(self.pair(condition, other, size)) == 1

    def pair(self, condition: str, other: str, size: int) -> frozenset[Cell]:
        """The cells that are compared at a size, in no order: one where both conditions are the same runs."""
        return frozenset((self.cells[condition, size], self.cells[other, size]))

    def others(self) -> list[str]:
        """The conditions other than the baseline."""
        return [name for name in dict.fromkeys(name for name, _ in self.cells) if name != self.baseline]

    def sizes_of(self, *conditions: str) -> list[int]:
        """The sizes at which all ``conditions`` were run, growing."""
        sizes = sorted({size for _, size in self.cells})
        return [size for size in sizes if all((name, size) in self.cells for name in conditions)]


def main(arguments: argparse.Namespace) -> None:
    """Write the four tables; at size 0 there is nothing to compare, for all conditions share its run."""
    cells = cells_of(trained_runs(read_runs(arguments.runs)), arguments.runs_folder)
    check_condition("--baseline", arguments.baseline, cells, arguments.runs)
    relations = read_relations(arguments.relations, cells, arguments.runs)
    scorers = build_scorers(arguments.metrics, arguments.metric_options, arguments.target_language)
    scores = ResampledScores(scorers, arguments.resamples, arguments.resampling_seed)
    scores.add(cells.values())
    asked = list(questions(cells, relations, scorers, scores, arguments.baseline))
    families = [contrasts(question) for question in asked]
    count = write_contrasts(arguments.contrasts, (row for family in families for row in family))
    remedied = write_remedies(arguments.remedies, (row for question in asked for row in remedies(question)))
    write_curves(arguments.curves, (row for question in asked for row in curves(question)))
    write_exchange(arguments.exchange, (row for question in asked for row in exchange(question)))
    say(f"{count:,} contrasts and {remedied:,} remedies of {scores.runs:,} runs, {arguments.resamples:,} resamples")
    largest = max((len(distinct_tests(*family)) for family in zip(asked, families, strict=True)), default=0)
    say_too_few(largest, arguments.resamples, "resamples", step=2)


def read_relations(text: str, cells: Mapping[Key, Cell], table: Path) -> dict[str, dict[str, str]]:
    """The relations that ``--relations`` gives as JSON.

    Raises:
        UserError: it is no JSON of that form, or names a condition without runs.
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


def questions(
    cells: Mapping[Key, Cell],
    relations: Mapping[str, Mapping[str, str]],
    scorers: Sequence[Scorer],
    scores: ResampledScores,
    baseline: str,
) -> Iterator[Question]:
    """One question for each learner and metric."""
    for learner in dict.fromkeys(learner for learner, _, _ in cells):
        own = {(condition, size): cell for (name, condition, size), cell in cells.items() if name == learner}
        for scorer in scorers:
            sign = 1 if scorer.better == "higher" else -1
            yield Question(learner, scorer.name, sign, baseline, own, relations, scores)


def contrasts(question: Question) -> list[Contrast]:
    """Every contrast of a learner and metric, with p-values that Holm's correction has made one family of.

    Contrasts of the same two cells are one test of the family and have the same p-values.
    """
    rows = [
        contrast(question, size, kind, condition, against)
        for kind, condition, against in contrasted(question)
        for size in question.sizes_of(condition, against)
    ]
    tests = distinct_tests(question, rows)
    corrected = dict(zip(tests, holm(list(tests.values())), strict=True))
    return [replace(row, p_holm=corrected.get(question.pair(row.condition, row.against, row.size))) for row in rows]


def distinct_tests(question: Question, rows: Sequence[Contrast]) -> dict[frozenset[Cell], float]:
    """The p-value of each pair of cells that ``rows`` test, once however many of them do."""
    return {question.pair(row.condition, row.against, row.size): row.p_value for row in rows if row.p_value is not None}


def contrasted(question: Question) -> list[tuple[str, str, str]]:
    """Kind, condition and what it is set against, no pair of conditions twice in one kind."""
    asked = [("baseline", name, question.baseline) for name in question.others()]
    asked += [(kind, *pair) for kind in RELATIONS for pair in question.relations[kind].items()]
    pairs: dict[tuple[str, frozenset[str]], tuple[str, str, str]] = {}
    for kind, condition, against in asked:
        pairs.setdefault((kind, frozenset((condition, against))), (kind, condition, against))
    return list(pairs.values())


def contrast(question: Question, size: int, kind: str, condition: str, against: str) -> Contrast:
    """One contrast, with no corrected p-value yet."""
    difference = estimate(
        question.draws(condition, size) - question.draws(against, size), question.same(condition, against, size)
    )
    return Contrast(
        learner=question.learner,
        size=size,
        metric=question.metric,
        kind=kind,
        condition=condition,
        against=against,
        difference=difference.value,
        difference_low=difference.low,
        difference_high=difference.high,
        p_value=difference.p_value,
        p_holm=None,
    )


def remedies(question: Question) -> Iterator[Remedy]:
    """What every remedy wins back at every size; the baseline itself has nothing to win back."""
    for condition, remedied in question.relations["remedied"].items():
        if question.baseline not in (condition, remedied):
            for size in question.sizes_of(condition, remedied, question.baseline):
                yield remedy(question, size, condition, remedied)


def remedy(question: Question, size: int, condition: str, remedied: str) -> Remedy:
    """What one remedy wins back at one size."""
    gaps = question.better_by(question.baseline, remedied, size)
    wins = question.better_by(condition, remedied, size)
    gap = estimate(gaps, question.same(question.baseline, remedied, size))
    won = estimate(wins, question.same(condition, remedied, size))
    share = share_interval(wins[1:], gaps[1:]) if gap.clear and gap.low > 0 else None
    return Remedy(
        learner=question.learner,
        size=size,
        metric=question.metric,
        condition=condition,
        remedied=remedied,
        baseline=question.baseline,
        gap=gap.value,
        gap_low=gap.low,
        gap_high=gap.high,
        gap_p=gap.p_value,
        won=won.value,
        won_low=won.low,
        won_high=won.high,
        won_p=won.p_value,
        share=won.value / gap.value if share else None,
        share_low=share[0] if share else None,
        share_high=share[1] if share else None,
        verdict=verdict(gap, won, share),
    )


def curves(question: Question) -> Iterator[Curve]:
    """The area between each condition's learning curve and the baseline's; none with fewer than two sizes."""
    for condition in question.others():
        sizes = question.sizes_of(condition, question.baseline)
        if len(sizes) < 2:
            continue
        differences = np.array([question.better_by(condition, question.baseline, size) for size in sizes])
        areas = mean_over_sizes(differences, sizes)
        low, high = interval(areas[1:])
        yield Curve(
            learner=question.learner,
            metric=question.metric,
            condition=condition,
            area=float(areas[0]),
            area_low=low,
            area_high=high,
            p_value=two_sided_p(areas[1:]),
            smallest=sizes[0],
            largest=sizes[-1],
        )


def exchange(question: Question) -> Iterator[Exchange]:
    """What each condition is worth in human pairs at each size; none with fewer than two sizes."""
    sizes = question.sizes_of(question.baseline)
    if len(sizes) < 2:
        return
    human = question.sign * np.array([question.draws(question.baseline, size) for size in sizes])
    low, _ = interval(human[-1, 1:] - human[0, 1:])
    human = rising(human)
    for condition in question.others():
        for size in question.sizes_of(condition):
            draws = question.draws(condition, size)
            cells = ["", "", "", ""]
            if low > 0:
                found = equivalent_sizes(question.sign * draws, human, sizes)
                pairs = [float(found[0]), *pairs_interval(found[1:])]
                cells = [*(pairs_text(number, sizes) for number in pairs), rate_text(pairs[0], sizes, size)]
            yield Exchange(
                question.learner,
                question.metric,
                condition,
                size,
                float(draws[0]),
                *cells,
                note="" if low > 0 else _NOT_RISING,
            )


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="the run table")
    parser.add_argument("--runs-folder", type=Path, required=True, help="folder of LEARNER/RECIPE/SIZE/SEED")
    parser.add_argument("--baseline", required=True, help="condition trained on human text")
    parser.add_argument(
        "--relations",
        required=True,
        help='JSON: {"remedied": {CONDITION: the one it remedies}, "reverse": {CONDITION: its reverse order}}',
    )
    add_metric_arguments(parser)
    parser.add_argument("--resamples", type=int, required=True, help="resamples of the seeds and the test set")
    parser.add_argument("--resampling-seed", type=int, required=True, help="seed of the resamples")
    parser.add_argument("--contrasts", type=Path, required=True, help="output table of paired differences")
    parser.add_argument("--remedies", type=Path, required=True, help="output table of the shares of the gap closed")
    parser.add_argument("--curves", type=Path, required=True, help="output table of the areas between learning curves")
    parser.add_argument("--exchange", type=Path, required=True, help="output table of exchange rates")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
