"""Draw what each remedy and its reverse win back at each size: a group of rows for each kind of remedy."""

import argparse
import json
from collections.abc import Sequence
from typing import Any

import altair as alt
from altair.typing import ChartType

from evaluate.results import ConditionSummary, Contrast, Remedy
from planning.conditions import read_conditions
from report.figures import style
from report.helps.remedies import KINDS, JudgedRemedy, judged_remedies, share_text
from report.rows import grouped
from report.study import read_study
from report.text.formatting import count, signed_points
from workbench.cli import run_script, say
from workbench.records import read_records

_ROW_HEIGHT = 22
_COLUMNS = 2  # sizes beside each other
_WIDE, _WIDTH = 330, 215


def main(arguments: argparse.Namespace) -> None:
    """Draw and save the figure."""
    summary = next(
        (row for row in read_records(arguments.summary, ConditionSummary) if row.metric == arguments.metric), None
    )
    conditions = read_conditions(read_study(arguments.study)["conditions"])
    found = judged_remedies(
        read_records(arguments.remedies, Remedy),
        read_records(arguments.contrasts, Contrast),
        conditions,
        arguments.metric,
        summary.better if summary else "higher",
    )
    style.save(remedies_figure(found, summary.name if summary else arguments.metric), arguments.svg, arguments.png)
    sizes = {a.row.size for a in found}
    say(f"{count(len({a.row.condition for a in found}), 'remedied condition')} at {count(len(sizes), 'size')}")


def remedies_figure(found: Sequence[JudgedRemedy], name: str) -> ChartType:
    """The figure; ``name`` is the metric's."""
    title = f"What remedies win back, {name}"
    if not found:
        return style.nothing(title, "No condition of the study remedies another.")
    drawn = [record for a in found for record in _records(a)]
    ends = [record[key] for record in drawn for key in ("low", "high", "won", "gap") if record[key] is not None]
    domain = style.padded([0.0, *ends], 0.06)
    charts: dict[str, ChartType] = {}
    for learner, own in grouped(found, lambda a: a.row.learner).items():
        labels = _labels(own)
        sizes = grouped(sorted(own, key=lambda a: a.row.size), lambda a: a.row.size).values()
        panels = [
            _panel(at_size, labels, domain, name, place % _COLUMNS == 0, _WIDE if len(sizes) == 1 else _WIDTH)
            for place, at_size in enumerate(sizes)
        ]
        charts[learner] = style.in_rows(panels, _COLUMNS, spacing=24, row_spacing=26)
    notes = [
        "Score minus that of the remedied condition at the same size, with 95 % interval; right of the line: it helps",
        "Filled: significantly different from the remedied condition (Holm’s p < 0.05). Grey: the ordering reversed",
        "Tick: the whole gap to the baseline. Numbers: points won, and the share of the gap closed with 95 % interval",
    ]
    return style.finish(style.stacked(charts), title, notes)


def _labels(found: Sequence[JudgedRemedy]) -> list[str]:
    """The rows from the top: each kind of remedy, and below it its conditions, each before its control."""
    labels = []
    for kind, title in KINDS.items():
        members = dict.fromkeys(record["label"] for a in found if a.kind == kind for record in _records(a))
        labels += [title, *members] if members else []
    return labels


def _panel(
    found: Sequence[JudgedRemedy], labels: Sequence[str], domain: list[float], name: str, labelled: bool, width: int
) -> ChartType:
    """One size: a row for each of ``labels``, which are beside it if it is ``labelled``."""
    scale = style.fixed_scale(domain)
    x_axis = alt.Axis(tickCount=5, labelExpr=style.signed_labels(), title=f"Won back, {name}")
    titles = json.dumps(list(KINDS.values()), ensure_ascii=False)
    bold = alt.condition(f"indexof({titles}, datum.value) >= 0", alt.value("bold"), alt.value("normal"))
    y = style.names_axis(labels, "label", labelled, labelPadding=10, labelLimit=260, labelFontWeight=bold)

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=scale, axis=x_axis)

    records = [record for a in found for record in _records(a)]
    base = style.chart(records).encode(y=y)
    gaps = style.chart([record for record in records if record["gap"] is not None])
    zero = style.chart([{"zero": 0}]).mark_rule(color=style.INK, strokeWidth=1.2)
    return alt.layer(
        zero.encode(x=x("zero")),
        gaps.mark_tick(color=style.INK, thickness=2, size=13).encode(x=x("gap"), y=y),
        base.mark_rule(strokeWidth=2).encode(x=x("low"), x2="high:Q", color=alt.Color("colour:N", scale=None)),
        base.mark_point(size=62, filled=True, opacity=1, strokeWidth=1.8).encode(
            x=x("won"), stroke=alt.Stroke("colour:N", scale=None), fill=alt.Fill("fill:N", scale=None)
        ),
        base.mark_text(align="left").encode(x=alt.value(width + 8), text="text:N", color=alt.value(style.INK)),
    ).properties(width=width, height=_ROW_HEIGHT * len(labels), title=f"{found[0].row.size:,} instances")


def _records(remedy: JudgedRemedy) -> list[dict[str, Any]]:
    """The line of a remedy, and that of its control, which is grey and has no gap."""
    row = remedy.row
    share = "no gap" if row.share is None else share_text(row)
    text = "the same runs" if remedy.is_same_runs else f"{signed_points(row.won.value)}, {share}"
    colour = style.COLOURS[0] if row.won.value >= 0 else style.COLOURS[1]
    fill = colour if remedy.sign else "white"
    records = [_record(row) | {"gap": row.gap.value, "colour": colour, "fill": fill, "text": text}]
    if remedy.control:
        records.append(_record(remedy.control) | {"gap": None, "colour": style.MUTED, "fill": "white", "text": ""})
    return records


def _record(row: Remedy) -> dict[str, Any]:
    return {"label": row.condition, "won": row.won.value, "low": row.won.low, "high": row.won.high}


if __name__ == "__main__":
    run_script(style.figure_parser(__doc__, "summary", "remedies", "contrasts", "study", "metric"), main)
