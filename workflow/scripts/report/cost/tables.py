"""The tables and figures that show what machine text costs: scores, differences, exchange rate, tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import itemgetter
from pathlib import Path

from evaluate.results import ConditionSummary, Contrast, CurveArea, ExchangeRate, at_largest_size
from report.cost.answer import Loss, Verdict, losses
from report.cost.worth import pairs_interval, pairs_text
from report.page import Figure, figure
from report.study import Condition
from report.tables import INTERVAL, SIGNED, Cell, Column, Table, interval_column, table
from report.text.formatting import (
    Interval,
    count,
    interval_of,
    listing,
    p_value,
    points,
    span,
    thousands,
)
from report.text.names import training_texts
from workbench.tables import read_rows

_TESTS = {
    "bootstrap": ("paired bootstrap", "resample"),
    "randomization": ("paired approximate randomization", "trial"),
}
_STYLES = {Verdict.WORSE: "worse", Verdict.BETTER: "better", Verdict.EQUAL: "equal", Verdict.UNCLEAR: "unclear"}
_AGAINST = {"baseline": "the baseline", "remedied": "the condition it remedies", "reverse": "its own reverse"}


def exchange_tables(rows: Sequence[ExchangeRate], name: str, low: Mapping[tuple[str, int], str]) -> list[Table]:
    """How many human pairs give the same score, in the metric that ``name`` names; empty without rows.

    There is no number for a learner and size whose baseline is below the floor (in ``low``).
    """
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
    shown = [_without_number(row) if (row.learner, row.size) in low else row for row in rows]
    caption = f"Exchange rate: how many human pairs give the same {name}."
    return [table(caption, columns, shown, folded=True)] if rows else []


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
        interval_column("Mean difference", "area", SIGNED),
        Column("p", "p_value", p_value),
    ]
    caption = "Area between each learning curve and the baseline’s: mean difference over log size, + is better."
    return [table(caption, columns, rows, folded=True)] if rows else []


def contrast_tables(rows: Sequence[Contrast], names: Mapping[str, str]) -> list[Table]:
    """Every paired contrast between conditions; ``names`` are the metrics' by key."""
    columns = [
        Column("Condition", "condition"),
        Column("Compared with", "against"),
        Column("Which is", lambda row: _AGAINST[row.kind]),
        Column("Learner", "learner"),
        Column("Metric", lambda row: names.get(row.metric, row.metric)),
        Column("Instances", "size", thousands),
        interval_column("Difference", "difference", SIGNED),
        Column("p", "p_value", p_value),
        Column("p", "p_holm", p_value, note="Holm"),
    ]
    caption = (
        "Every paired contrast, in the metric’s own points and direction; p-values are corrected (Holm) for all "
        "contrasts of a learner and metric."
    )
    return [table(caption, columns, rows, folded=True)] if rows else []


def largest_size_tables(
    rows: Sequence[ConditionSummary],
    conditions: Mapping[str, Condition],
    metric: str,
    baseline: str,
    margin: float,
    floor: float,
) -> list[Table]:
    """For each learner, its conditions at its largest size: scores, difference from the baseline and verdict.

    Args:
        rows: the summary table.
        conditions: each condition's settings, by name.
        metric: the metric of the answer.
        baseline: condition trained on human text.
        margin, floor: as for :func:`report.cost.answer.answer`.
    """
    texts = training_texts(conditions)
    judged = {
        (loss.row.learner, loss.row.condition): loss for loss in losses(at_largest_size(rows, metric), margin, floor)
    }
    others = [row for row in {row.metric: row for row in rows}.values() if row.metric != metric]
    scores = {
        (row.learner, row.condition, other.metric): row.score
        for other in others
        for row in at_largest_size(rows, other.metric)
    }
    found = []
    for learner, own in _by_learner(at_largest_size(rows, metric)).items():
        first = own[0]
        columns = [
            Column(
                "Condition",
                lambda row: Cell(
                    row.condition, ", ".join([texts[row.condition], *handling_text(conditions[row.condition])])
                ),
                note="and what it trains on",
            ),
            interval_column(first.name, "score", note=f"{first.better} is better"),
        ]
        if _several_seeds(rows):
            columns.append(Column("Seeds", lambda row: span(row.score_min, row.score_max), str, "lowest to highest"))
        columns += [
            interval_column("Difference", "difference", SIGNED, f"from {baseline}"),
            Column("Verdict", lambda row: _verdict(judged.get((row.learner, row.condition)))),
        ]
        columns += [
            Column(
                other.name,
                partial(_score, scores, other.metric),
                points,
                f"{other.better} is better",
            )
            for other in others
        ]
        caption = f"Learner {learner}, {count(first.size, 'training instance')}."
        found.append(table(caption, columns, own, is_marked=lambda row: row.condition == baseline))
    return found


def _score(scores: Mapping[tuple[str, str, str], float], metric: str, row: ConditionSummary) -> float:
    return scores[row.learner, row.condition, metric]


def _by_learner(rows: Sequence[ConditionSummary]) -> dict[str, list[ConditionSummary]]:
    return {
        learner: [row for row in rows if row.learner == learner]
        for learner in dict.fromkeys(row.learner for row in rows)
    }


def _several_seeds(rows: Sequence[ConditionSummary]) -> bool:
    return any(row.seeds > 1 for row in rows if row.size > 0)


def _verdict(loss: Loss | None) -> Cell:
    return Cell(loss.verdict.value, style=f"verdict {_STYLES[loss.verdict]}") if loss else Cell("baseline")


def handling_text(condition: Condition) -> list[str]:
    """The clause that says what a condition does with its text; empty if it only draws in random order."""
    handled = listing(handling(condition))
    return [handled] if handled else []


def handling(condition: Condition) -> list[str]:
    """What a condition does with its text besides drawing it in random order, in words."""
    order = condition.get("order", "random")
    combined = {"all": ["every output of a source"], "diverse": ["the most diverse outputs"]}
    steps = list(combined.get(condition.get("combine", "draw"), []))
    if condition.get("copies", 1) > 1:
        steps.append(f"each instance {condition['copies']} times")
    if order != "random" or condition.get("reverse"):
        of = f" of {condition['order_of']}" if order != "random" and condition.get("order_of") else ""
        steps.append(f"order {order}{of}{' reversed' if condition.get('reverse') else ''}")
    if condition.get("schedule") == "incremental":
        steps.append("trained incrementally")
    return steps


def size_tables(rows: Sequence[ConditionSummary], baseline: str) -> list[Table]:
    """For each learner and metric, the scores of conditions (rows) at sizes (columns)."""
    found = []
    for learner, metric in dict.fromkeys((row.learner, row.metric) for row in rows):
        own = [row for row in rows if (row.learner, row.metric) == (learner, metric)]
        scores: dict[str, dict[int, Interval | None]] = {}
        for row in own:
            scores.setdefault(row.condition, {})[row.size] = interval_of(row, "score")
        columns = [Column("Condition", itemgetter(0))]
        columns += [
            Column(thousands(size), partial(_at_size, size), points) for size in sorted({row.size for row in own})
        ]
        caption = f"{own[0].name}, {own[0].better} is better; learner {learner}"
        found.append(table(caption, columns, scores.items(), is_marked=lambda line: line[0] == baseline))
    return found


def _at_size(size: int, line: tuple[str, Mapping[int, Interval | None]]) -> Interval | None:
    return line[1].get(size)


def cost_figures(rows: Sequence[ConditionSummary], files: Mapping[str, Path], metric: str) -> list[Figure]:
    """The conditions at the largest size, and all learning curves."""
    name = next(row.name for row in rows if row.metric == metric)
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
    columns = ["learner", "size", "seed", "metric", "condition", "p_value", "test", "samples", "signature"]
    tests = [dict(zip(columns, row, strict=True)) for row in read_rows(path, columns)]
    if not tests:
        return [], {}
    p_values: dict[tuple[str, str, int], dict[str, list[str]]] = {}
    for row in tests:
        run = p_values.setdefault((row["learner"], row["condition"], int(row["size"])), {})
        run.setdefault(row["metric"], []).append(p_value(float(row["p_value"])))
    signatures = {row["metric"]: row["signature"] for row in tests}
    kinds = dict.fromkeys((row["test"], int(row["samples"])) for row in tests)
    seeds = list(dict.fromkeys(row["seed"] for row in tests))
    caption = f"p-values of the {listing([f'{_TESTS[kind][0]}, {count(n, _TESTS[kind][1])}' for kind, n in kinds])}"
    if len(seeds) > 1:
        caption += f"; each cell has one for each of the seeds {', '.join(seeds)}"
    runs = [
        {"learner": learner, "condition": condition, "size": size}
        | {metric: " · ".join(values) for metric, values in found.items()}
        for (learner, condition, size), found in sorted(p_values.items(), key=lambda item: (item[0][0], -item[0][2]))
    ]
    shown = [
        Column("Condition", itemgetter("condition")),
        Column("Learner", itemgetter("learner")),
        Column("Instances", itemgetter("size"), thousands),
        *(Column(metric, itemgetter(metric), str) for metric in signatures),
    ]
    return [table(f"{caption}.", shown, runs)], signatures


def score_signatures(scores: Path, metrics: Sequence[str]) -> list[tuple[str, str]]:
    """sacreBLEU's signatures of each metric: one, if all runs were scored alike."""
    names = list(dict.fromkeys(metrics))
    rows = list(read_rows(scores, [f"{name}_signature" for name in names]))
    return [(name, value) for place, name in enumerate(names) for value in dict.fromkeys(row[place] for row in rows)]
