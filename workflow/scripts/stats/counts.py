"""The table of sufficient statistics that ``score_run`` writes for each run.

For every segment and metric it holds the few counts that scores are computed from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.cli import UserError
from workbench.segments import check_ids
from workbench.tables import read_header, read_rows, write_rows


@dataclass(frozen=True)
class SegmentCounts:
    """Counts of the segments ``ids``: an array of shape (segments, counts) for each metric."""

    path: Path
    ids: list[str]
    metrics: dict[str, np.ndarray]


def count_columns(metric: str, counts: np.ndarray) -> list[str]:
    """The columns of a metric's counts, shape (segments, counts): numbered, such as ``bleu_1``."""
    return [f"{metric}_{number}" for number in range(1, counts.shape[1] + 1)]


def columns_of_metric(metric: str, header: Iterable[str]) -> list[str]:
    """The columns in ``header`` that :func:`count_columns` named for a metric."""
    return [name for name in header if name.rpartition("_")[0] == metric]


def write_counts(path: Path, ids: Sequence[str], metrics: Mapping[str, np.ndarray]) -> None:
    """Write ``id`` and the columns of every metric's counts."""
    columns = [column for metric, counts in metrics.items() for column in count_columns(metric, counts)]
    table = np.hstack(list(metrics.values()))
    rows = ([key, *(f"{value:.15g}" for value in row)] for key, row in zip(ids, table, strict=True))
    write_rows(path, ["id", *columns], rows)


def read_counts(path: Path, metrics: Sequence[str], like: SegmentCounts | None = None) -> SegmentCounts:
    """Read the counts of ``metrics``.

    Raises:
        UserError: a metric has no counts, or the segments are not those of ``like``.
    """
    header = read_header(path)
    columns = {metric: columns_of_metric(metric, header) for metric in metrics}
    missing = [metric for metric, names in columns.items() if not names]
    if missing:
        raise UserError(f"{path}: no counts of metric {missing[0]!r}; score the run again")
    rows = list(read_rows(path, ["id", *(name for names in columns.values() for name in names)]))
    ids = [row[0] for row in rows]
    if like:
        check_ids(path, ids, like.path, like.ids)
    table = np.array([row[1:] for row in rows], dtype=np.float64)
    edges = np.cumsum([len(names) for names in columns.values()])[:-1]
    return SegmentCounts(path, ids, dict(zip(metrics, np.split(table, edges, axis=1), strict=True)))
