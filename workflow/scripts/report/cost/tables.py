"""The part of a page that answers "What does it cost?": scores, differences, exchange rate, tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evaluate.relations import Contrast, Curve, Exchange, read_contrasts, read_curves, read_exchange
from evaluate.summary import ConditionSummary, at_largest_size
from report.cost.answer import Verdict, contrasts, subjects
from report.cost.worth import pairs_text, worth_said
from report.text import numbers as words
from report.text.numbers import p_value, points, span
from report.topics import Cell, Figure, Table, figure
from workbench.tables import read_rows

_COMPARISON = (
    "learner",
    "size",
    "seed",
    "metric",
    "condition",
    "p_value",
    "test",
    "samples",
    "signature",
)
_TESTS = {
    "bootstrap": ("paired bootstrap", "resample"),
    "randomization": ("paired approximate randomization", "trial"),
}
_VERDICT_STYLES = {
    Verdict.WORSE: "worse",
    Verdict.BETTER: "better",
    Verdict.EQUAL: "equal",
    Verdict.UNCLEAR: "unclear",
}


def worth(
    tables: Mapping[str, Path],
    rows: Sequence[ConditionSummary],
    conditions: Mapping[str, Mapping[str, Any]],
    metric: ConditionSummary,
    low: Mapping[tuple[str, int], str],
) -> tuple[list[str], list[Table]]:
    """What the exchange rate, the learning curves and the contrasts say: sentences, and tables to look them up in.

    Args:
        tables: ``exchange``, ``curves``, ``contrasts``; those that a study does not have are left out.
        rows: the summary table.
        conditions: each condition's settings, by name.
        metric: any row of the summary in the metric of the answer.
        low: why nothing is compared, for each learner and size whose baseline is below the floor.
    """
    exchange = read_exchange(tables["exchange"]) if "exchange" in tables else []
    curves = read_curves(tables["curves"]) if "curves" in tables else []
    paired = read_contrasts(tables["contrasts"]) if "contrasts" in tables else []
    said = worth_said(exchange, curves, conditions, subjects(conditions), metric.metric, metric.name, low)
    names = {row.metric: row.name for row in rows}
    found = [
        *_exchange_table([_held_back(row, low) for row in exchange if row.metric == metric.metric], metric.name),
        *_curves_table(curves, names),
        *_contrasts_table(paired, names),
    ]
    return said.sentences, found


def _held_back(row: Exchange, low: Mapping[tuple[str, int], str]) -> Exchange:
    """A row without its claim where the baseline is below the floor."""
    if (row.learner, row.size) not in low:
        return row
    nothing = dict.fromkeys(("human_pairs", "human_pairs_low", "human_pairs_high", "rate"), "")
    return replace(row, **nothing, note="the learner has hardly learnt")


def _exchange_table(rows: Sequence[Exchange], name: str) -> list[Table]:
    if not rows:
        return []
    head = [
        Cell("Condition"),
        Cell("Learner"),
        Cell("Note"),
        Cell("Instances"),
        Cell(name),
        Cell("Human pairs of the same score", "95 % interval"),
        Cell("Human pairs an instance"),
    ]
    body = [
        [
            Cell(row.condition),
            Cell(row.learner),
            Cell(row.note),
            Cell(f"{row.size:,}"),
            Cell(points(row.score)),
            Cell(
                pairs_text(row.human_pairs) if row.human_pairs else "–",
                f"{pairs_text(row.human_pairs_low)} to {pairs_text(row.human_pairs_high)}".replace("about ", "")
                if row.human_pairs_low and row.human_pairs_high
                else "",
            ),
            Cell(row.rate or "–"),
        ]
        for row in rows
    ]
    return [Table(f"Exchange rate: how many human pairs give the same {name}.", head, 3, body, folded=True)]


def _curves_table(rows: Sequence[Curve], names: Mapping[str, str]) -> list[Table]:
    if not rows:
        return []
    head = [
        Cell("Condition"),
        Cell("Learner"),
        Cell("Metric"),
        Cell("Sizes"),
        Cell("Mean difference", "95 % interval"),
        Cell("p"),
    ]
    body = [
        [
            Cell(row.condition),
            Cell(row.learner),
            Cell(names.get(row.metric, row.metric)),
            Cell(f"{row.smallest:,} to {row.largest:,}"),
            Cell(points(row.area, signed=True), span(row.area_low, row.area_high, signed=True)),
            Cell(p_value(row.p_value)),
        ]
        for row in rows
    ]
    caption = "Area between each learning curve and the baseline’s: mean difference over log size, + is better."
    return [Table(caption, head, 3, body, folded=True)]


def _contrasts_table(contrasts: Sequence[Contrast], names: Mapping[str, str]) -> list[Table]:
    """Every paired contrast between conditions; ``names`` are the metrics' by key."""
    if not contrasts:
        return []
    kinds = {"baseline": "baseline", "remedied": "what it remedies", "reverse": "its own reverse"}
    head = [
        Cell("Condition"),
        Cell("Against"),
        Cell("Which is"),
        Cell("Learner"),
        Cell("Metric"),
        Cell("Instances"),
        Cell("Difference", "95 % interval"),
        Cell("p"),
        Cell("p", "Holm"),
    ]
    body = [
        [
            Cell(row.condition),
            Cell(row.against),
            Cell(kinds[row.kind]),
            Cell(row.learner),
            Cell(names.get(row.metric, row.metric)),
            Cell(f"{row.size:,}"),
            Cell(points(row.difference, signed=True), span(row.difference_low, row.difference_high, signed=True)),
            Cell("–" if row.p_value is None else p_value(row.p_value)),
            Cell("–" if row.p_holm is None else p_value(row.p_holm)),
        ]
        for row in contrasts
    ]
    caption = (
        "Every paired contrast, in the metric’s own points and direction; p-values are corrected for all contrasts of "
        "a learner and metric (Holm)."
    )
    return [Table(caption, head, 5, body, folded=True)]


def largest_size_tables(
    rows: Sequence[ConditionSummary], conditions: Mapping[str, Any], metric: str, margin: float, floor: float
) -> list[dict[str, Any]]:
    """For each learner, its conditions at its largest size: scores, difference and verdict."""
    texts = subjects(conditions)
    found = {(c.row.learner, c.row.condition): c for c in contrasts(at_largest_size(rows, metric), margin, floor)}
    others = [name for name in dict.fromkeys(row.metric for row in rows) if name != metric]
    extra = {(r.learner, r.condition, name): r for name in others for r in at_largest_size(rows, name)}
    tables: dict[str, dict[str, Any]] = {}
    for row in at_largest_size(rows, metric):
        table = tables.setdefault(row.learner, {"learner": row.learner, "size": row.size, "rows": []})
        c = found.get((row.learner, row.condition))
        further = [extra[row.learner, row.condition, name] for name in others]
        table["others"] = [(r.name, r.better) for r in further]
        table["rows"].append(
            {
                "summary": row,
                "trained_on": texts[row.condition],
                "how": words.listing(handling(conditions[row.condition])),
                "contrast": c,
                "verdict": c.verdict.value if c else "",
                "style": _VERDICT_STYLES[c.verdict] if c else "",
                "others": further,
            }
        )
    return list(tables.values())


def handling(condition: Mapping[str, Any]) -> list[str]:
    """What a condition does with its text besides drawing it in random order, in words."""
    order = condition.get("order", "random")
    found = {"all": ["every output of a source"], "diverse": ["the most diverse outputs"]}
    told = list(found.get(condition.get("combine", "draw"), []))
    if condition.get("copies", 1) > 1:
        told.append(f"each instance {condition['copies']} times")
    if order != "random" or condition.get("reverse"):
        of = f" of {condition['order_of']}" if order != "random" and condition.get("order_of") else ""
        told.append(f"order {order}{of}{' reversed' if condition.get('reverse') else ''}")
    if condition.get("schedule") == "incremental":
        told.append("trained incrementally")
    return told


def size_tables(rows: Sequence[ConditionSummary]) -> list[dict[str, Any]]:
    """For each learner and metric, the scores of conditions (rows) at sizes (columns)."""
    tables: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        table = tables.setdefault(
            (row.learner, row.metric),
            {"learner": row.learner, "row": row, "sizes": [], "conditions": {}},
        )
        if row.size not in table["sizes"]:
            table["sizes"].append(row.size)
        table["conditions"].setdefault(row.condition, {})[row.size] = row
    for table in tables.values():
        table["sizes"].sort()
    return list(tables.values())


def cost_figures(rows: Sequence[ConditionSummary], files: Mapping[str, Path], metric: str) -> list[Figure]:
    """The conditions at the largest size, and all learning curves."""
    name = next(row.name for row in rows if row.metric == metric)
    number = len({row.condition for row in rows})
    conditions = words.count(number, "condition")
    sizes = words.listing([f"{size:,}" for size in sorted({row.size for row in rows})])
    curve = f"{name} of {conditions} at {sizes} training instances"
    dots = f"{name} of {conditions} at the largest size"
    if number > 1:
        dots += ", with differences from the baseline"
    return [
        *figure(files["conditions"], "dots", "Dot plot", dots),
        *figure(files["learning_curve"], "curve", "Line chart", curve),
    ]


def significance(path: Path) -> dict[str, Any] | None:
    """The paired tests: a row for each learner, condition and size, in it p-values by metric; None without any."""
    table: dict[tuple[str, str, int], dict[str, list[str]]] = {}
    metrics: dict[str, str] = {}
    seeds: dict[str, None] = {}
    tests: dict[str, None] = {}
    for learner, size, seed, metric, condition, p, test, samples, signature in read_rows(path, _COMPARISON):
        cell = table.setdefault((learner, condition, int(size)), {})
        cell.setdefault(metric, []).append(words.p_value(float(p)))
        metrics[metric] = signature
        seeds[seed] = None
        kind, unit = _TESTS[test]
        tests[f"{kind}, {words.count(int(samples), unit)}"] = None
    rows = [
        {"learner": learner, "condition": condition, "size": size, "p": [cells[m] for m in metrics]}
        for (learner, condition, size), cells in sorted(table.items(), key=lambda item: (item[0][0], -item[0][2]))
    ]
    if not rows:
        return None
    return {
        "metrics": metrics,
        "seeds": list(seeds),
        "rows": rows,
        "test": words.listing(list(tests)),
    }


def signatures(scores: Path, metrics: Sequence[str]) -> dict[str, list[str]]:
    """sacreBLEU's signatures of each metric: one, if all runs were scored alike."""
    names = list(dict.fromkeys(metrics))
    found: dict[str, dict[str, None]] = {name: {} for name in names}
    for row in read_rows(scores, [f"{name}_signature" for name in names]):
        for name, signature in zip(names, row, strict=True):
            found[name][signature] = None
    return {name: list(values) for name, values in found.items()}
