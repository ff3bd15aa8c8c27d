"""Several metrics in one: the mean of a target's ranks under each.

Targets of one score share the mean of their ranks (mid-ranks), so that only what a metric tells counts, not the order
in which its ties are written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from curate.quality import Context, Instance, Metric, Score
from workbench.cli import UserError
from workbench.tables import read_rows

METRIC = Metric(
    summary="mean of the target's ranks under other metrics, 1 for the best target of the generator, ties shared",
    source="ours; Borda's count, by mean rank: Dwork et al., Rank Aggregation Methods for the Web (WWW 2001)",
    low=1.0,
    high=None,
    better="lower",
    needs=("scores",),
)


def score(instances: Sequence[Instance], context: Context) -> list[Score]:
    """Mean rank over the tables ``scores:NAME``; the targets that a metric has no score for share its last ranks.

    Raises:
        UserError: there is no table, or one lacks a target.
    """
    tables = context.inputs_of("scores")
    if not tables:
        raise UserError("rank_average: no scores to average; `of` names two or more of the section `quality`")
    ranks = [read_ranks(path, instances) for path in tables.values()]
    return [fmean(table[instance.id] for table in ranks) for instance in instances]


def read_ranks(path: Path, instances: Sequence[Instance]) -> dict[str, float]:
    """The rank of every target in a table of scores; the mean of their ranks for those of the same score or of none.

    Raises:
        UserError: it lacks one of ``instances``.
    """
    rows = list(read_rows(path, ["id", "score", "rank"]))
    tied: dict[str, list[int]] = defaultdict(list)
    for _, value, rank in rows:
        tied[value].append(int(rank))
    shared = {value: fmean(found) for value, found in tied.items()}
    ranks = {name: shared[value] for name, value, _ in rows}
    missing = next((instance.id for instance in instances if instance.id not in ranks), None)
    if missing is not None:
        raise UserError(f"{path}: no rank for {missing}; delete the table and run again")
    return ranks
