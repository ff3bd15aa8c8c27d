"""Draw how lexically diverse each text is compared with human text, and how adequate: a panel for each measure."""

import argparse
from collections.abc import Sequence

from report.figures import style
from report.figures.panels import NO_DIFFERENCE, Dot, Panel, save_measures_figure
from report.rows import DiversityRow, grouped, shown
from report.text.formatting import capital
from report.text.names import measure_name
from workbench.cli import run_script
from workbench.intervals import Interval
from workbench.records import read_records

_TITLES = {"pool": "Lexical diversity of each origin’s text", "test": "Lexical diversity of learners’ output"}
_NOTES = [
    "Difference from human text at the same number of tokens; right of the line: more diverse",
    "Measures that fall with diversity are reversed. Lines: 95 % interval; each panel has its own scale",
    "Filled marks: significantly different from human text (Holm’s p < 0.05); hollow: not",
]


def main(arguments: argparse.Namespace) -> None:
    """Draw and save the figure."""
    rows = shown(read_records(arguments.diversity, DiversityRow))
    save_measures_figure(rows, arguments.baseline, _TITLES, _panels, _NOTES, arguments.svg, arguments.png)


def _panels(rows: Sequence[DiversityRow]) -> list[Panel]:
    """A panel for each measure, then the chrF against the human targets: errors can make a text more diverse."""
    chrf = {row.text: row.chrf for row in rows if row.chrf is not None}
    adequacy = [Dot(text, Interval(value, value, value), True) for text, value in chrf.items()]
    panels = [_panel(own) for own in grouped(rows, lambda row: row.measure).values()]
    return [*panels, Panel("Adequacy", "chrF to the human targets", adequacy)]


def _panel(rows: Sequence[DiversityRow]) -> Panel:
    is_reversed = any(row.better == "lower" for row in rows)
    return Panel(
        title=capital(measure_name(rows[0].measure)),
        unit="per cent, reversed" if is_reversed else "per cent",
        dots=[Dot(row.text, found, row.sign != 0) for row in rows if (found := row.per_cent)],
        reference=NO_DIFFERENCE,
        signed=True,
    )


if __name__ == "__main__":
    run_script(style.figure_parser(__doc__, "diversity", "baseline"), main)
