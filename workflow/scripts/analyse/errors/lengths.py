"""Targets that are too short or too long for their sources.

A text's length is its number of characters without blanks. The logarithm of target length by source length scatters
around a line over the logarithm of the source length, and less so for longer sources. Gale & Church (A Program for
Aligning Sentences in Bilingual Corpora, 1993) let the scatter shrink with the square root of the length, as if
characters were drawn independently. They are not, so the power is a setting: in three German-English corpora, 0.3
makes the deviations of short and long sources alike. The limits are quantiles of the deviations in ``pretrain``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LengthBand:
    """The range of target lengths of human pairs.

    Attributes:
        slope, intercept: the line through the logarithm of target length by source length.
        power: power of the source length by which the scatter shrinks.
        low, high: limits of the deviation from the line, independent of the source length.
    """

    slope: float
    intercept: float
    power: float
    low: float
    high: float

    def is_short(self, source: str, target: str) -> bool:
        """Whether the target is so short that something must be left out."""
        return self.deviation(source, target) < self.low

    def is_long(self, source: str, target: str) -> bool:
        """Whether the target is so long that something must be added."""
        return self.deviation(source, target) > self.high

    def deviation(self, source: str, target: str) -> float:
        """How far a pair's lengths are from what is usual; negative for a short target."""
        source_length, target_length = log_length(source), log_length(target)
        return float(_deviation(source_length, target_length, self.slope, self.intercept, self.power))


def learn_band(sources: Sequence[str], targets: Sequence[str], quantile: float, power: float) -> LengthBand:
    """The band that excludes the share ``quantile`` of the pairs at either end; the scatter shrinks with ``power``.

    If all sources have the same length, the line is level.
    """
    source_lengths, target_lengths = (np.array([log_length(text) for text in side]) for side in (sources, targets))
    ratios = target_lengths - source_lengths
    varied = np.ptp(source_lengths) > 0
    slope, intercept = np.polyfit(source_lengths, ratios, 1) if varied else (0.0, float(np.median(ratios)))
    deviations = _deviation(source_lengths, target_lengths, slope, intercept, power)
    low, high = np.quantile(deviations, [quantile, 1 - quantile])
    return LengthBand(float(slope), float(intercept), power, float(low), float(high))


def log_length(text: str) -> float:
    """Natural logarithm of a text's number of characters plus one, so that an empty text has one."""
    return math.log(sum(not character.isspace() for character in text) + 1)


def _deviation(
    source_length: np.ndarray | float, target_length: np.ndarray | float, slope: float, intercept: float, power: float
) -> np.ndarray | float:
    return (target_length - source_length - slope * source_length - intercept) * np.exp(power * source_length)
