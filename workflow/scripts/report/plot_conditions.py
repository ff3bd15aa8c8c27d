"""Draw the conditions at the largest size: scores, and differences from the baseline."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import altair as alt
from altair.typing import ChartType

from evaluate.results import ConditionSummary, at_largest_size
from report.figures import style
from report.rows import grouped
from report.text.formatting import count, points, signed_points
from workbench.cli import run_script, say
from workbench.intervals import Interval

_ROW_HEIGHT = 26


def main(arguments: argparse.Namespace) -> None:
    """Draw and save the figure."""
    rows = at_largest_size(style.read_metric(arguments.summary, arguments.metric), arguments.metric)
    seeds = style.read_seeds(arguments.scores, arguments.metric)
    figure = conditions_figure(rows, seeds, arguments.baseline, arguments.margin)
    style.save(figure, arguments.svg, arguments.png)
    say(f"{rows[0].name} of {count(len(rows), 'condition')} at {count(rows[0].size, 'instance')}")


def conditions_figure(rows: Sequence[ConditionSummary], seeds: style.Seeds, baseline: str, margin: float) -> ChartType:
    """The figure of summaries in one metric, at one size a learner, with the scores of single runs.

    ``margin`` is half the width of the grey band, within which a difference can count as none, in points.
    """
    looks = style.looks(style.conditions_of(rows), baseline)
    scores = style.score_domain(rows)
    differences = [bound for row in rows if row.difference for bound in (row.difference.low, row.difference.high)]
    charts: dict[str, ChartType] = {}
    for learner, members in grouped(rows, lambda row: row.learner).items():
        own = _ordered(members, baseline)
        charts[learner] = _score_panel(own, seeds, looks, scores)
        if any(row.baseline for row in own):
            domain = style.padded([*differences, -margin, margin])
            difference_panel = _difference_panel(own, baseline, looks, domain, margin)
            charts[learner] = alt.hconcat(charts[learner], difference_panel, spacing=28)
    sizes = sorted({row.size for row in rows})
    title = f"{rows[0].name} at {' and '.join(f'{size:,}' for size in sizes)} training instances"
    notes = style.intervals_note(rows, "Lines")
    if differences and margin:
        notes.append(f"Grey band: the margin for “as good”, ±{margin:g}")
    return style.finish(style.stacked(charts, spacing=30), title, notes)


def _ordered(rows: Sequence[ConditionSummary], baseline: str) -> list[ConditionSummary]:
    """The baseline first, then the best to the worst."""
    sign = 1 if rows[0].better == "lower" else -1
    return sorted(rows, key=lambda row: (row.condition != baseline, sign * row.score.value))


def _score_panel(
    rows: Sequence[ConditionSummary], seeds: style.Seeds, looks: style.Looks, domain: Sequence[float]
) -> ChartType:
    records = [_record(row.condition, row.score, points(row.score.value)) for row in rows]
    dots = [{"condition": row.condition, "value": score} for row, score in style.single_runs(rows, seeds)]
    x = alt.X("low:Q", title=style.axis_title(rows[0]), scale=style.fixed_scale(domain), axis=alt.Axis(tickCount=5))
    y = _names(rows, labels=True)
    line, *marks = _interval_layers(records, looks, x, y, 250)
    single = (
        style.chart(dots)
        .mark_circle(size=14, opacity=0.6, yOffset=7)
        .encode(x=alt.X("value:Q", scale=style.fixed_scale(domain)), y=y, color=style.coloured(looks))
    )
    return alt.layer(line, single, *marks).properties(width=250, height=_ROW_HEIGHT * len(rows))


def _difference_panel(
    rows: Sequence[ConditionSummary], baseline: str, looks: style.Looks, domain: Sequence[float], margin: float
) -> ChartType:
    records = [
        _record(row.condition, row.difference, signed_points(row.difference.value)) for row in rows if row.difference
    ]
    x = alt.X(
        "low:Q",
        title=f"Difference from {baseline}, {rows[0].name}",
        scale=style.fixed_scale(domain),
        axis=alt.Axis(tickCount=5, labelExpr=style.signed_labels()),
    )
    y = _names(rows, labels=False)
    ground = style.chart([{"low": -margin, "high": margin, "zero": 0}])
    zero = alt.X("zero:Q", scale=style.fixed_scale(domain))
    behind = [
        ground.mark_rect(color="#e9e9e9").encode(x=x, x2="high:Q"),
        ground.mark_rule(color=style.INK, strokeWidth=1.2).encode(x=zero),
    ]
    layers = _interval_layers(records, looks, x, y, 210)
    return alt.layer(*behind, *layers).properties(width=210, height=_ROW_HEIGHT * len(rows))


def _names(rows: Sequence[ConditionSummary], labels: bool) -> alt.Y:
    return style.names_axis([row.condition for row in rows], labels=labels, labelPadding=8, labelLimit=320)


def _record(condition: str, found: Interval, text: str) -> dict[str, Any]:
    return {"condition": condition, **asdict(found), "text": text}


def _interval_layers(
    records: Sequence[dict[str, Any]], looks: style.Looks, x: alt.X, y: alt.Y, width: int
) -> list[alt.Chart]:
    """A line for each interval, a mark for each value and the value in the right margin."""
    base = style.chart(records).encode(y=y, color=style.coloured(looks))
    return [
        base.mark_rule(strokeWidth=2.2).encode(x=x, x2="high:Q"),
        base.mark_point(size=70, filled=True, opacity=1).encode(x=alt.X("value:Q"), shape=style.shaped(looks)),
        base.mark_text(align="left", fontSize=style.FONT_SIZE).encode(
            x=alt.value(width + 6), text="text:N", color=alt.value(style.INK)
        ),
    ]


if __name__ == "__main__":
    run_script(style.figure_parser(__doc__, "summary", "scores", "metric", "baseline", "margin"), main)
