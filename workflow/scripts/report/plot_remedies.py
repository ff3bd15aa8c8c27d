"""Draw what each remedy wins back at each size, with its reverse beside: a group of rows a kind of remedy."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt

from evaluate.relations import Remedy, read_contrasts, read_remedies
from evaluate.summary import read_summary
from report.figures import style
from report.helps.remedies import KINDS, Attempt, attempts, share_text
from report.text.numbers import count, points
from workbench.cli import run_script, say, script_parser

_ROW_HEIGHT = 22
_COLUMNS = 2  # sizes beside each other
_WIDE, _WIDTH = 330, 215


@dataclass(frozen=True)
class _Mark:
    """One line of the forest: a remedy, or the reverse of the one above it (``control``)."""

    label: str
    remedy: Remedy
    control: bool
    told: bool


def main(arguments: argparse.Namespace) -> None:
    """Draw and save the figure."""
    row = next((row for row in read_summary(arguments.summary) if row.metric == arguments.metric), None)
    conditions = json.loads(arguments.study.read_text(encoding="utf-8"))["conditions"]
    found = attempts(
        read_remedies(arguments.remedies),
        read_contrasts(arguments.contrasts),
        conditions,
        arguments.metric,
        row.better if row else "higher",
    )
    style.save(remedies_figure(found, row.name if row else arguments.metric), arguments.svg, arguments.png)
    sizes = {a.remedy.size for a in found}
    say(f"{count(len({a.remedy.condition for a in found}), 'remedied condition')} at {count(len(sizes), 'size')}")


def remedies_figure(found: Sequence[Attempt], name: str) -> alt.TopLevelMixin:
    """The figure; ``name`` is the metric's."""
    title = f"What remedies win back, {name}"
    if not found:
        return style.nothing(title, "No condition of the study remedies another.")
    domain = style.padded([0.0, *(value for a in found for mark in _marks(a) for value in _extent(mark))], 0.06)
    learners = list(dict.fromkeys(a.remedy.learner for a in found))
    charts = []
    for learner in learners:
        own = [a for a in found if a.remedy.learner == learner]
        labels = _labels(own)
        sizes = sorted({a.remedy.size for a in own})
        panels = [
            _panel(
                [a for a in own if a.remedy.size == size], labels, domain, name, size, place % _COLUMNS == 0, len(sizes)
            )
            for place, size in enumerate(sizes)
        ]
        rows = [alt.hconcat(*panels[start : start + _COLUMNS], spacing=24) for start in range(0, len(panels), _COLUMNS)]
        chart = rows[0] if len(rows) == 1 else alt.vconcat(*rows, spacing=26)
        charts.append(chart.properties(title=f"Learner {learner}") if len(learners) > 1 else chart)
    chart = charts[0] if len(charts) == 1 else alt.vconcat(*charts, spacing=34)
    notes = [
        "Score less the unremedied condition’s at the same size, with 95 % interval; right of the line: it helps",
        "Filled: told apart from the unremedied condition (Holm’s p < 0.05). Grey: the same order reversed",
        "Tick: the whole gap to the baseline. Figures: points won, and the share of the gap closed with 95 % interval",
    ]
    return style.finish(chart, title, notes)


def _marks(a: Attempt) -> list[_Mark]:
    marks = [_Mark(a.remedy.condition, a.remedy, False, a.standing != 0)]
    if a.control:
        marks.append(_Mark(a.control.condition, a.control, True, False))
    return marks


def _extent(mark: _Mark) -> tuple[float, ...]:
    row = mark.remedy
    return row.won_low, row.won_high, row.won, *(() if mark.control else (row.gap,))


def _labels(found: Sequence[Attempt]) -> list[str]:
    """The rows from the top: each kind of remedy, and below it its conditions, each before its control."""
    labels = []
    for kind, title in KINDS.items():
        members = dict.fromkeys(mark.label for a in found if a.kind == kind for mark in _marks(a))
        labels += [title, *members] if members else []
    return labels


def _panel(
    found: Sequence[Attempt],
    labels: Sequence[str],
    domain: list[float],
    name: str,
    size: int,
    labelled: bool,
    sizes: int,
) -> alt.LayerChart:
    """One size: a row for each of ``labels``, which stand beside it where it is ``labelled``."""
    width = _WIDE if sizes == 1 else _WIDTH
    scale = alt.Scale(domain=domain, zero=False, nice=False)
    x_axis = alt.Axis(
        tickCount=5, labelExpr="datum.value ? format(datum.value, '+~g') : '0'", title=f"Won back, {name}"
    )
    titles = json.dumps(list(KINDS.values()), ensure_ascii=False)
    y_axis = alt.Axis(
        title=None,
        ticks=False,
        domain=False,
        labels=labelled,
        labelPadding=10,
        labelLimit=260,
        labelFontWeight=alt.condition(f"indexof({titles}, datum.value) >= 0", alt.value("bold"), alt.value("normal")),
    )
    y = alt.Y("label:N", scale=alt.Scale(domain=list(labels)), axis=y_axis)

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=scale, axis=x_axis)

    records = [_record(mark) for a in found for mark in _marks(a)]
    base = alt.Chart(alt.Data(values=records)).encode(y=y)
    gaps = alt.Chart(alt.Data(values=[record for record in records if record["gap"] is not None]))
    zero = alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color=style.INK, strokeWidth=1.2)
    return alt.layer(
        zero.encode(x=x("zero")),
        gaps.mark_tick(color=style.INK, thickness=2, size=13).encode(x=x("gap"), y=y),
        base.mark_rule(strokeWidth=2).encode(x=x("low"), x2="high:Q", color=alt.Color("colour:N", scale=None)),
        base.mark_point(size=62, filled=True, opacity=1, strokeWidth=1.8).encode(
            x=x("won"), stroke=alt.Stroke("colour:N", scale=None), fill=alt.Fill("fill:N", scale=None)
        ),
        base.mark_text(align="left").encode(x=alt.value(width + 8), text="text:N", color=alt.value(style.INK)),
    ).properties(width=width, height=_ROW_HEIGHT * len(labels), title=f"{size:,} instances")


def _record(mark: _Mark) -> dict[str, Any]:
    row = mark.remedy
    colour = style.MUTED if mark.control else style.COLOURS[0] if row.won >= 0 else style.COLOURS[1]
    same = "the same runs" if row.verdict == "same" else f"{points(row.won, signed=True)}, {_share(row)}"
    text = "" if mark.control else same
    return {
        "label": mark.label,
        "won": row.won,
        "low": row.won_low,
        "high": row.won_high,
        "gap": None if mark.control else row.gap,
        "colour": colour,
        "fill": colour if mark.told else "white",
        "text": text,
    }


def _share(row: Remedy) -> str:
    return "no gap" if row.share is None else share_text(row)


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = style.with_outputs(script_parser(__doc__))
    parser.add_argument("--summary", type=Path, required=True, help="table of conditions")
    parser.add_argument("--remedies", type=Path, required=True, help="table of remedied conditions")
    parser.add_argument("--contrasts", type=Path, required=True, help="table of paired contrasts")
    parser.add_argument("--study", type=Path, required=True, help="what was run, JSON")
    parser.add_argument("--metric", required=True, help="metric to draw")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
