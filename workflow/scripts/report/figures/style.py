"""What all figures share: command line, colours, fonts, labels that do not overlap, and how they are saved."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert
from altair.typing import ChartType

from evaluate.results import ConditionSummary
from report.text.formatting import count
from workbench.cli import UserError, script_parser
from workbench.files import atomic_path
from workbench.records import read_records
from workbench.tables import read_rows

INK = "#1a1a1a"
MUTED = "#5c5c5c"
# Okabe & Ito, Color universal design (2008), without black (the baseline's) and yellow (too pale).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
# The same, dark enough to be read as text.
TEXT_COLOURS = ("#0072B2", "#B34E00", "#007A58", "#A2507B", "#1F7FB3", "#9A6A00")
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")
DASHES = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3), (12, 4))
# vl-convert contains Liberation Sans: text is measured and drawn alike everywhere. Arial and Helvetica have the same
# widths.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
FONT_SIZE = 12
LINE_HEIGHT = 15

Seeds = dict[tuple[str, str, int], list[float]]  # scores of single runs, by learner, condition and size
_OPTIONS: dict[str, tuple[Callable[[str], Any], str]] = {
    "summary": (Path, "table of conditions"),
    "scores": (Path, "table of runs"),
    "remedies": (Path, "table of remedied conditions"),
    "contrasts": (Path, "table of paired contrasts"),
    "kind": (str, "what was measured: errors or diversity"),
    "table": (Path, "table of these measures, of one scope"),
    "agreement": (Path, "table of metrics and generators"),
    "pairs": (Path, "table of pairs of origins"),
    "study": (Path, "what was run, JSON"),
    "metric": (str, "metric to draw"),
    "baseline": (str, "condition or origin that is drawn darkest"),
    "margin": (float, "difference that counts as none, in points"),
    "svg": (Path, "output figure"),
    "png": (Path, "output figure, at twice the size"),
}

Looks = dict[str, dict[str, Any]]  # colour, colour of text, shape and dash, by condition


def figure_parser(description: str | None, *options: str) -> argparse.ArgumentParser:
    """The command line of a figure's script: ``options`` of :data:`_OPTIONS`, and the files that it writes."""
    parser = script_parser(description)
    for name in (*options, "svg", "png"):
        kind, text = _OPTIONS[name]
        parser.add_argument(f"--{name}", type=kind, required=True, help=text)
    return parser


def read_seeds(path: Path, metric: str) -> Seeds:
    """The scores of single runs by learner, condition and size."""
    seeds: Seeds = {}
    columns = ["learner", "condition", "size", metric]
    for learner, condition, size, score in read_rows(path, columns):
        seeds.setdefault((learner, condition, int(size)), []).append(float(score))
    return seeds


def single_runs(rows: Sequence[ConditionSummary], seeds: Seeds) -> list[tuple[ConditionSummary, float]]:
    """Each row with the score of each of its runs, if it has several."""
    return [
        (row, score) for row in rows if row.seeds > 1 for score in seeds.get((row.learner, row.condition, row.size), [])
    ]


def score_domain(rows: Sequence[ConditionSummary]) -> list[float]:
    """An axis that holds every score with its interval and its runs."""
    return padded([v for row in rows for v in (row.score.low, row.score.high, row.score_min, row.score_max)])


def conditions_of(rows: Sequence[ConditionSummary]) -> list[str]:
    """The conditions in the order of the summary table."""
    return list(dict.fromkeys(row.condition for row in rows))


def looks(conditions: Sequence[str], baseline: str) -> Looks:
    """Colour (of marks and of text), shape and dash of each condition.

    The baseline's are always the same; those of the others depend on their place.
    """
    result: Looks = {}
    others = [name for name in conditions if name != baseline]
    for place, name in enumerate(others):
        turn = place // len(COLOURS)
        result[name] = {
            "colour": COLOURS[place % len(COLOURS)],
            "text": TEXT_COLOURS[place % len(COLOURS)],
            "shape": SHAPES[(place + 1 + turn) % len(SHAPES)],
            "dash": list(DASHES[turn % len(DASHES)]),
        }
    result[baseline] = {"colour": INK, "text": INK, "shape": SHAPES[0], "dash": list(DASHES[0])}
    return result


def chart(records: Sequence[Mapping[str, Any]]) -> alt.Chart:
    """A chart of records, still without marks."""
    return alt.Chart(alt.Data(values=records))


def by_condition(looks: Looks, key: str) -> alt.Scale:
    """A scale that gives each condition its look."""
    return alt.Scale(domain=list(looks), range=[look[key] for look in looks.values()])


def coloured(looks: Looks, field: str = "condition") -> alt.Color:
    """The colour of each condition, without a legend."""
    return alt.Color(f"{field}:N", scale=by_condition(looks, "colour"), legend=None)


def shaped(looks: Looks, field: str = "condition") -> alt.Shape:
    """The shape of each condition, without a legend."""
    return alt.Shape(f"{field}:N", scale=by_condition(looks, "shape"), legend=None)


def fixed_scale(domain: Sequence[float]) -> alt.Scale:
    """A scale from exactly the first to exactly the last of ``domain``."""
    return alt.Scale(domain=list(domain), zero=False, nice=False)


def signed_labels(format: str = "+~g") -> str:
    """The expression of an axis whose labels have a sign, except zero."""
    return f"datum.value ? format(datum.value, '{format}') : '0'"


def names_axis(names: Sequence[str], field: str = "condition", labels: bool = True, **look: Any) -> alt.Y:
    """A vertical axis with a row for each name, without ticks."""
    axis = alt.Axis(title=None, ticks=False, domain=False, labels=labels, **look)
    return alt.Y(f"{field}:N", scale=alt.Scale(domain=list(names)), axis=axis)


def stacked(charts: Mapping[str, ChartType], spacing: int = 34) -> ChartType:
    """The charts of all learners below each other, with their names as titles if they are several."""
    if len(charts) == 1:
        return next(iter(charts.values()))
    titled = [chart.properties(title=f"Learner {learner}") for learner, chart in charts.items()]
    return alt.vconcat(*titled, spacing=spacing)


def in_rows(charts: Sequence[ChartType], columns: int, spacing: int, row_spacing: int) -> ChartType:
    """The charts in rows of so many ``columns``."""
    starts = range(0, len(charts), columns)
    rows = [alt.hconcat(*charts[start : start + columns], spacing=spacing) for start in starts]
    return rows[0] if len(rows) == 1 else alt.vconcat(*rows, spacing=row_spacing)


def read_metric(path: Path, metric: str) -> list[ConditionSummary]:
    """The rows of the summary table about one metric.

    Raises:
        UserError: there are none.
    """
    rows = read_records(path, ConditionSummary)
    chosen = [row for row in rows if row.metric == metric]
    if not chosen:
        allowed = ", ".join(dict.fromkeys(row.metric for row in rows)) or "none, the summary is empty"
        raise UserError(f"--metric {metric}: not in the summary; allowed: {allowed}")
    return chosen


def nothing(title: str, why: str) -> ChartType:
    """A figure that says that there is nothing to draw, and why."""
    text = chart([{"text": why}]).mark_text(align="left", color=MUTED)
    placed = text.encode(x=alt.value(0), y=alt.value(12), text="text:N")
    return finish(placed.properties(width=440, height=24), title, [])


def axis_title(row: ConditionSummary) -> str:
    """Name of a metric's axis with its direction."""
    return f"{row.name} ({row.better} is better)"


def intervals_note(rows: Sequence[ConditionSummary], mark: str, dots: bool = True) -> list[str]:
    """Lines of a subtitle that explain the intervals (called ``mark``) and the dots of a figure."""
    seeds = sorted({row.seeds for row in rows if row.size > 0})  # at size 0 there is nothing that a seed could change
    runs = "One run each" if seeds == [1] else f"Mean over {' or '.join(map(str, seeds))} seeds"
    if dots and seeds != [1]:
        runs += "; small dots: single runs"
    sentences = count(rows[0].sentences, "test sentence")
    over = f"the {sentences}" if seeds == [1] else f"seeds and the {sentences}"
    return [f"{mark}: 95 % bootstrap interval over {over}", runs]


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near to ``wanted``, between ``low`` and ``high``, with ``gap`` between neighbours.

    Places that are too close form a group around their common middle, and groups that touch are
    joined. If there is not enough room, the places are even and closer than ``gap``.
    """
    if len(wanted) > 1:
        gap = min(gap, (high - low) / (len(wanted) - 1))
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    groups: list[tuple[list[int], float]] = []
    for index in order:
        groups.append(([index], min(max(wanted[index], low), high)))
        while len(groups) > 1 and _touch(groups[-2], groups[-1], gap):
            members = groups[-2][0] + groups[-1][0]
            middle = sum(wanted[i] for i in members) / len(members)
            half = gap * (len(members) - 1) / 2
            groups[-2:] = [(members, min(max(middle, low + half), high - half))]
    places = [0.0] * len(wanted)
    for members, middle in groups:
        for rank, index in enumerate(members):
            places[index] = middle + gap * (rank - (len(members) - 1) / 2)
    return places


def _touch(left: tuple[list[int], float], right: tuple[list[int], float], gap: float) -> bool:
    reach = gap * (len(left[0]) + len(right[0])) / 2
    return right[1] - left[1] < reach - 1e-9


def padded(values: Sequence[float], share: float = 0.05) -> list[float]:
    """Lowest and highest of ``values`` with room around them."""
    low, high = min(values), max(values)
    room = (high - low) * share or max(abs(high), 1.0) * share
    return [low - room, high + room]


def finish(chart: ChartType, title: str, subtitle: list[str]) -> ChartType:
    """Give a whole figure its title, fonts and grid."""
    text = alt.TitleParams(
        title,
        subtitle=subtitle,
        anchor="start",
        fontSize=15,
        color=INK,
        subtitleFontSize=FONT_SIZE,
        subtitleColor=MUTED,
        subtitlePadding=5,
        offset=14,
    )
    axis = alt.AxisConfig(
        labelFontSize=FONT_SIZE,
        titleFontSize=FONT_SIZE,
        titleFontWeight="normal",
        labelColor=INK,
        titleColor=INK,
        gridColor="#e4e4e4",
        domainColor=MUTED,
        tickColor=MUTED,
        titlePadding=8,
    )
    config = alt.Config(
        font=FONT,
        axis=axis,
        view=alt.ViewConfig(stroke=None),
        text=alt.MarkConfig(fontSize=FONT_SIZE),
        title=alt.TitleConfig(fontSize=13, anchor="start", color=INK),
    )
    return chart.properties(title=text, background="white", padding=12, config=config)


def save(chart: ChartType, svg: Path, png: Path) -> None:
    """Write a figure as SVG and, at twice its size, as PNG; atomically and without a browser."""
    with atomic_path(svg) as temporary:
        chart.save(str(temporary), format="svg")
        picture = vl_convert.svg_to_png(temporary.read_text(encoding="utf-8"), scale=2)
    with atomic_path(png) as temporary:
        temporary.write_bytes(picture)
