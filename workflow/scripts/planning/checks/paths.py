"""Checks of how paths are spelled."""

from collections.abc import Iterator
from typing import Any

from planning.configuration.errors import Key, Problem
from planning.study import Study

# Keys whose values are paths that Snakemake sees.
_FOLDERS = ("results", "downloads")
_FILES = ("source", "target", "tsv", "targets", "sources", "weights", "model", "journal")
_PROMPTS = ("prompt", "prompt_many", "retry_prompt", "system_prompt")


def path_problems(study: Study) -> Iterator[Problem]:
    """Paths must not contain what means something to Snakemake: ``{wildcard}`` and ``<folder>``."""
    for key, value in _texts(study.config, ()):
        if key[-1] in (*_FOLDERS, *_FILES, *_PROMPTS) and set(value) & set("{}"):
            yield Problem(key, f"{value!r}: Snakemake takes {{}} in a path for a wildcard; rename it, or link to it")
        elif key[-1] in _FOLDERS and (set(value) & set("<>\t\n") or value.startswith("-")):
            yield Problem(
                key, f"{value!r}: not fit for a folder; allowed: no '<', '>', tab or line break, no leading '-'"
            )


def _texts(value: Any, key: Key) -> Iterator[tuple[Key, str]]:
    """Every text in a configuration with its key."""
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _texts(child, (*key, name))
    elif isinstance(value, str):
        yield key, value
