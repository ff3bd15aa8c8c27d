"""The table of generated text, which all generators and learners write.

Its columns are ``id text logprob metadata``: the id of the source, the target, its mean token log-probability (natural
logarithm; empty if the generator reports none) and a JSON object with everything else that is known about the target.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.columns import TextsById, read_by_id
from workbench.tables import read_header, write_rows
from workbench.text import one_line

HUMAN = "human"  # origin of the corpus' targets
SELF = "self"  # origin of the targets that a learner's own base model writes
COLUMNS = ["id", "text", "logprob", "metadata"]


@dataclass(frozen=True)
class Generated:
    """One target; ``logprob`` is the mean over its tokens, including the end of the sentence."""

    id: str
    text: str
    logprob: float | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


def table_row(instance: Generated) -> tuple[str, str, str, str]:
    """``instance`` as a row of the table, with its text on one line."""
    return (
        instance.id,
        one_line(instance.text),
        "" if instance.logprob is None else f"{instance.logprob:.4f}",
        json.dumps(instance.metadata, sort_keys=True, separators=(",", ":"), ensure_ascii=False),
    )


def write_generated(path: Path, instances: Iterable[Generated]) -> int:
    """Write ``instances`` atomically and return their number."""
    return write_rows(path, COLUMNS, map(table_row, instances))


def read_targets(path: Path) -> TextsById:
    """An author's targets by id, from generated text (``id text``) or a split of the corpus (``id target``)."""
    return read_by_id(path, ["target" if "target" in read_header(path) else "text"])[0]
