"""Draw the errors or the lexical diversity of each text, compared with human text: a panel for each measure."""

import argparse
from collections.abc import Sequence

from altair.typing import ChartType

from report.figures import style
from report.figures.panels import Dot, Panel, multiples
from report.rows import DiversityRow, ErrorRow, grouped, shown
from report.text.formatting import capital, count
from report.text.names import measure_name
from workbench.cli import run_script, say
from workbench.intervals import Interval
from workbench.records import read_records

Row = ErrorRow | DiversityRow
_TITLES = {  # by kind of measure and scope
    ("errors", "pool"): "Errors of each origin’s text",
    ("errors", "test"): "Errors in learners’ output",
    ("diversity", "pool"): "Lexical diversity of each origin’s text",
    ("diversity", "test"): "Lexical diversity of learners’ output",
}
_DIVERSITY_NOTES = [
    "Difference from human text at the same number of tokens; right of the line: more diverse",
    "Measures that fall with diversity are reversed. Lines: 95 % interval; each panel has its own scale",
    "Filled marks: significantly different from human text (Holm’s p < 0.05); hollow: not",
]


def main(arguments: argparse.Namespace) -> None:
    """Draw and save the figure."""
    kind: type[Row] = ErrorRow if arguments.kind == "errors" else DiversityRow
    rows = shown(read_records(arguments.table, kind))
    title = _TITLES[arguments.kind, "test" if any(row.scope == "test" for row in rows) else "pool"]
    texts = list(dict.fromkeys(row.text for row in rows))
    looks = style.looks(texts, arguments.baseline)

    charts: dict[str, ChartType] = {}
    for learner, own in grouped(rows, lambda row: row.learner).items():
        names = list(dict.fromkeys(row.text for row in own))
        charts[learner] = multiples([panel for panel in _panels(own) if panel.dots], names, looks)
    if charts:
        notes = _error_notes(rows) if kind is ErrorRow else _DIVERSITY_NOTES
        chart = style.finish(style.stacked(charts), title, notes)
    else:
        chart = style.nothing(title, "There is no text to compare with the human targets.")
    style.save(chart, arguments.svg, arguments.png)
    say(f"{count(len(texts), 'text')}, {count(len({row.measure for row in rows}), 'measure')}")


def _panels(rows: Sequence[Row]) -> list[Panel]:
    """A panel for each measure, then the chrF against the human targets: errors can make a text more diverse."""
    chrf = {row.text: row.chrf for row in rows if isinstance(row, DiversityRow) and row.chrf is not None}
    adequacy = [Dot(text, Interval(value, value, value), True) for text, value in chrf.items()]
    panels = [_panel(own) for own in grouped(rows, lambda row: row.measure).values()]
    return [*panels, Panel("Adequacy", "chrF to the human targets", adequacy)]


def _panel(rows: Sequence[Row]) -> Panel:
    return Panel(
        title=capital(measure_name(rows[0].measure)),
        unit=rows[0].unit,
        dots=[Dot(row.text, found, row.sign != 0) for row in rows if (found := row.drawn)],
        reference=next((row.floor for row in rows if row.floor), None),
        signed=isinstance(rows[0], DiversityRow),
    )


def _error_notes(rows: Sequence[Row]) -> list[str]:
    notes = ["Lines: 95 % bootstrap interval. Each panel has its own scale; further right: more errors"]
    if any(row.floor for row in rows):
        return [
            *notes,
            "Vertical line and band: the human floor, the same measure on human targets, with its interval",
            "Filled marks: significantly different from the floor (Holm’s p < 0.05); hollow: not, or there is no floor",
        ]
    return [*notes, "There are no human targets to measure a floor on"]


if __name__ == "__main__":
    run_script(style.figure_parser(__doc__, "kind", "table", "baseline"), main)
