"""Mean of the target's ranks under other metrics, 1 for the best target of the generator: lower is better.

Targets with equal scores share the mean of their ranks (mid-ranks), so that the order of ties has no effect.

Source: ours; Borda's count, by mean rank: Dwork et al., Rank Aggregation Methods for the Web (WWW 2001).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import numpy as np

from curate.quality import Context, QualityMetric, Score, TargetInstance
from workbench.cli import UserError
from workbench.tables import read_rows

METRIC = QualityMetric(better="lower")


def score(instances: Sequence[TargetInstance], context: Context) -> list[Score]:
    """Mean rank over the tables ``scores:NAME``; targets without a score share the last ranks of that metric.

    Raises:
        UserError: there is no table, or one lacks a target.
    """
    tables = context.inputs_of("scores")
    if not tables:
        raise UserError("rank_average: no scores to average; `of` names two or more of the section `quality`")
    ids = [instance.id for instance in instances]
    ranks = [read_ranks(path, ids).tolist() for path in tables.values()]
    return [fmean(found) for found in zip(*ranks, strict=True)]


def read_ranks(path: Path, ids: Sequence[str]) -> np.ndarray:
    """The rank of every target in a table of scores; targets with equal scores, or with none, share their mean rank.

    Args:
        path: table with ``id score rank``.
        ids: ids of the targets; the result has shape (targets,).

    Raises:
        UserError: the table lacks one of them.
    """
    places: dict[str, int] = {}
    numbers: dict[str, int] = {}  # a number for each distinct score
    scores, ranks = array("q"), array("q")
    for place, (name, value, rank) in enumerate(read_rows(path, ["id", "score", "rank"])):
        places[name] = place
        scores.append(numbers.setdefault(value, len(numbers)))
        ranks.append(int(rank))
    missing = next((name for name in ids if name not in places), None)
    if missing is not None:
        raise UserError(f"{path}: no rank for {missing}; delete the table and run again")
    score = np.asarray(scores, dtype=np.int64)
    shared = np.bincount(score, weights=np.asarray(ranks)) / np.bincount(score)
    return shared[score[[places[name] for name in ids]]]
