"""What a page is made of: topics with sentences, figures and tables, or a line that says why there is nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup, escape

from workbench.cli import UserError


@dataclass(frozen=True)
class Cell:
    """A field of a table: text, and small print below it."""

    text: str
    below: str = ""


@dataclass(frozen=True)
class Table:
    """A table of a page.

    Attributes:
        caption: what it shows.
        head: the columns.
        texts: how many columns, from the left, hold text; the others hold numbers.
        rows: a cell for each column; the first heads its row.
        folded: whether it is shown when asked for only.
    """

    caption: str
    head: Sequence[Cell]
    texts: int
    rows: Sequence[Sequence[Cell]]
    folded: bool = False


@dataclass(frozen=True)
class Figure:
    """A figure as inline SVG with its caption."""

    svg: Markup
    caption: str


@dataclass(frozen=True)
class Topic:
    """One part of the answer to a question.

    Attributes:
        key: id on the page.
        title: heading.
        sentences: what was found, a line each; ``more`` are shown when asked for only; ``notes`` say how to read it.
        warnings: what a reader must not overlook.
        nothing: where there is nothing to show: why, and what to configure.
    """

    key: str
    title: str
    sentences: Sequence[str] = ()
    more: Sequence[str] = ()
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = field(default_factory=list)
    nothing: str = ""


def figure(path: Path | None, key: str, kind: str, caption: str) -> list[Figure]:
    """A figure of the page; none where no file is given.

    Args:
        path: SVG.
        key: what its ids begin with.
        kind: what it is for those who cannot see it, such as ``Dot plot``.
        caption: without a full stop.
    """
    return [Figure(inline_svg(path, key, f"{kind}: {caption}."), f"{caption}.")] if path else []


def inline_svg(path: Path, prefix: str, label: str) -> Markup:
    """An SVG file as part of a page: with ids of its own and a text for those who cannot see it."""
    svg = path.read_text(encoding="utf-8")
    start = svg.find("<svg")
    if start < 0:
        raise UserError(f"{path}: no SVG; delete it and run again")
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", svg[start:])
    label = f"{escape(label)} The numbers are in the tables of this page."
    return Markup(svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1))
