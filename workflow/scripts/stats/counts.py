"""The table of sufficient statistics that ``score_run`` leaves of each run.

For every segment and metric it holds the few counts that scores are computed from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.cli import UserError
from workbench.segments import check_ids
from workbench.tables import read_rows, write_rows


@dataclass(frozen=True)
class Counts:
    """Counts of the segments ``ids``: for each metric an array of shape (segments, counts)."""

    path: Path
    ids: list[str]
    metrics: dict[str, np.ndarray]


def write_counts(path: Path, ids: Sequence[str], metrics: Mapping[str, np.ndarray]) -> None:
    """Write ``id`` and numbered columns a metric, such as ``bleu_1``."""
    columns = [f"{name}_{k}" for name, table in metrics.items() for k in range(1, table.shape[1] + 1)]
    table = np.hstack(list(metrics.values()))
    rows = ([key, *(f"{value:.15g}" for value in row)] for key, row in zip(ids, table, strict=True))
    write_rows(path, ["id", *columns], rows)


def read_counts(path: Path, metrics: Sequence[str], like: Counts | None = None) -> Counts:
    """Read the counts of ``metrics``.

    Raises:
        UserError: there are no counts of a metric, or the segments are not those of ``like``.
    """
    with path.open(encoding="utf-8") as file:
        header = file.readline().rstrip("\n").split("\t")
    columns = {metric: [name for name in header if name.rpartition("_")[0] == metric] for metric in metrics}
    missing = [metric for metric, names in columns.items() if not names]
    if missing:
        raise UserError(f"{path}: no counts of metric {missing[0]!r}; score the run again")
    rows = list(read_rows(path, ["id", *(name for names in columns.values() for name in names)]))
    ids = [row[0] for row in rows]
    if like:
        check_ids(path, ids, like.path, like.ids)
    table = np.array([row[1:] for row in rows], dtype=np.float64)
    edges = np.cumsum([len(names) for names in columns.values()])[:-1]
    return Counts(path, ids, dict(zip(metrics, np.split(table, edges, axis=1), strict=True)))
