"""Minus the distance of the target's length, relative to its source's, from what is usual: at most 0, higher is better.

Needs ``pretrain``, whose pairs say what is usual.

Source: ours; length ratios in characters: Gale & Church, A Program for Aligning Sentences in Bilingual Corpora (CL
1993); median and MAD: Iglewicz & Hoaglin, How to Detect and Handle Outliers (1993).
"""

import math
from pathlib import Path
from statistics import median

from curate.quality import Context, Instances, QualityMetric, Score
from workbench.cli import UserError
from workbench.tables import read_rows

_TO_DEVIATION = 1.482602  # a normal distribution's standard deviation in median absolute deviations

METRIC = QualityMetric(better="higher")


def score(instances: Instances, context: Context) -> list[Score]:
    """-|z|, with z the distance of the log ratio from the usual one; None for an empty target."""
    usual, spread = usual_ratio(context.inputs["pretrain"])
    return [
        -abs(log_ratio(instance.source, instance.target) - usual) / spread if instance.target else None
        for instance in instances
    ]


def log_ratio(source: str, target: str) -> float:
    """Natural logarithm of target length by source length, in characters."""
    return math.log(len(target) / len(source))


def usual_ratio(pretrain: Path) -> tuple[float, float]:
    """Median of the log ratio of human pairs, and its spread: the median absolute deviation times 1.4826.

    Raises:
        UserError: there is no spread, because more than half of the pairs have the same ratio, or there is no pair.
    """
    ratios = [log_ratio(*pair) for pair in read_rows(pretrain, ["source", "target"])]
    usual = median(ratios) if ratios else 0.0
    spread = _TO_DEVIATION * median(abs(ratio - usual) for ratio in ratios) if ratios else 0.0
    if spread == 0:
        raise UserError(
            f"{pretrain}: no usual spread of lengths in its {len(ratios):,} pairs, so the metric length carries "
            "no information; leave it out, or give `splits.pretrain` more pairs"
        )
    return usual, spread
