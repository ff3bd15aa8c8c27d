"""The figures of errors and of lexical diversity: a panel for each measure, a row for each text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from altair.typing import ChartType

from report.figures import style
from report.figures.panels import Panel, multiples
from report.rows import Row, grouped
from report.text.formatting import count
from workbench.cli import say


def save_figure(
    rows: Sequence[Row],
    baseline: str,
    titles: Mapping[str, str],
    panels: Callable[[Sequence[Row]], list[Panel]],
    notes: list[str],
    svg: Path,
    png: Path,
) -> None:
    """Draw the measures of one scope and save the figure.

    Args:
        rows: at each learner's largest size, see :func:`report.rows.shown`.
        baseline: the text that is drawn darkest.
        titles: of the figure, by scope.
        panels: makes the panels of one learner from its rows.
        notes: the lines below the title.
    """
    title = titles["test" if any(row.scope == "test" for row in rows) else "pool"]
    texts = dict.fromkeys(row.text for row in rows)
    looks = style.looks(list(texts), baseline)

    charts: dict[str, ChartType] = {}
    for learner, own in grouped(rows, lambda row: row.learner).items():
        names = list(dict.fromkeys(row.text for row in own))
        charts[learner] = multiples([panel for panel in panels(own) if panel.dots], names, looks)
    if charts:
        chart = style.finish(style.stacked(charts), title, notes)
    else:
        chart = style.nothing(title, "There is no text to compare with the human targets.")
    style.save(chart, svg, png)
    say(f"{count(len(texts), 'text')}, {count(len({row.measure for row in rows}), 'measure')}")
