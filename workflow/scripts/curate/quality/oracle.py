"""How close the target is to the human target: an upper bound that is not available in practice."""

from __future__ import annotations

from collections.abc import Sequence

from curate.quality import Context, Instance, Metric, Score
from curate.quality._similarity import sentence_chrf
from workbench.cli import progress

METRIC = Metric(
    summary="sentence chrF of the target against the human target of its source",
    source="chrF: Popović (WMT 2015), by sacreBLEU",
    low=0.0,
    high=100.0,
    better="higher",
    needs=("human",),
)


def score(instances: Sequence[Instance], context: Context) -> list[Score]:
    """Compare each target with the human one."""
    return [
        sentence_chrf(instance.target, instance.human or "")
        for instance in progress(instances, len(instances), "targets")
    ]
