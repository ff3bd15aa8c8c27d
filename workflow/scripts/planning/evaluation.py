"""How translations are scored and how texts are analysed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from planning.settings import JsonObject, compact, read_settings


@dataclass(frozen=True)
class Evaluation:
    """The section ``evaluation``, with the language that translations are in."""

    target_language: str
    metrics: Sequence[str]
    metric_options: Mapping[str, JsonObject]
    baseline: str
    significance: str
    samples: int
    resamples: int
    margin: float
    floor: float

    def metric_arguments(self, metrics: Sequence[str]) -> list[str]:
        """How ``metrics`` are computed, as the scripts of the evaluation take it."""
        options = {name: self.metric_options.get(name, {}) for name in metrics}
        return [
            *("--metrics", *metrics),
            *("--metric-options", compact(options)),
            *("--target-language", self.target_language),
        ]


@dataclass(frozen=True)
class Detector:
    """The section ``detector``; ``settings`` is all of it that shapes a detector, as JSON."""

    kind: str
    folds: int
    least: int
    pairs: int | None
    word_ngrams: Sequence[int] | None
    character_ngrams: Sequence[int] | None
    post_editing_margin: float
    settings: str


@dataclass(frozen=True)
class ErrorAnalysis:
    """The section ``analysis.errors``; ``norms`` and ``limits`` are JSON."""

    samples: int
    segments: int | None
    norms: str
    limits: str


def read_detector(given: JsonObject) -> Detector:
    """The section ``detector`` of a completed configuration."""
    return read_settings(Detector, given, settings=compact(_without(given, ["post_editing_margin"])))


def read_error_analysis(given: JsonObject) -> ErrorAnalysis:
    """The section ``analysis.errors`` of a completed configuration."""
    return read_settings(ErrorAnalysis, given, norms=compact(given["norms"]), limits=compact(given["limits"]))


def _without(given: JsonObject, keys: Iterable[str]) -> JsonObject:
    return {key: value for key, value in given.items() if key not in keys}
