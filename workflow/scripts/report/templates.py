"""The templates that a page includes: a change of any of them changes the page."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, meta


def template_files(template: Path) -> list[Path]:
    """A template and all that it includes from its folder, directly or not; itself first, the others by name."""
    environment = Environment()
    waiting, found = [template], [template]
    while waiting:
        tree = environment.parse(waiting.pop().read_text(encoding="utf-8"))
        named = {template.parent / name for name in meta.find_referenced_templates(tree) if name} - set(found)
        waiting += named
        found += named
    return [template, *sorted(found[1:])]
