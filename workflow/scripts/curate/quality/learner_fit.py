"""How well the target fits what a small model learnt from human pairs."""

from __future__ import annotations

from collections.abc import Sequence

from curate.quality import Context, Instance, Metric, Score
from curate.quality._models import trained_model
from models.engines import EngineSettings
from models.forced_decoding import force_decode

METRIC = Metric(
    summary="mean natural-log cross-entropy of the target's tokens, given the source, under a small model trained on "
    "`pretrain`",
    source="ours; forward half of Junczys-Dowmunt, Dual Conditional Cross-Entropy Filtering (WMT 2018)",
    low=0.0,
    high=None,
    better="lower",
    needs=("model",),
)


def score(instances: Sequence[Instance], context: Context) -> list[Score]:
    """Score every target; an empty one is its end of sentence alone."""
    pairs = [(instance.source, instance.target) for instance in instances]
    settings = EngineSettings.from_json(context.settings["decoding"])
    return [-found.logprob for found in force_decode(trained_model(context), pairs, settings, context.threads)]
