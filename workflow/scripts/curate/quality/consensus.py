"""Mean sentence chrF of the target against the other texts for its source: 0 to 100, higher is better.

Other texts are those of other generators and the generator's own other samples.

Source: ours; utility of minimum Bayes risk decoding: Eikema & Aziz, Is MAP Decoding All You Need? (COLING 2020), with
chrF: Popović (WMT 2015).
"""

from collections import defaultdict
from pathlib import Path
from statistics import fmean

from curate.quality import Context, Instances, QualityMetric, Score
from stats.metrics import sentence_chrf
from workbench.cli import UserError, progress
from workbench.generated import read_targets
from workbench.tables import read_rows

METRIC = QualityMetric(better="higher")


def score(instances: Instances, context: Context) -> list[Score]:
    """Compare each target with every other text for its source, each text once; None if there is none.

    Raises:
        UserError: no source has another text.
    """
    others = [read_targets(path) for path in context.inputs_of("other").values()]
    samples = other_samples(context.inputs["answers"], instances) if "answers" in context.inputs else {}

    def other_texts(source: str) -> list[str]:
        return [text for table in others if (text := table.get(source))] + samples.get(source, [])

    if not any(other_texts(instance.id) for instance in instances):
        raise UserError(
            f"{context.generated}: no other text to compare its targets with; consensus needs a second generator "
            "(`among` names them), or an LLM with `samples` of 2 or more"
        )
    return [
        fmean(sentence_chrf(instance.target, other) for other in found) if (found := other_texts(instance.id)) else None
        for instance in progress(instances, len(instances), "targets")
    ]


def other_samples(answers: Path, instances: Instances) -> dict[str, list[str]]:
    """The texts of an LLM's other samples for each source: its answers that are not an instance's target."""
    chosen = {(instance.id, str(instance.metadata.get("sample"))) for instance in instances}
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for source, sample, text in read_rows(answers, ["id", "sample", "text"]):
        if text and (source, sample) not in chosen:
            texts[source].append(text)
    return dict(texts)
