"""Sentence chrF of the target against the human target of its source: 0 to 100, higher is better.

It needs human targets: an upper bound that is not available in practice.

Source: chrF: Popović (WMT 2015), by sacreBLEU.
"""

from curate.quality import Context, Instances, QualityMetric, Score
from stats.metrics import sentence_chrf
from workbench.cli import progress

METRIC = QualityMetric(better="higher", needs_human=True)


def score(instances: Instances, context: Context) -> list[Score]:
    """Compare each target with the human one."""
    return [
        sentence_chrf(instance.target, instance.human or "")
        for instance in progress(instances, len(instances), "targets")
    ]
