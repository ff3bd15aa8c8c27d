"""Which templates a page is made of, so that a change of any of them is seen."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, meta


def template_files(template: Path) -> list[Path]:
    """A template and the templates beside it that it names, directly or not; itself first, the others by name."""
    environment = Environment()
    waiting, found = [template], [template]
    while waiting:
        tree = environment.parse(waiting.pop().read_text(encoding="utf-8"))
        named = {template.parent / name for name in meta.find_referenced_templates(tree) if name} - set(found)
        waiting += named
        found += named
    return [template, *sorted(found[1:])]
