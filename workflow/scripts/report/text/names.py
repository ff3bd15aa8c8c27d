"""What the report calls measures, units and training data."""

from collections import Counter
from collections.abc import Collection, Mapping

from planning.conditions import Condition
from report.text.formatting import listing
from workbench.generated import HUMAN

_MEASURES = {
    "any": "any error",
    "copy": "untranslated copy",
    "empty": "empty target",
    "repeated_target": "repeated target",
    "number_missing": "number missing",
    "number_added": "number added",
    "mattr": "MATTR",
    "mtld": "MTLD",
    "hdd": "HD-D",
    "yule_k": "Yule’s K",
    "distinct_1": "distinct words",
    "distinct_2": "distinct 2-grams",
    "distinct_3": "distinct 3-grams",
    "zipf": "Zipf exponent",
    "vocabulary": "human vocabulary reached",
    "self_bleu": "self-BLEU",
    "bleu": "BLEU",
    "chrf": "chrF",
    "ter": "TER",
}


def measure_name(measure: str) -> str:
    """A measure in words: ``wrong_language`` is ``wrong language``, ``mtld`` is ``MTLD``."""
    if measure.startswith("ter_"):
        return f"TER {measure.removeprefix('ter_')}"
    return _MEASURES.get(measure, measure.replace("_", " "))


def author(origin: str, people: Collection[str]) -> str:
    """Whose text it is: a generator's, or that of a second human reference (one of ``people``)."""
    return f"the second human reference {origin}" if origin in people else f"text written by {origin}"


def parts_of(mixture: Mapping[str, float]) -> dict[str, float]:
    """The origins that a mixture contains any text of, the human first."""
    held = {origin: float(fraction) for origin, fraction in mixture.items() if fraction > 0}
    return dict(sorted(held.items(), key=lambda part: part[0] != HUMAN))


def is_synthetic(condition: Condition) -> bool:
    """Whether a condition trains on machine text only."""
    return HUMAN not in condition.origins


def training_text(mixture: Mapping[str, float]) -> str:
    """A mixture of origins in words, such as ``text written by strong``."""
    parts = parts_of(mixture)
    if list(parts) == [HUMAN]:
        return "human text"
    if len(set(parts.values())) == 1 and HUMAN not in parts:
        return f"text written by {listing(list(parts))}"
    return listing(
        [
            f"{100 * fraction:.3g} % {'human text' if origin == HUMAN else f'text written by {origin}'}"
            for origin, fraction in parts.items()
        ]
    )


def training_texts(conditions: Mapping[str, Condition]) -> dict[str, str]:
    """What each condition trains on, in words; with its name if two conditions would read alike.

    A condition that remedies another leaves the plain words to the one that remedies none.
    """
    texts = {name: training_text(condition.mixture) for name, condition in conditions.items()}
    alike = Counter(texts.values())
    plain = Counter(text for name, text in texts.items() if not conditions[name].remedies)
    return {
        name: text
        if alike[text] == 1 or (plain[text] == 1 and not conditions[name].remedies)
        else f"{text} (condition {name})"
        for name, text in texts.items()
    }
