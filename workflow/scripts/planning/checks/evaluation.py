"""Checks of how translations are scored and authors distinguished."""

from __future__ import annotations

from collections.abc import Iterator

from planning.configuration.errors import Problem
from planning.study import Study


def detector_problems(study: Study) -> Iterator[Problem]:
    """Everything that is wrong with the detector."""
    detector = study.detector
    spans = {"word_ngrams": detector.word_ngrams, "character_ngrams": detector.character_ngrams}
    if not any(spans.values()):
        yield Problem(("detector", "word_ngrams"), "both are null: no n-grams are left to distinguish texts by")
    for name, span in spans.items():
        if span and span[0] > span[1]:
            yield Problem(("detector", name), f"{span[0]} is longer than {span[1]}; the shortest comes first")
    needed = max(detector.least, detector.folds)
    if detector.pairs is not None and detector.pairs < needed:
        yield Problem(
            ("detector", "pairs"),
            f"{detector.pairs:,} sources are too few to learn from; allowed: {needed:,} or more "
            "(detector.least, detector.folds)",
        )
    if study.generators.machines and study.corpus.pool < needed:
        yield Problem(
            ("splits", "pool"),
            f"{study.corpus.pool:,} sources are too few for the detector, which needs {needed:,}: enlarge splits.pool, "
            "or lower detector.least (at least detector.folds)",
        )


def tokenizer_problems(study: Study) -> Iterator[Problem]:
    """sacreBLEU segments Japanese and Korean with MeCab, which the workflow does not install."""
    language, evaluation = study.languages["target"][:2], study.evaluation
    chosen = "tokenize" in evaluation.metric_options.get("bleu", {})
    if language in ("ja", "ko") and "bleu" in evaluation.metrics and not chosen:
        key = ("evaluation", "metric_options", "bleu", "tokenize")
        yield Problem(key, f"needed for {language}: sacreBLEU's own choice is not installed; char serves")
