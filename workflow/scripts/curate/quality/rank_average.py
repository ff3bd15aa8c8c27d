"""Mean of the target's ranks under other metrics, 1 for the best target of the generator: lower is better.

Targets with equal scores share the mean of their ranks (mid-ranks), so that the order of ties has no effect.

Source: ours; Borda's count, by mean rank: Dwork et al., Rank Aggregation Methods for the Web (WWW 2001).
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean

from curate.quality import Context, Instances, QualityMetric, Score
from workbench.cli import UserError
from workbench.columns import read_by_id

METRIC = QualityMetric(better="lower")


def score(instances: Instances, context: Context) -> list[Score]:
    """Mean rank over the tables ``scores:NAME``; targets without a score share the last ranks of that metric.

    Raises:
        UserError: there is no table, or one lacks a target.
    """
    tables = context.inputs_of("scores")
    if not tables:
        raise UserError("rank_average: no scores to average; `of` names two or more of the section `quality`")
    ids = [instance.id for instance in instances]
    return [fmean(ranks) for ranks in zip(*(read_ranks(path, ids) for path in tables.values()), strict=True)]


def read_ranks(path: Path, ids: Iterable[str]) -> list[float]:
    """The rank of each of ``ids`` in a table ``id score rank``; equal scores, or none, share their mean rank.

    Raises:
        UserError: the table lacks one of them.
    """
    scores, ranks = read_by_id(path, ["score", "rank"])
    missing = next((name for name in ids if name not in scores), None)
    if missing is not None:
        raise UserError(f"{path}: no rank for {missing}; delete the table and run again")
    ranks_of: defaultdict[str, list[int]] = defaultdict(list)
    for name, score in scores.items():
        ranks_of[score].append(int(ranks[name]))
    shared = {score: fmean(ranks) for score, ranks in ranks_of.items()}
    return [shared[scores[name]] for name in ids]
