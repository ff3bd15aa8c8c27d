"""How much of the source comes back when the target is translated back."""

from __future__ import annotations

from collections.abc import Sequence

from curate.quality import Context, Instance, Metric, Score
from curate.quality._models import trained_model
from curate.quality._similarity import sentence_chrf
from models.translation import DecodingSettings, translate

METRIC = Metric(
    summary="sentence chrF of the target's back-translation against the source",
    source="ours; back-translation as quality estimation: Moon et al., Revisiting Round-Trip Translation for Quality "
    "Estimation (EAMT 2020); chrF: Popović (WMT 2015)",
    low=0.0,
    high=100.0,
    better="higher",
    needs=("reverse_model",),
)


def score(instances: Sequence[Instance], context: Context) -> list[Score]:
    """Translate every target back with the reverse model; an empty target gives back nothing, which is 0."""
    written = [instance for instance in instances if instance.target]
    settings = DecodingSettings.from_json(context.settings["decoding"])
    back = translate(trained_model(context), [instance.target for instance in written], settings, context.threads)
    found = {
        instance.id: sentence_chrf(translation.text, instance.source)
        for instance, translation in zip(written, back, strict=True)
    }
    return [found.get(instance.id, 0.0) for instance in instances]
