"""Draw how well a detector distinguishes origins: AUC of every pair, ROC curves and calibration."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
from altair.typing import ChartType

from report.figures import style
from report.rows import HUMAN_HUMAN, HUMAN_MACHINE, MACHINE_MACHINE, PairRow
from report.text.formatting import count
from workbench.cli import named_files, run_script, say
from workbench.files import read_json
from workbench.records import read_records

_ROW_HEIGHT = 20
_SIDE = 190
_KINDS = {
    HUMAN_MACHINE: ("human and machine", style.COLOURS[0]),
    HUMAN_HUMAN: ("two people", style.COLOURS[1]),
    MACHINE_MACHINE: ("two machines", "#8a8a8a"),
}
_TITLE = "How well a detector distinguishes origins"


def main(arguments: argparse.Namespace) -> None:
    """Draw and save the figure."""
    pairs = read_records(arguments.pairs, PairRow)
    files = named_files("--detectors", arguments.detectors)
    found = {name: read_json(path) for name, path in files.items()}
    style.save(detector_figure(pairs, found), arguments.svg, arguments.png)
    say(count(len(pairs), "pair"))


def detector_figure(pairs: Sequence[PairRow], detectors: Mapping[str, Mapping[str, Any]]) -> ChartType:
    """The figure.

    Args:
        pairs: the table of pairs; drawn by kind, human and machine first, and in each from the largest AUC.
        detectors: each pair's ROC curve (points of false and true positive rate) and calibration (bins), by name.
    """
    if not pairs:
        return style.nothing(_TITLE, "There are no two origins to distinguish.")
    kinds = list(_KINDS)
    rows = sorted(pairs, key=lambda row: (kinds.index(row.kind), -row.auc.value))
    rocs = {name: found["roc"] for name, found in detectors.items()}
    calibrations = {
        name: [(bin_["predicted"], bin_["observed"]) for bin_ in found["calibration"] if bin_["count"]]
        for name, found in detectors.items()
    }
    curves = [
        _curves(rows, rocs, ("False positives, share", "True positives, share"), dots=False),
        _curves(rows, calibrations, ("Predicted", "Observed, share"), dots=True),
    ]
    chart = alt.hconcat(_aucs(rows), *curves, spacing=34).resolve_legend(color="independent")
    notes = [
        "Left: area under the ROC curve with 95 % interval; 0.5, the vertical line, is chance",
        "Middle: ROC curves. Right: probability predicted and share observed; on the diagonal they agree",
    ]
    return style.finish(chart, _TITLE, notes)


def _colour(legend: bool, pairs: Sequence[PairRow]) -> alt.Color:
    held = [kind for kind in _KINDS if any(row.kind == kind for row in pairs)]
    scale = alt.Scale(domain=[_KINDS[kind][0] for kind in held], range=[_KINDS[kind][1] for kind in held])
    look = alt.Legend(
        title=None,
        orient="none",
        legendX=0,
        legendY=_ROW_HEIGHT * len(pairs) + 46,
        direction="vertical",
        labelFontSize=style.FONT_SIZE,
        symbolOpacity=1,
    )
    return alt.Color("kind:N", scale=scale, legend=look if legend else None)


def _aucs(rows: Sequence[PairRow]) -> ChartType:
    records = [
        {"pair": row.label, "kind": _KINDS[row.kind][0], "auc": row.auc.value, "low": row.auc.low, "high": row.auc.high}
        for row in rows
    ]
    low = min(0.48, *(row.auc.low - 0.02 for row in rows))
    scale = style.fixed_scale([low, 1.0])
    y = style.names_axis([row.label for row in rows], "pair", labelPadding=8, labelLimit=230)
    axis = alt.Axis(title="AUC", values=[0.5, 0.6, 0.7, 0.8, 0.9, 1.0], format=".1f", labelFlush=False)
    base = style.chart(records).encode(y=y, color=_colour(True, rows))
    chance = style.chart([{"auc": 0.5}]).mark_rule(color=style.INK, strokeWidth=1.2)
    return alt.layer(
        chance.encode(x=alt.X("auc:Q", scale=scale, axis=axis)),
        base.mark_rule(strokeWidth=2.2).encode(x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q"),
        base.mark_point(size=62, filled=True, opacity=1).encode(x=alt.X("auc:Q", scale=scale, axis=axis)),
        base.mark_text(align="left").encode(
            x=alt.value(_SIDE + 6), text=alt.Text("auc:Q", format=".2f"), color=alt.value(style.INK)
        ),
    ).properties(width=_SIDE, height=_ROW_HEIGHT * len(rows))


def _share(title: str) -> dict[str, Any]:
    """Scale and axis of a share."""
    axis = alt.Axis(title=title, values=[0, 0.2, 0.4, 0.6, 0.8, 1], format=".1f", labelFlush=False)
    return {"scale": alt.Scale(domain=[0, 1], nice=False), "axis": axis}


def _curves(
    rows: Sequence[PairRow], curves: Mapping[str, Sequence[Sequence[float]]], titles: tuple[str, str], dots: bool
) -> ChartType:
    """A line for each pair, the controls first, to draw human and machine on top of them."""
    records = [
        {"pair": row.label, "kind": _KINDS[row.kind][0], "place": place, "x": x, "y": y}
        for row in reversed(rows)
        for place, (x, y) in enumerate(curves.get(row.name, ()))
    ]
    x, y = alt.X("x:Q", **_share(titles[0])), alt.Y("y:Q", **_share(titles[1]))
    colour = _colour(False, rows)
    base = style.chart(records).encode(x=x, y=y, color=colour, detail="pair:N", order="place:Q")
    are_few = len(rows) <= 6
    layers = [base.mark_line(strokeWidth=1.6, opacity=0.9 if are_few else 0.55)]
    if dots and are_few:
        layers.append(base.mark_circle(size=22, opacity=1))
    diagonal = style.chart([{"x": 0, "y": 0}, {"x": 1, "y": 1}])
    line = diagonal.mark_line(color=style.MUTED, strokeDash=[3, 3], strokeWidth=1).encode(x=x, y=y)
    return alt.layer(line, *layers).properties(width=_SIDE, height=_SIDE)


PARSER = style.figure_parser(__doc__, "pairs")
PARSER.add_argument("--detectors", nargs="*", required=True, metavar="PAIR=FILE", help="each pair's curves, JSON")


if __name__ == "__main__":
    run_script(PARSER, main)
