"""A page: sections with topics, each of sentences, figures and tables, and how they are rendered from a template."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, meta
from markupsafe import Markup, escape

from report.tables import Table
from report.text.formatting import points
from workbench.files import checked, damaged


@dataclass(frozen=True)
class Figure:
    """A figure as inline SVG with its caption."""

    svg: Markup
    caption: str


@dataclass(frozen=True)
class Topic:
    """One part of the answer to a question."""

    key: str  # id on the page
    title: str  # heading
    # What was found, a line each; ``more`` are shown only on request; ``notes`` explain how to read them
    sentences: Sequence[str] = ()
    more: Sequence[str] = ()
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()  # what a reader must not overlook
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    nothing: str = ""  # if there is nothing to show: why, and what to configure


@dataclass(frozen=True)
class Section:
    """The topics of one question, and its answer in a line."""

    line: str
    topics: list[Topic]


def figure(path: Path | None, key: str, kind: str, caption: str) -> list[Figure]:
    """A figure of the page; an empty list if no file is given.

    Args:
        path: SVG.
        key: prefix of its ids.
        kind: what kind of figure it is, such as ``Dot plot``, for those who cannot see it.
        caption: without a full stop.

    Raises:
        UserError: the file is not an SVG.
    """
    if path is None:
        return []
    svg = checked(path).read_text(encoding="utf-8")
    start = svg.find("<svg")
    if start < 0:
        raise damaged(path, "it is not an SVG")
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{key}-", svg[start:])
    label = f"{escape(f'{kind}: {caption}.')} The numbers are in the tables of this page."
    return [Figure(Markup(svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)), f"{caption}.")]


def render(template: Path, **values: Any) -> str:
    """Fill a template and the templates that it includes; everything is escaped and nothing may be missing."""
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(points=points, settings=settings)
    return environment.get_template(template.name).render(values)


def settings(value: Any, key: str = "") -> list[tuple[str, str]]:
    """A tree of settings as lines of dotted keys and values, without what is empty or not set."""
    if isinstance(value, Mapping):
        return [line for name, part in value.items() for line in settings(part, f"{key}.{name}" if key else str(name))]
    if isinstance(value, list):
        return [(key, ", ".join(map(str, value)))] if value else []
    return [] if value is None else [(key, json.dumps(value) if isinstance(value, bool) else str(value))]


def template_files(template: Path) -> list[Path]:
    """A template and all that it includes from its folder, directly or not; itself first, the others by name.

    A change of any of them changes the page.
    """
    environment = Environment(autoescape=True)
    waiting, found = [template], [template]
    while waiting:
        tree = environment.parse(waiting.pop().read_text(encoding="utf-8"))
        named = {template.parent / name for name in meta.find_referenced_templates(tree) if name} - set(found)
        waiting += named
        found += named
    return [template, *sorted(found[1:])]
