"""The figures of errors and of lexical diversity: a panel for each measure, a row for each text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

from altair.typing import ChartType

from report.analysis_tables import Row, learners_of, shown, texts_of
from report.figures import style
from report.figures.panels import Panel, multiples
from report.text.formatting import count
from workbench.cli import say
from workbench.records import read_records


@dataclass(frozen=True)
class MeasuresFigure(Generic[Row]):
    """How the measures of one kind are drawn.

    Attributes:
        row: of their table.
        titles: of the figure, by scope.
        panel: draws one measure from its rows.
        more_panels: further panels, from all rows of a learner.
        notes: the lines below the title, from all rows.
    """

    row: type[Row]
    titles: dict[str, str]
    panel: Callable[[Sequence[Row]], Panel]
    more_panels: Callable[[Sequence[Row]], list[Panel]]
    notes: Callable[[Sequence[Row]], list[str]]

    def write(self, table: Path, baseline: str, svg: Path, png: Path) -> None:
        """Draw the rows of one scope at each learner's largest size, and save the figure."""
        rows = shown(read_records(table, self.row))
        style.save(self.draw(rows, baseline), svg, png)
        say(f"{count(len(texts_of(rows)), 'text')}, {count(len({row.measure for row in rows}), 'measure')}")

    def draw(self, rows: Sequence[Row], baseline: str) -> ChartType:
        """The figure of the rows of one scope at one size a learner; ``baseline`` is the text that is drawn darkest."""
        title = self.titles["test" if any(row.scope == "test" for row in rows) else "pool"]
        if not rows:
            return style.nothing(title, "There is no text to compare with the human targets.")
        looks = style.looks(texts_of(rows), baseline)
        charts = {
            learner: self._panels([row for row in rows if row.learner == learner], looks)
            for learner in learners_of(rows)
        }
        return style.finish(style.stacked(charts), title, self.notes(rows))

    def _panels(self, rows: Sequence[Row], looks: style.Looks) -> ChartType:
        measures = list(dict.fromkeys(row.measure for row in rows))
        panels = [self.panel([row for row in rows if row.measure == measure]) for measure in measures]
        panels += self.more_panels(rows)
        return multiples([panel for panel in panels if panel.dots], texts_of(rows), looks)
