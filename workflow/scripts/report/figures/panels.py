"""Small multiples of dots with intervals: a panel for each measure with its own scale, a row for each text.

The figures of errors, of lexical diversity and of agreement share them.
"""

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass

import altair as alt
from altair.typing import ChartType

from report.figures import style
from workbench.intervals import NO_DIFFERENCE, Interval

_ROW_HEIGHT = 19
_WIDTHS = {3: 190, 4: 150}  # of a panel, by the number of columns
_FEW = 9
_LABEL_LIMIT = 170


@dataclass(frozen=True)
class Dot:
    """A row of a panel; ``significant``: whether the value differs from the panel's reference."""

    name: str
    found: Interval
    significant: bool


@dataclass(frozen=True)
class Panel:
    """One measure."""

    # title, unit: what is measured, and the axis' title
    title: str
    unit: str
    dots: Sequence[Dot]  # a row each
    reference: Interval | None = None  # what the dots are compared with; None if there is nothing
    domain: tuple[float, float] | None = None  # the axis; None for one that holds the panel's values
    signed: bool = False  # whether ticks carry their sign


def multiples(panels: Sequence[Panel], names: Sequence[str], looks: style.Looks) -> ChartType:
    """The panels in rows of three, or of four if they are many; names are to the left of each row's first panel.

    Args:
        names: the rows of every panel, from the top; a panel without a dot for one leaves it empty.
        looks: colour and shape by name, see :func:`report.figures.style.looks`.
    """
    columns = 3 if len(panels) <= _FEW else 4
    charts = [_panel(panel, names, looks, _WIDTHS[columns], place % columns == 0) for place, panel in enumerate(panels)]
    return style.in_rows(charts, columns, spacing=26, row_spacing=22)


def _panel(panel: Panel, names: Sequence[str], looks: style.Looks, width: int, first: bool) -> ChartType:
    scale = style.fixed_scale(panel.domain or _domain(panel))
    expression = style.signed_labels("+,~g") if panel.signed else "format(datum.value, ',~g')"
    axis = alt.Axis(tickCount=4, labelExpr=expression, title=panel.unit, labelOverlap="greedy", labelFlush=False)
    y = style.names_axis(names, "name", first, labelPadding=10, labelLimit=_LABEL_LIMIT)
    x = alt.X("value:Q", scale=scale, axis=axis)
    colour, shape = style.coloured(looks, "name"), style.shaped(looks, "name")
    lines = _chart(panel.dots).mark_rule(strokeWidth=2)
    full = _chart([dot for dot in panel.dots if dot.significant]).mark_point(size=58, filled=True, opacity=1)
    hollow = _chart([dot for dot in panel.dots if not dot.significant]).mark_point(
        size=52, filled=True, fill="white", strokeWidth=1.8, opacity=1
    )
    layers = [
        lines.encode(x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q", y=y, color=colour),
        hollow.encode(
            x=x, y=y, stroke=alt.Stroke("name:N", scale=style.by_condition(looks, "colour"), legend=None), shape=shape
        ),
        full.encode(x=x, y=y, color=colour, shape=shape),
    ]
    chart = alt.layer(*_reference(panel, scale, axis), *layers)
    return chart.properties(width=width, height=_ROW_HEIGHT * len(names) + 4, title=panel.title)


def _chart(dots: Sequence[Dot]) -> alt.Chart:
    return style.chart([{"name": dot.name, **asdict(dot.found)} for dot in dots])


def _reference(panel: Panel, scale: alt.Scale, axis: alt.Axis) -> list[alt.Chart]:
    """A line at what the dots are compared with, on a band of its interval."""
    if panel.reference is None:
        return []
    data = style.chart([asdict(panel.reference)])
    line = data.mark_rule(color=style.INK, strokeWidth=1.2).encode(x=alt.X("value:Q", scale=scale, axis=axis))
    if panel.reference == NO_DIFFERENCE:
        return [line]
    band = data.mark_rect(color="#e3e3e3").encode(x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q")
    return [band, line]


def _domain(panel: Panel) -> list[float]:
    """From the lowest to the highest value drawn; from zero if some values are near zero and none are below."""
    values = [value for dot in panel.dots for value in astuple(dot.found)]
    values += astuple(panel.reference) if panel.reference else ()
    low, high = style.padded(values, 0.08)
    if min(values) >= 0 and not panel.signed:
        low = -0.03 * high if min(values) < 0.6 * max(values) or max(values) == 0 else low
    return [low, high if high > low else low + 1]
