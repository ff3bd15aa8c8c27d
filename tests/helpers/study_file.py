"""A study's configuration in the working directory, with the files that it names."""

from __future__ import annotations

from pathlib import Path

import yaml
from paths import ROOT

from planning.load_study import load_study
from planning.study import Study

SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"


def write_lines(*names: str) -> None:
    """Write text files of 80 lines each."""
    for name in names:
        Path(name).write_text("eine Zeile\n" * 80, encoding="utf-8")


def replaced(text: str, *changes: tuple[str, str]) -> str:
    """A configuration in which each change replaces the one place of its text."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def read_study(text: str) -> Study:
    """The study that a configuration file with this text describes."""
    Path("study.yaml").write_text(text, encoding="utf-8")
    return load_study(yaml.safe_load(text), ["study.yaml"], {}, SCHEMA)
