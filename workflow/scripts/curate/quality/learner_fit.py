"""Mean natural-log cross-entropy of the target's tokens, given the source: 0 or more, lower is better.

Needs a small model trained on human pairs, those of ``pretrain``.

Source: ours; forward half of Junczys-Dowmunt, Dual Conditional Cross-Entropy Filtering (WMT 2018).
"""

from __future__ import annotations

from collections.abc import Sequence

from curate.quality import Context, QualityMetric, Score, TargetInstance
from curate.quality._models import trained_model
from models.scoring import score_targets

METRIC = QualityMetric(better="lower")


def score(instances: Sequence[TargetInstance], context: Context) -> list[Score]:
    """Score every target; an empty one consists of its end of sentence only."""
    pairs = [(instance.source, instance.target) for instance in instances]
    fits = score_targets(trained_model(context), pairs, context.settings["decoding"], context.threads)
    return [-fit.logprob for fit in fits]
