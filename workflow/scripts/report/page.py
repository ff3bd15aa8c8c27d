"""How a page is rendered from its template and the parts beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from report.text import numbers as words


def render(template: Path, **values: Any) -> str:
    """Fill a template, and the parts beside it that it names; everything is escaped and nothing may be missing."""
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        points=words.points,
        span=words.span,
        p=words.p_value,
        settings=settings,
        mixture=words.training_text,
    )
    return environment.get_template(template.name).render(values)


def settings(value: Any, key: str = "") -> list[tuple[str, str]]:
    """A tree of settings as lines of dotted keys and values, without what is empty or not set."""
    if isinstance(value, Mapping):
        return [line for name, part in value.items() for line in settings(part, f"{key}.{name}" if key else str(name))]
    if isinstance(value, list):
        return [(key, ", ".join(map(str, value)))] if value else []
    return [] if value is None else [(key, json.dumps(value) if isinstance(value, bool) else str(value))]


def people(study: Mapping[str, Any]) -> list[str]:
    """The generators of a study that are second human references."""
    return [name for name, given in study["generators"].items() if given.get("human")]
