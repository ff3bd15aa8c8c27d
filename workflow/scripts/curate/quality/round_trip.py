"""Sentence chrF of the target's back-translation against the source: 0 to 100, higher is better.

Needs a reverse model trained on ``pretrain``.

Source: ours; back-translation as quality estimation: Moon et al., Revisiting Round-Trip Translation for Quality
Estimation (EAMT 2020); chrF: Popović (WMT 2015).
"""

from curate.quality import Context, Instances, QualityMetric, Score
from models.engines import Model
from models.translation import DecodingSettings, translate
from stats.metrics import sentence_chrf

METRIC = QualityMetric(better="higher")


def score(instances: Instances, context: Context) -> list[Score]:
    """Translate every target back with the reverse model; an empty target scores 0."""
    written = [instance for instance in instances if instance.target]
    settings = DecodingSettings.from_json(context.settings["decoding"])
    back = translate(
        Model(**context.inputs_of("model")), [instance.target for instance in written], settings, context.threads
    )
    found = {
        instance.id: sentence_chrf(translation.text, instance.source)
        for instance, translation in zip(written, back, strict=True)
    }
    return [found.get(instance.id, 0.0) for instance in instances]
