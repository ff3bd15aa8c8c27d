"""What measures of errors and of diversity are called in words, and what they are counted by."""

from __future__ import annotations

ANY = "any"  # segments with at least one kind of error that needs no reference
SCORES = ("bleu", "chrf", "ter")  # in points, beside the errors in their table
_NAMES = {
    "any": "any error",
    "copy": "untranslated copy",
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
    return _NAMES.get(measure, measure.replace("_", " "))


def capital(text: str) -> str:
    """``text`` with a capital first letter."""
    return text[:1].upper() + text[1:]


def unit(measure: str) -> str:
    """What a measure in the table of errors is counted by."""
    if measure in SCORES:
        return "points"
    return "per 1,000 reference words" if measure.startswith("ter_") else "per 1,000 segments"
