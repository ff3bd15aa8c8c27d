"""Draw how often each measure of errors finds something in each text, beside the human floor: a panel a measure."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import altair as alt

from report.analysis_tables import ErrorRow, texts_of
from report.figures import style
from report.figures.panels import Dot, Panel, multiples
from report.judged import error_standing, shown_errors
from report.text.measures import capital, measure_name, unit
from report.text.numbers import count
from workbench.cli import run_script, say, script_parser
from workbench.records import read_records


def main(arguments: argparse.Namespace) -> None:
    """Draw and save the figure."""
    rows = shown_errors(read_records(arguments.errors, ErrorRow))
    style.save(errors_figure(rows, arguments.baseline), arguments.svg, arguments.png)
    say(f"{count(len(texts_of(rows)), 'text')}, {count(len({row.measure for row in rows}), 'measure')}")


def errors_figure(rows: Sequence[ErrorRow], baseline: str) -> alt.TopLevelMixin:
    """The figure of the rows of one scope at one size a learner; ``baseline`` is the text that is drawn darkest."""
    test = any(row.scope == "test" for row in rows)
    title = "Errors in what learners write" if test else "Errors of each origin’s text"
    if not rows:
        return style.nothing(title, "There is no text to measure beside the human targets.")
    looks = style.looks(texts_of(rows), baseline)
    learners = list(dict.fromkeys(row.learner for row in rows))
    charts = []
    for learner in learners:
        own = [row for row in rows if row.learner == learner]
        chart = multiples([_panel(own, m) for m in dict.fromkeys(row.measure for row in own)], texts_of(own), looks)
        charts.append(chart.properties(title=f"Learner {learner}") if len(learners) > 1 else chart)
    chart = charts[0] if len(charts) == 1 else alt.vconcat(*charts, spacing=34)
    notes = ["Lines: 95 % bootstrap interval. Each panel has a scale of its own; further right: more errors"]
    if any(row.floor is not None for row in rows):
        notes.append("Vertical line and band: the human floor, the same measure on human targets, with its interval")
        notes.append("Filled marks: told apart from the floor (Holm’s p < 0.05); hollow: not, or there is no floor")
    else:
        notes.append("There are no human targets to measure a floor on")
    return style.finish(chart, title, notes)


def _panel(rows: Sequence[ErrorRow], measure: str) -> Panel:
    own = [row for row in rows if row.measure == measure]
    floored = next((row for row in own if row.floor is not None), None)
    return Panel(
        title=capital(measure_name(measure)),
        unit=unit(measure),
        dots=[Dot(row.text, row.rate, row.rate_low, row.rate_high, error_standing(row) != 0) for row in own],
        reference=(floored.floor, floored.floor_low, floored.floor_high)
        if floored and floored.floor is not None
        else None,
    )


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = style.with_outputs(script_parser(__doc__))
    parser.add_argument("--errors", type=Path, required=True, help="table of errors of one scope")
    parser.add_argument("--baseline", required=True, help="text that is drawn darkest")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
