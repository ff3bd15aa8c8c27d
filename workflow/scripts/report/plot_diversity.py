"""Draw how lexically diverse each text is beside human text, and how adequate: a panel a measure."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import altair as alt

from report.analysis_tables import DiversityRow, texts_of
from report.figures import style
from report.figures.panels import Dot, Panel, multiples
from report.judged import diversity_standing, per_cent, shown_diversity
from report.text.measures import capital, measure_name
from report.text.numbers import count
from workbench.cli import run_script, say, script_parser
from workbench.records import read_records


def main(arguments: argparse.Namespace) -> None:
    """Draw and save the figure."""
    rows = shown_diversity(read_records(arguments.diversity, DiversityRow))
    style.save(diversity_figure(rows, arguments.baseline), arguments.svg, arguments.png)
    say(f"{count(len(texts_of(rows)), 'text')}, {count(len({row.measure for row in rows}), 'measure')}")


def diversity_figure(rows: Sequence[DiversityRow], baseline: str) -> alt.TopLevelMixin:
    """The figure of the rows of one scope at one size a learner; ``baseline`` is the text that is drawn darkest."""
    test = any(row.scope == "test" for row in rows)
    title = "Lexical diversity of what learners write" if test else "Lexical diversity of each origin’s text"
    if not rows:
        return style.nothing(title, "There is no text to measure beside the human targets.")
    looks = style.looks(texts_of(rows), baseline)
    learners = list(dict.fromkeys(row.learner for row in rows))
    charts = []
    for learner in learners:
        own = [row for row in rows if row.learner == learner]
        panels = [_panel(own, measure) for measure in dict.fromkeys(row.measure for row in own)] + _adequacy(own)
        chart = multiples([panel for panel in panels if panel.dots], texts_of(own), looks)
        charts.append(chart.properties(title=f"Learner {learner}") if len(learners) > 1 else chart)
    chart = charts[0] if len(charts) == 1 else alt.vconcat(*charts, spacing=34)
    notes = [
        "Difference from human text at the same number of tokens; right of the line: more diverse",
        "Measures that fall with diversity are turned round. Lines: 95 % interval; each panel has a scale of its own",
        "Filled marks: told apart from human text (Holm’s p < 0.05); hollow: not",
    ]
    return style.finish(chart, title, notes)


def _panel(rows: Sequence[DiversityRow], measure: str) -> Panel:
    own = [(row, per_cent(row)) for row in rows if row.measure == measure]
    turned = any(row.better == "lower" for row, _ in own)
    return Panel(
        title=capital(measure_name(measure)),
        unit="per cent, turned round" if turned else "per cent",
        dots=[Dot(row.text, *found, diversity_standing(row) != 0) for row, found in own if found],
        reference=(0.0, None, None),
        signed=True,
    )


def _adequacy(rows: Sequence[DiversityRow]) -> list[Panel]:
    """The chrF of each text against the human targets: errors can make a text more diverse."""
    known = {row.text: row.chrf for row in rows if row.chrf is not None}
    dots = [Dot(text, value, None, None, True) for text, value in known.items()]
    return [Panel("Adequacy", "chrF to the human targets", dots)] if dots else []


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = style.with_outputs(script_parser(__doc__))
    parser.add_argument("--diversity", type=Path, required=True, help="table of lexical diversity of one scope")
    parser.add_argument("--baseline", required=True, help="text that is drawn darkest")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
