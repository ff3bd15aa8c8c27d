"""Detectors, which learn to distinguish the texts of two authors: one module per kind.

The module of a kind has a function ``detector(settings, texts, drawn)``. It gets the settings of its kind (the section
``detector`` of the configuration without the keys that all kinds share), every text of both authors, and which texts
the detector will learn from, shape (texts,). It returns a :class:`Detector`. Who wrote a text is known only in
:meth:`Detector.fit`, and only of the texts to learn from. There may be millions of texts, of which some thousands are
drawn; the others are read when they are scored, some at a time.

Folds, calibration and figures are not a detector's concern: see :mod:`analyse.detectors.cross_fitting`. To add a kind,
add a module here and its name and keys in the schema; no rule changes.
"""

from typing import NamedTuple, Protocol

import numpy as np


class Feature(NamedTuple):
    """A feature of a text that indicates an author, as a person would write it, and its weight."""

    text: str
    weight: float


class DetectorModel(Protocol):
    """What was learned from some of the texts."""

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """How much each of the texts ``rows`` (positions) is like the first author's: any real number."""
        ...

    def features(self, count: int) -> tuple[list[Feature], list[Feature]]:
        """Up to ``count`` features that indicate the first author most, and the second, the strongest first.

        Weights for the first author are positive, for the second negative. A kind without features has empty lists.
        """
        ...


class Detector(Protocol):
    """Learns from some of the texts that it was created with."""

    def fit(self, rows: np.ndarray, first: np.ndarray) -> DetectorModel:
        """Learn only from the texts ``rows`` (positions); ``first`` says which of them the first author wrote.

        ``rows`` may be empty, if both authors always wrote the same: the model's scores are then all equal.
        """
        ...
