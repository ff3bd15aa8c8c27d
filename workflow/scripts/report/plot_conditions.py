"""Draw the conditions at the largest size: scores, and differences from the baseline."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import altair as alt

from evaluate.summary import ConditionSummary, at_largest_size, read_summary
from report.figures import style
from report.figures.seeds import Seeds, read_seeds
from report.text.numbers import count, points
from workbench.cli import run_script, say

_ROW_HEIGHT = 26


def main(arguments: argparse.Namespace) -> None:
    """Draw and save the figure."""
    rows = at_largest_size(style.metric_rows(read_summary(arguments.summary), arguments.metric), arguments.metric)
    seeds = read_seeds(arguments.scores, arguments.metric)
    style.save(
        conditions_figure(rows, seeds, arguments.baseline, arguments.margin),
        arguments.svg,
        arguments.png,
    )
    say(f"{rows[0].name} of {count(len(rows), 'condition')} at {count(rows[0].size, 'instance')}")


def conditions_figure(
    rows: Sequence[ConditionSummary], seeds: Seeds, baseline: str, margin: float
) -> alt.TopLevelMixin:
    """The figure.

    Args:
        rows: summaries in one metric, at one size a learner.
        seeds: scores of single runs.
        baseline: condition that is drawn darkest and that differences are measured from.
        margin: half the width of the grey band, within which a difference can count as none, in points.
    """
    learners = list(dict.fromkeys(row.learner for row in rows))
    looks = style.looks(style.conditions_of(rows), baseline)
    scores = style.padded([v for row in rows for v in (row.score_low, row.score_high, row.score_min, row.score_max)])
    differences = [v for row in rows if row.baseline for v in (row.difference_low, row.difference_high)]
    panels = []
    for learner in learners:
        own = _ordered([row for row in rows if row.learner == learner], baseline)
        panel = _score_panel(own, seeds, looks, scores)
        if any(row.baseline for row in own):
            domain = style.padded([*differences, -margin, margin])
            panel = alt.hconcat(panel, _difference_panel(own, looks, domain, margin), spacing=28)
        if len(learners) > 1:
            panel = panel.properties(title=f"Learner {learner}")
        panels.append(panel)
    chart = panels[0] if len(panels) == 1 else alt.vconcat(*panels, spacing=30)
    sizes = sorted({row.size for row in rows})
    title = f"{rows[0].name} at {' and '.join(f'{size:,}' for size in sizes)} training instances"
    notes = style.intervals_note(rows, "Lines")
    if differences and margin:
        notes.append(f"Grey band: the margin for “as good”, ±{margin:g}")
    return style.finish(chart, title, notes)


def _ordered(rows: list[ConditionSummary], baseline: str) -> list[ConditionSummary]:
    """The baseline first, then the best to the worst."""
    sign = 1 if rows[0].better == "lower" else -1
    return sorted(rows, key=lambda row: (row.condition != baseline, sign * row.score))


def _axis_y(rows: list[ConditionSummary], labels: bool) -> alt.Y:
    axis = alt.Axis(title=None, ticks=False, domain=False, labels=labels, labelPadding=8, labelLimit=320)
    return alt.Y("condition:N", scale=alt.Scale(domain=[row.condition for row in rows]), axis=axis)


def _score_panel(
    rows: list[ConditionSummary],
    seeds: Seeds,
    looks: dict[str, dict[str, Any]],
    domain: list[float],
) -> alt.LayerChart:
    width = 250
    records = [
        {
            "condition": r.condition,
            "score": r.score,
            "low": r.score_low,
            "high": r.score_high,
            "text": points(r.score),
        }
        for r in rows
    ]
    dots = [
        {"condition": r.condition, "score": score}
        for r in rows
        if r.seeds > 1
        for score in seeds.get((r.learner, r.condition, r.size), [])
    ]
    x = alt.X("low:Q", title=style.axis_title(rows[0]), scale=_scale(domain), axis=alt.Axis(tickCount=5))
    y = _axis_y(rows, labels=True)
    layers = _interval_layers(records, looks, x, y, "score", width)
    layers.insert(
        1,
        alt.Chart(alt.Data(values=dots))
        .mark_circle(size=14, opacity=0.6, yOffset=7)
        .encode(x=alt.X("score:Q", scale=_scale(domain)), y=y, color=_colour(looks)),
    )
    return alt.layer(*layers).properties(width=width, height=_ROW_HEIGHT * len(rows))


def _difference_panel(
    rows: list[ConditionSummary],
    looks: dict[str, dict[str, Any]],
    domain: list[float],
    margin: float,
) -> alt.LayerChart:
    width = 210
    records = [
        {
            "condition": r.condition,
            "score": r.difference,
            "low": r.difference_low,
            "high": r.difference_high,
            "text": points(r.difference, signed=True),
        }
        for r in rows
        if r.baseline
    ]
    baseline = next(r.baseline for r in rows if r.baseline)
    title = f"Difference from {baseline}, {rows[0].name}"
    axis = alt.Axis(tickCount=5, labelExpr="datum.value ? format(datum.value, '+~g') : '0'")
    x = alt.X("low:Q", title=title, scale=_scale(domain), axis=axis)
    y = _axis_y(rows, labels=False)
    ground = alt.Chart(alt.Data(values=[{"low": -margin, "high": margin, "zero": 0}]))
    behind = [
        ground.mark_rect(color="#e9e9e9").encode(x=x, x2="high:Q"),
        ground.mark_rule(color=style.INK, strokeWidth=1.2).encode(x=alt.X("zero:Q", scale=_scale(domain))),
    ]
    layers = _interval_layers(records, looks, x, y, "score", width)
    return alt.layer(*behind, *layers).properties(width=width, height=_ROW_HEIGHT * len(rows))


def _interval_layers(
    records: list[dict[str, Any]],
    looks: dict[str, dict[str, Any]],
    x: alt.X,
    y: alt.Y,
    value: str,
    width: int,
) -> list[alt.Chart]:
    """A line for each interval, a mark for each value and the value in the right margin."""
    base = alt.Chart(alt.Data(values=records)).encode(y=y, color=_colour(looks))
    shape = alt.Shape("condition:N", scale=style.by_condition(looks, "shape"), legend=None)
    return [
        base.mark_rule(strokeWidth=2.2).encode(x=x, x2="high:Q"),
        base.mark_point(size=70, filled=True, opacity=1).encode(x=alt.X(f"{value}:Q"), shape=shape),
        base.mark_text(align="left", fontSize=style.FONT_SIZE).encode(
            x=alt.value(width + 6), text="text:N", color=alt.value(style.INK)
        ),
    ]


def _colour(looks: dict[str, dict[str, Any]]) -> alt.Color:
    return alt.Color("condition:N", scale=style.by_condition(looks, "colour"), legend=None)


def _scale(domain: list[float]) -> alt.Scale:
    return alt.Scale(domain=domain, zero=False, nice=False)


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = style.figure_parser(__doc__)
    parser.add_argument("--margin", type=float, required=True, help="difference that counts as none, in points")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
