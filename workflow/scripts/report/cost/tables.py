"""The tables and figures that show what machine text costs: scores, differences, exchange rate, tests."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import itemgetter
from pathlib import Path

from evaluate.results import Comparison, ConditionSummary, Contrast, CurveArea, ExchangeRate, at_largest_size
from planning.conditions import INCREMENTAL, RANDOM, Condition
from report.cost.answer import Loss, losses
from report.cost.worth import pairs_interval, pairs_text
from report.page import Figure, figure
from report.rows import grouped
from report.study import Results
from report.tables import INTERVAL, Cell, Column, Table
from report.text.formatting import count, listing, p_value, points, signed_points, span, thousands
from report.text.names import training_texts
from workbench.intervals import Interval
from workbench.records import read_records
from workbench.tables import read_rows

_TESTS = {"bootstrap": ("paired bootstrap", "resample"), "randomization": ("paired approximate randomization", "trial")}
_AGAINST = {"baseline": "the baseline", "remedied": "the condition it remedies", "reverse": "its own reverse"}


def exchange_tables(exchange: Sequence[ExchangeRate], results: Results) -> list[Table]:
    """How many human pairs give the same score in the metric of the answer; empty without rows.

    A learner and size whose baseline is below the floor gets no number.
    """
    name = results.metric.name
    rows = [row for row in exchange if row.metric == results.metric.metric]
    columns = [
        Column("Condition", "condition"),
        Column("Learner", "learner"),
        Column("Note", "note"),
        Column("Instances", "size", thousands),
        Column(name, "score", points),
        Column(
            "Human pairs of the same score",
            lambda row: Cell(pairs_text(row.human_pairs), pairs_interval(row)) if row.human_pairs else None,
            str,
            note=INTERVAL,
        ),
        Column("Human pairs per instance", lambda row: row.rate or None, str),
    ]
    shown = [_without_number(row) if (row.learner, row.size) in results.low else row for row in rows]
    caption = f"Exchange rate: how many human pairs give the same {name}."
    return [Table(caption, columns, shown, folded=True)] if rows else []


def _without_number(row: ExchangeRate) -> ExchangeRate:
    nothing = dict.fromkeys(("human_pairs", "human_pairs_low", "human_pairs_high", "rate"), "")
    return replace(row, **nothing, note="the learner has learnt too little")  # type: ignore[arg-type]


def curve_tables(rows: Sequence[CurveArea], names: Mapping[str, str]) -> list[Table]:
    """The area between each learning curve and the baseline's; ``names`` are the metrics' by key."""
    columns = [
        Column("Condition", "condition"),
        Column("Learner", "learner"),
        Column("Metric", lambda row: names.get(row.metric, row.metric)),
        Column("Sizes", lambda row: f"{row.smallest:,} to {row.largest:,}", str),
        Column("Mean difference", "area", signed_points, INTERVAL),
        Column("p", "p_value", p_value),
    ]
    caption = "Area between each learning curve and the baseline’s: mean difference over log size, + is better."
    return [Table(caption, columns, rows, folded=True)] if rows else []


def contrast_tables(rows: Sequence[Contrast], names: Mapping[str, str]) -> list[Table]:
    """Every paired contrast between conditions; ``names`` are the metrics' by key."""
    columns = [
        Column("Condition", "condition"),
        Column("Compared with", "against"),
        Column("Which is", lambda row: _AGAINST[row.kind]),
        Column("Learner", "learner"),
        Column("Metric", lambda row: names.get(row.metric, row.metric)),
        Column("Instances", "size", thousands),
        Column("Difference", "difference", signed_points, INTERVAL),
        Column("p", "p_value", p_value),
        Column("p", "p_holm", p_value, note="Holm"),
    ]
    caption = (
        "Every paired contrast, in the metric’s own points and direction; p-values are corrected (Holm) for all "
        "contrasts of a learner and metric."
    )
    return [Table(caption, columns, rows, folded=True)] if rows else []


def largest_size_tables(results: Results) -> list[Table]:
    """For each learner, its conditions at its largest size: scores, difference from the baseline and verdict."""
    rows, conditions, metric, baseline = results.rows, results.conditions, results.metric.metric, results.baseline
    texts = training_texts(conditions)
    judged = {(loss.row.learner, loss.row.condition): loss for loss in losses(results)}
    others = [row for row in {row.metric: row for row in rows}.values() if row.metric != metric]
    scores = {
        (row.learner, row.condition, other.metric): row.score.value
        for other in others
        for row in at_largest_size(rows, other.metric)
    }
    found = []
    for learner, own in grouped(at_largest_size(rows, metric), lambda row: row.learner).items():
        first = own[0]
        columns = [
            Column(
                "Condition",
                lambda row: Cell(row.condition, _described(texts[row.condition], conditions[row.condition])),
                note="and what it trains on",
            ),
            Column(first.name, "score", points, f"{first.better} is better"),
        ]
        if any(row.seeds > 1 for row in rows if row.size > 0):
            columns.append(Column("Seeds", lambda row: span(row.score_min, row.score_max), str, "lowest to highest"))
        columns += [
            Column("Difference", "difference", signed_points, f"from {baseline}"),
            Column("Verdict", lambda row: _verdict(judged.get((row.learner, row.condition)))),
        ]
        columns += [
            Column(other.name, partial(_score, scores, other.metric), points, f"{other.better} is better")
            for other in others
        ]
        caption = f"Learner {learner}, {count(first.size, 'training instance')}."
        found.append(Table(caption, columns, own, is_marked=lambda row: row.condition == baseline))
    return found


def _score(scores: Mapping[tuple[str, str, str], float], metric: str, row: ConditionSummary) -> float:
    return scores[row.learner, row.condition, metric]


def _verdict(loss: Loss | None) -> Cell:
    return Cell(loss.verdict.value, style=f"verdict {loss.verdict.name.lower()}") if loss else Cell("baseline")


def _described(text: str, condition: Condition) -> str:
    """What a condition trains on, and what it does with it."""
    return ", ".join(filter(None, [text, listing(handling(condition))]))


def handling(condition: Condition) -> list[str]:
    """What a condition does with its text besides drawing it in random order, in words."""
    combined = {"all": ["every output of a source"], "diverse": ["the most diverse outputs"]}
    steps = list(combined.get(condition.combine, []))
    if condition.copies > 1:
        steps.append(f"each instance {condition.copies} times")
    if condition.order != RANDOM or condition.reverse:
        of = f" of {condition.order_of}" if condition.order != RANDOM and condition.order_of else ""
        steps.append(f"order {condition.order}{of}{' reversed' if condition.reverse else ''}")
    if condition.schedule == INCREMENTAL:
        steps.append("trained incrementally")
    return steps


def size_tables(results: Results) -> list[Table]:
    """For each learner and metric, the scores of conditions (rows) at sizes (columns)."""
    found = []
    for (learner, _), own in grouped(results.rows, lambda row: (row.learner, row.metric)).items():
        conditions = grouped(own, lambda row: row.condition)
        columns = [Column("Condition", itemgetter(0))]
        columns += [
            Column(thousands(size), partial(_at_size, size), points) for size in sorted({row.size for row in own})
        ]
        caption = f"{own[0].name}, {own[0].better} is better; learner {learner}"
        found.append(Table(caption, columns, conditions.items(), is_marked=lambda line: line[0] == results.baseline))
    return found


def _at_size(size: int, line: tuple[str, Sequence[ConditionSummary]]) -> Interval | None:
    return next((row.score for row in line[1] if row.size == size), None)


def cost_figures(results: Results, files: Mapping[str, Path]) -> list[Figure]:
    """The conditions at the largest size, and all learning curves."""
    rows, name = results.rows, results.metric.name
    number = len({row.condition for row in rows})
    conditions = count(number, "condition")
    sizes = listing([thousands(size) for size in sorted({row.size for row in rows})])
    curve = f"{name} of {conditions} at {sizes} training instances"
    dots = f"{name} of {conditions} at the largest size"
    if number > 1:
        dots += ", with differences from the baseline"
    return [
        *figure(files["conditions"], "dots", "Dot plot", dots),
        *figure(files["learning_curve"], "curve", "Line chart", curve),
    ]


def significance_tables(path: Path) -> tuple[list[Table], dict[str, str]]:
    """The paired tests: a table of p-values, in each cell one for each seed, and the tests' signatures by metric.

    Both are empty if there was nothing to test.
    """
    tests = sorted(read_records(path, Comparison), key=lambda row: (row.learner, -row.size))
    if not tests:
        return [], {}
    signatures = {row.metric: row.signature for row in tests}
    kinds = dict.fromkeys((row.test, row.samples) for row in tests)
    seeds = list(dict.fromkeys(str(row.seed) for row in tests))
    caption = f"p-values of the {listing([f'{_TESTS[kind][0]}, {count(n, _TESTS[kind][1])}' for kind, n in kinds])}"
    if len(seeds) > 1:
        caption += f"; each cell has one for each of the seeds {', '.join(seeds)}"
    columns = [
        Column("Condition", lambda runs: runs[0].condition),
        Column("Learner", lambda runs: runs[0].learner),
        Column("Instances", lambda runs: runs[0].size, thousands),
        *(Column(metric, partial(_p_values, metric), str) for metric in signatures),
    ]
    rows = grouped(tests, lambda row: (row.learner, row.condition, row.size)).values()
    return [Table(f"{caption}.", columns, rows)], signatures


def _p_values(metric: str, runs: Sequence[Comparison]) -> str:
    return " · ".join(p_value(row.p_value) for row in runs if row.metric == metric)


def score_signatures(scores: Path, metrics: Sequence[str]) -> list[tuple[str, str]]:
    """sacreBLEU's signatures of each metric: one, if all runs were scored alike."""
    names = list(dict.fromkeys(metrics))
    rows = list(read_rows(scores, [f"{name}_signature" for name in names]))
    return [(name, value) for place, name in enumerate(names) for value in dict.fromkeys(row[place] for row in rows)]
