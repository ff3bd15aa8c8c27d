"""Detectors, which tell the texts of two authors apart: one module a kind.

A kind's module has a function ``detector(settings, texts, drawn)`` that takes the configuration section ``detector``,
every text of both authors and which of them it will be fitted to (shape (texts,)), and returns a :class:`Detector`. It
is never told who wrote a text but in :meth:`Detector.fit`, and there of the texts it may learn from only. There may be
millions of texts, of which some thousands are drawn: the others are read where they are scored, some at a time.

Folds, calibration and figures are not its business: see :mod:`analyse.detectors.cross_fitting`. A new kind is a new module here
and its name and keys in the schema; no rule changes.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np


class Feature(NamedTuple):
    """Something in a text that speaks for an author: how a person would write it, and how much it weighs."""

    text: str
    weight: float


class Model(Protocol):
    """What was learnt from some of the texts."""

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """How much each of the texts ``rows`` (positions) is like the first author's: any real number, more is more."""
        ...

    def features(self, count: int) -> tuple[list[Feature], list[Feature]]:
        """Up to ``count`` features that speak most for the first author, and for the second, the strongest first.

        Weights for the first author are positive, for the second negative. A kind that cannot tell has empty lists.
        """
        ...


class Detector(Protocol):
    """Learns from some of the texts that it was made with."""

    def fit(self, rows: np.ndarray, first: np.ndarray) -> Model:
        """Learn from the texts ``rows`` (positions) alone; ``first`` says which of them the first author wrote.

        ``rows`` may be empty, where both authors always wrote the same: the model's scores are then all equal.
        """
        ...
