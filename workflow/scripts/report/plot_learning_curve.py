"""Draw each condition's score by number of training instances, a panel for each learner."""

import argparse
import math
import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import altair as alt
from altair.typing import ChartType

from evaluate.results import ConditionSummary
from report.figures import style
from report.rows import grouped
from report.text.formatting import count
from workbench.cli import run_script, say

_MANY = 6
_LABEL_OFFSET = 20


def main(arguments: argparse.Namespace) -> None:
    """Draw and save the figure."""
    rows = style.read_metric(arguments.summary, arguments.metric)
    seeds = style.read_seeds(arguments.scores, arguments.metric)
    style.save(learning_curve(rows, seeds, arguments.baseline), arguments.svg, arguments.png)
    sizes = count(len({row.size for row in rows}), "size")
    say(f"{rows[0].name} of {count(len(style.conditions_of(rows)), 'condition')} at {sizes}")


def learning_curve(rows: Sequence[ConditionSummary], seeds: style.Seeds, baseline: str) -> ChartType:
    """The figure of summaries in one metric, with the scores of single runs."""
    looks = style.looks(style.conditions_of(rows), baseline)
    domain = style.score_domain(rows)
    learners = grouped(rows, lambda row: row.learner)
    width = 440 if len(learners) == 1 else 300
    panels = {name: _panel(own, seeds, looks, baseline, domain, width) for name, own in learners.items()}
    titled = [panel.properties(title=f"Learner {name}") for name, panel in panels.items()]
    chart = alt.concat(*titled, columns=2, spacing=40) if len(panels) > 1 else next(iter(panels.values()))
    title = f"{rows[0].name} by number of training instances"
    mark = "Lines"
    if _curved(rows):
        mark = f"Band of {baseline}" if _crowded(looks) else "Bands"
    return style.finish(chart, title, style.intervals_note(rows, mark, dots=not _crowded(looks)))


def _curved(rows: Sequence[ConditionSummary]) -> bool:
    return len({row.size for row in rows}) > 1


def _crowded(looks: style.Looks) -> bool:
    """Whether there are so many lines that all bands and dots would make them hard to see."""
    return len(looks) > _MANY


def _panel(
    rows: list[ConditionSummary], seeds: style.Seeds, looks: style.Looks, baseline: str, domain: list[float], width: int
) -> ChartType:
    conditions = [name for name in looks if any(row.condition == name for row in rows)]
    height = max(280, style.LINE_HEIGHT * len(conditions))
    sizes = sorted({row.size for row in rows})
    places = _places(conditions, sizes)
    x, x_domain = _x_axis(sizes, places)
    y = alt.Y("score:Q", title=style.axis_title(rows[0]), scale=style.fixed_scale(domain))
    records = [
        {
            "condition": row.condition,
            "place": places[row.condition, row.size],
            "score": row.score.value,
            "low": row.score.low,
            "high": row.score.high,
        }
        for row in rows
    ]
    dots = [
        {"condition": row.condition, "place": places[row.condition, row.size], "score": score}
        for row, score in ([] if _crowded(looks) else style.single_runs(rows, seeds))
    ]
    colour = style.coloured(looks)
    dash = alt.StrokeDash("condition:N", scale=style.by_condition(looks, "dash"), legend=None)
    base = style.chart(records).encode(x=x, y=y, color=colour)
    if _curved(rows):
        bands = [r for r in records if not _crowded(looks) or r["condition"] == baseline]
        layers = [
            style.chart(bands).mark_area(opacity=0.12).encode(x=x, color=colour, y=alt.Y("low:Q"), y2="high:Q"),
            base.mark_line(strokeWidth=2).encode(strokeDash=dash),
        ]
    else:
        layers = [base.mark_rule(strokeWidth=2, opacity=0.6).encode(y=alt.Y("low:Q"), y2="high:Q")]
    layers.append(style.chart(dots).mark_circle(size=12, opacity=0.55).encode(x=x, y="score:Q", color=colour))
    layers.append(base.mark_point(size=55, filled=True, opacity=1).encode(shape=style.shaped(looks)))
    layers += _labels(records, looks, domain, x_domain, width, height)
    return alt.layer(*layers).properties(width=width, height=height)


def _places(conditions: list[str], sizes: list[int]) -> dict[tuple[str, int], float]:
    """Where scores are drawn: at their size, or side by side if there is only one size."""
    if len(sizes) > 1:
        return {(name, size): _place(size, sizes) for name in conditions for size in sizes}
    return {(name, sizes[0]): float(index) for index, name in enumerate(conditions)}


def _place(size: int, sizes: Sequence[int]) -> float:
    """Where a size is drawn: size 0, which has no logarithm, a step to the left of the smallest."""
    if size > 0 or size_scale(sizes) == "linear":
        return float(size)
    _, smallest, second, *_ = [*sizes, sizes[-1] * 2]
    return smallest * smallest / second


def _x_axis(sizes: list[int], places: dict[tuple[str, int], float]) -> tuple[alt.X, list[float]]:
    """The axis of sizes, and the first and last place on it."""
    title = "Training instances"
    if len(sizes) == 1:
        low, high = min(places.values()) - 1, max(places.values()) + 1
        axis = alt.Axis(values=[(low + high) / 2], labelExpr=f"'{sizes[0]:,}'", grid=False)
        return alt.X("place:Q", title=title, axis=axis, scale=alt.Scale(domain=[low, high])), [low, high]
    kind = size_scale(sizes)
    drawn = [_place(size, sizes) for size in sizes]
    if kind == "log":
        room = (drawn[-1] / drawn[0]) ** 0.03
        domain = [drawn[0] / room, drawn[-1] * room]
        scale = alt.Scale(type="log", base=2, domain=domain, nice=False)
    else:
        domain = style.padded(sizes, 0.03)
        scale = alt.Scale(domain=domain, nice=False, zero=False)
    label = f"datum.value < {sizes[0] or sizes[1]} ? '0' : format(datum.value, ',d')"
    axis = alt.Axis(values=drawn, labelExpr=label, grid=False, labelOverlap="greedy")
    return alt.X("place:Q", title=title, axis=axis, scale=scale), domain


def size_scale(sizes: Sequence[int]) -> str:
    """``log`` if the sizes above 0 grow by factors rather than by steps, otherwise ``linear``."""
    sizes = [size for size in sizes if size > 0]
    if len(sizes) == 1:
        return "linear"
    if len(sizes) == 2:
        return "log" if sizes[1] / sizes[0] >= 4 else "linear"
    steps = [b - a for a, b in pairwise(sizes)]
    factors = [math.log(b / a) for a, b in pairwise(sizes)]
    return "log" if _variation(factors) < _variation(steps) else "linear"


def _variation(values: Sequence[float]) -> float:
    return statistics.pstdev(values) / statistics.mean(values)


def _labels(
    records: list[dict[str, Any]],
    looks: style.Looks,
    domain: list[float],
    x_domain: list[float],
    width: int,
    height: int,
) -> list[alt.Chart]:
    """The conditions' names to the right of their last points, without overlap, with lines to them."""
    last = {record["condition"]: record for record in sorted(records, key=lambda record: record["place"])}
    ends = [last[name] | {"look": look["text"]} for name, look in looks.items() if name in last]
    per_pixel = (domain[1] - domain[0]) / height
    levels = style.spread([end["score"] for end in ends], style.LINE_HEIGHT * per_pixel, *domain)
    data = style.chart([end | {"at": level} for end, level in zip(ends, levels, strict=True)])
    x = alt.X("place:Q", scale=alt.Scale(domain=x_domain))
    leaders = data.mark_rule(strokeWidth=0.8, opacity=0.6).encode(
        x=x, x2=alt.value(width + _LABEL_OFFSET - 4), y="score:Q", y2="at:Q", color=style.coloured(looks)
    )
    names = data.mark_text(align="left", baseline="middle", fontSize=style.FONT_SIZE).encode(
        x=alt.value(width + _LABEL_OFFSET), y="at:Q", text="condition:N", color=alt.Color("look:N", scale=None)
    )
    return [leaders, names]


if __name__ == "__main__":
    run_script(style.figure_parser(__doc__, "summary", "scores", "metric", "baseline"), main)
