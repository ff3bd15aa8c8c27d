"""Mean natural-log cross-entropy of the target's tokens, given the source: 0 or more, lower is better.

Needs a small model trained on human pairs, those of ``pretrain``.

Source: ours; forward half of Junczys-Dowmunt, Dual Conditional Cross-Entropy Filtering (WMT 2018).
"""

from curate.quality import Context, Instances, QualityMetric, Score
from models.engines import EngineSettings, Model
from models.forced_decoding import force_decode

METRIC = QualityMetric(better="lower")


def score(instances: Instances, context: Context) -> list[Score]:
    """Score every target; an empty one consists of its end of sentence only."""
    pairs = [(instance.source, instance.target) for instance in instances]
    settings = EngineSettings.from_json(context.settings["decoding"])
    return [
        -found.logprob for found in force_decode(Model(**context.inputs_of("model")), pairs, settings, context.threads)
    ]
