"""Draw how each quality metric's ranking agrees with the oracle's: a panel per generator, a row per metric."""

import argparse
from collections.abc import Sequence

from altair.typing import ChartType

from report.figures import style
from report.figures.panels import Dot, Panel, multiples
from report.rows import AgreementRow, grouped
from report.text.formatting import count
from workbench.cli import run_script, say
from workbench.intervals import NO_DIFFERENCE
from workbench.records import read_records

_TITLE = "Quality metrics compared with the oracle"


def main(arguments: argparse.Namespace) -> None:
    """Draw and save the figure."""
    rows = read_records(arguments.agreement, AgreementRow)
    style.save(agreement_figure(rows), arguments.svg, arguments.png)
    names = {row.quality for row in rows}
    say(f"{count(len(names), 'metric')} on {count(len({row.generator for row in rows}), 'generator')}")


def agreement_figure(rows: Sequence[AgreementRow]) -> ChartType:
    """The figure; a metric that needs the human target is grey, and one without a correlation has an empty row."""
    drawn = [(row, row.spearman) for row in rows if row.spearman]
    if not drawn:
        return style.nothing(_TITLE, "No quality metric has a correlation with the oracle.")
    names = list(dict.fromkeys(row.quality for row in rows))
    known = {row.quality for row in rows if row.practical != "yes"}
    looks = style.looks([name for name in names if name not in known], "")
    looks |= {name: {**looks[""], "colour": style.MUTED, "text": style.MUTED} for name in known}
    del looks[""]
    low = min(-0.1, *(found.low - 0.05 for _, found in drawn))
    high = max(found.high for _, found in drawn) + 0.05
    panels = [
        Panel(
            title=generator,
            unit="Spearman’s correlation",
            dots=[Dot(row.quality, found, row.sign != 0) for row, found in own],
            reference=NO_DIFFERENCE,
            domain=(low, min(high, 1.03)),
        )
        for generator, own in grouped(drawn, lambda pair: pair[0].generator).items()
    ]
    notes = [
        "Ranks of the targets by the metric and by the oracle (chrF to the human target); 1: the same, 0: unrelated",
        "Lines: 95 % interval. Filled marks: the interval excludes zero",
    ]
    if known:
        notes.append("Grey: needs the human target and cannot be used in practice")
    return style.finish(multiples(panels, names, looks), _TITLE, notes)


if __name__ == "__main__":
    run_script(style.figure_parser(__doc__, "agreement"), main)
