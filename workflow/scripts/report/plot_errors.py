"""Draw how often each measure of errors finds something in each text and in human text: a panel for each measure."""

import argparse
from collections.abc import Sequence

from report.figures import style
from report.figures.panels import Dot, Panel, save_measures_figure
from report.rows import ErrorRow, grouped, shown
from report.text.formatting import capital
from report.text.names import measure_name
from workbench.cli import run_script
from workbench.records import read_records

_TITLES = {"pool": "Errors of each origin’s text", "test": "Errors in learners’ output"}


def main(arguments: argparse.Namespace) -> None:
    """Draw and save the figure."""
    rows = shown(read_records(arguments.errors, ErrorRow))
    save_measures_figure(rows, arguments.baseline, _TITLES, _panels, _notes(rows), arguments.svg, arguments.png)


def _panels(rows: Sequence[ErrorRow]) -> list[Panel]:
    return [_panel(own) for own in grouped(rows, lambda row: row.measure).values()]


def _panel(rows: Sequence[ErrorRow]) -> Panel:
    floor = next((row.floor for row in rows if row.floor), None)
    return Panel(
        title=capital(measure_name(rows[0].measure)),
        unit=rows[0].unit,
        dots=[Dot(row.text, row.rate, row.sign != 0) for row in rows],
        reference=floor,
    )


def _notes(rows: Sequence[ErrorRow]) -> list[str]:
    notes = ["Lines: 95 % bootstrap interval. Each panel has its own scale; further right: more errors"]
    if any(row.floor for row in rows):
        return [
            *notes,
            "Vertical line and band: the human floor, the same measure on human targets, with its interval",
            "Filled marks: significantly different from the floor (Holm’s p < 0.05); hollow: not, or there is no floor",
        ]
    return [*notes, "There are no human targets to measure a floor on"]


if __name__ == "__main__":
    run_script(style.figure_parser(__doc__, "errors", "baseline"), main)
