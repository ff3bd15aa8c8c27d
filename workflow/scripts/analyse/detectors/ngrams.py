"""Word and character n-grams with logistic regression: the baseline of authorship attribution.

Each text becomes two vectors of sublinear TF-IDF (one of word n-grams, punctuation marks counting as words; one of
character n-grams inside words), each of length one; a logistic regression with an L2 penalty weighs them. Vectorisers
and regression are scikit-learn's; the fit is its ``liblinear`` solver, which draws no random number.

A model knows nothing of a text that it does not learn from: n-grams are counted once for all texts, because counting
takes most of the time, but which of them a model has, and their document frequencies, follow from its own texts.

Source: Stamatatos, A survey of modern authorship attribution methods (JASIST 2009); McGovern et al., Your large
language models are leaving fingerprints (2024), who find that such n-grams tell the text of LLMs from people's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression

from analyse.detectors import Feature

# Words, numbers and single punctuation marks; scikit-learn's own pattern leaves out one-letter words and punctuation.
_TOKEN = r"\w+|[^\w\s]"
_BLANK = "␣"
# Quotation marks, apostrophes, dashes and ellipses as a typewriter has them.
_PLAIN = str.maketrans(
    {**dict.fromkeys("‘’‚‛‹›", "'"), **dict.fromkeys("“”„‟«»", '"'), **dict.fromkeys("‐‑‒–—―−", "-"), "…": "..."}
)


@dataclass(frozen=True)
class _Kind:
    """N-grams of one kind: ``counts`` of shape (texts, n-grams) and their names."""

    counts: sparse.csr_matrix
    names: list[str]


class NgramDetector:
    """Learns which n-grams speak for which author.

    Settings: ``word_ngrams``, ``character_ngrams`` (shortest and longest; null for none), ``min_df`` (texts that an
    n-gram must be in), ``max_features`` (of each kind, the most frequent; null for all), ``C`` (inverse strength of
    the penalty), ``lowercase``, ``fold_typography`` (“ and " are the same, and so are other marks of one meaning).
    """

    def __init__(self, settings: Mapping[str, Any], texts: Sequence[str]) -> None:
        self._settings = settings
        if settings["fold_typography"]:
            texts = [text.translate(_PLAIN) for text in texts]
        self._kinds = []
        if lengths := settings["word_ngrams"]:
            self._kinds.append(self._count(texts, "words", lengths, analyzer="word", token_pattern=_TOKEN))
        if lengths := settings["character_ngrams"]:
            self._kinds.append(self._count(texts, "characters", lengths, analyzer="char_wb"))

    def _count(self, texts: Sequence[str], label: str, lengths: Sequence[int], **analysis: str) -> _Kind:
        vectorizer = CountVectorizer(
            ngram_range=tuple(lengths), lowercase=self._settings["lowercase"], dtype=np.float64, **analysis
        )
        try:
            counts = vectorizer.fit_transform(texts)
        except ValueError:  # no text holds any
            return _Kind(sparse.csr_matrix((len(texts), 0)), [])
        # What too few of all texts hold, too few of any part of them do.
        kept = np.flatnonzero(_document_frequency(counts) >= self._settings["min_df"])
        names = vectorizer.get_feature_names_out()[kept]
        if label == "characters":
            names = [name.replace(" ", _BLANK) for name in names]
        return _Kind(counts[:, kept].tocsr(), [f"{label}: {name}" for name in names])

    def fit(self, rows: np.ndarray, first: np.ndarray) -> NgramModel:
        """Learn from the texts ``rows``; see :class:`analyse.detectors.Detector`."""
        parts = [part for part in (self._choose(kind, rows) for kind in self._kinds) if part]
        if not parts:
            return NgramModel([], np.zeros(0), 0.0)
        regression = LogisticRegression(C=self._settings["C"], solver="liblinear", max_iter=1000)
        regression.fit(sparse.hstack([part.vectors(rows) for part in parts]).tocsr(), first)
        return NgramModel(parts, regression.coef_[0], float(regression.intercept_[0]))

    def _choose(self, kind: _Kind, rows: np.ndarray) -> _Part | None:
        """The n-grams that a model of the texts ``rows`` has, if there are any."""
        counts = kind.counts[rows]
        frequency = _document_frequency(counts)
        columns = np.flatnonzero(frequency >= self._settings["min_df"])
        most = self._settings["max_features"]
        if most is not None and len(columns) > most:
            columns = np.sort(columns[np.argsort(-frequency[columns], kind="stable")[:most]])
        if not len(columns):
            return None
        return _Part(kind, columns, TfidfTransformer(sublinear_tf=True).fit(counts[:, columns]))


@dataclass(frozen=True)
class _Part:
    """The n-grams of one kind that a model has: ``columns`` of the kind's, weighed by ``weights``."""

    kind: _Kind
    columns: np.ndarray
    weights: TfidfTransformer

    def vectors(self, rows: np.ndarray) -> sparse.csr_matrix:
        """The texts ``rows`` as vectors of length one: shape (rows, columns)."""
        return self.weights.transform(self.kind.counts[rows][:, self.columns])


class NgramModel:
    """A logistic regression on n-grams; its scores are log-odds."""

    def __init__(self, parts: list[_Part], weights: np.ndarray, intercept: float) -> None:
        self._parts = parts
        self._weights = weights
        self._intercept = intercept

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """Log-odds that the first author wrote each of the texts ``rows``, before calibration."""
        if not self._parts:
            return np.zeros(len(rows))
        return sparse.hstack([part.vectors(rows) for part in self._parts]) @ self._weights + self._intercept

    def features(self, count: int) -> tuple[list[Feature], list[Feature]]:
        """The n-grams with the largest weights either way; ties go by name."""
        names = [part.kind.names[column] for part in self._parts for column in part.columns]
        found = sorted((Feature(*pair) for pair in zip(names, self._weights.tolist(), strict=True)), key=_weight)
        first = [feature for feature in reversed(found[-count:]) if feature.weight > 0]
        return first, [feature for feature in found[:count] if feature.weight < 0]


def detector(settings: Mapping[str, Any], texts: Sequence[str]) -> NgramDetector:
    """A detector of this kind for ``texts``; its settings are those of :class:`NgramDetector`."""
    return NgramDetector(settings, texts)


def _weight(feature: Feature) -> tuple[float, str]:
    return round(feature.weight, 6), feature.text


def _document_frequency(counts: sparse.csr_matrix) -> np.ndarray:
    """In how many texts each n-gram is, shape (n-grams,)."""
    return np.bincount(counts.indices, minlength=counts.shape[1])
