"""Read an author's targets, whether a person's or a generator's."""

from __future__ import annotations

from pathlib import Path

from workbench.columns import TextsById, read_by_id


def read_target_texts(path: Path) -> TextsById:
    """Targets by id, from a table of generated text (``id text``) or a part of the corpus (``id target``)."""
    with path.open(encoding="utf-8") as file:
        header = file.readline().rstrip("\n").split("\t")
    return read_by_id(path, ["target" if "target" in header else "text"])[0]
