"""Word and character n-grams with logistic regression: the baseline of authorship attribution.

Each text becomes two vectors of sublinear TF-IDF (one of word n-grams, punctuation marks counting as words; one of
character n-grams inside words), each of length one; a logistic regression with an L2 penalty weighs them. Vectorisers
and regression are scikit-learn's; the fit is its ``liblinear`` solver, which draws no random number.

A model knows nothing of a text that it does not learn from: n-grams are counted once for all texts that models learn
from, because counting takes most of the time, but which of them a model has, and their document frequencies, follow
from its own texts. In other texts a model counts the n-grams that it has, some texts at a time.

Source: Stamatatos, A survey of modern authorship attribution methods (JASIST 2009); McGovern et al., Your large
language models are leaving fingerprints (2024), who find that such n-grams tell the text of LLMs from people's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
_CHUNK = 10_000  # texts whose n-grams are counted at a time when they are scored; shapes no score
# Quotation marks, apostrophes, dashes and ellipses as a typewriter has them.
_PLAIN = str.maketrans(
    {**dict.fromkeys("‘’‚‛‹›", "'"), **dict.fromkeys("“”„‟«»", '"'), **dict.fromkeys("‐‑‒–—―−", "-"), "…": "..."}
)


@dataclass(frozen=True)
class _Kind:
    """N-grams of one kind: ``counts`` of shape (drawn texts, n-grams), the n-grams, how they are counted."""

    label: str
    counts: sparse.csr_matrix
    grams: np.ndarray
    analysis: Mapping[str, Any]

    def name(self, column: int) -> str:
        """How a person would write the n-gram of a column."""
        gram = self.grams[column]
        return f"{self.label}: {gram.replace(' ', _BLANK) if self.label == 'characters' else gram}"


class NgramDetector:
    """Learns which n-grams speak for which author.

    Settings: ``word_ngrams``, ``character_ngrams`` (shortest and longest; null for none), ``min_df`` (texts that an
    n-gram must be in), ``max_features`` (of each kind, the most frequent; null for all), ``C`` (inverse strength of
    the penalty), ``lowercase``, ``fold_typography`` (“ and " are the same, and so are other marks of one meaning).
    """

    def __init__(self, settings: Mapping[str, Any], texts: Sequence[str], drawn: np.ndarray) -> None:
        self._settings = settings
        self._texts = texts
        self._drawn = drawn
        self._row = np.cumsum(drawn) - 1  # of a drawn text among these
        counted = self._read(np.flatnonzero(drawn))
        self._kinds = []
        if lengths := settings["word_ngrams"]:
            self._kinds.append(self._count(counted, "words", lengths, analyzer="word", token_pattern=_TOKEN))
        if lengths := settings["character_ngrams"]:
            self._kinds.append(self._count(counted, "characters", lengths, analyzer="char_wb"))

    def _read(self, rows: np.ndarray) -> list[str]:
        texts = [self._texts[row] for row in rows.tolist()]
        return [text.translate(_PLAIN) for text in texts] if self._settings["fold_typography"] else texts

    def _count(self, texts: Sequence[str], label: str, lengths: Sequence[int], **analysis: Any) -> _Kind:
        analysis |= {"ngram_range": tuple(lengths), "lowercase": self._settings["lowercase"], "dtype": np.float64}
        vectorizer = CountVectorizer(**analysis)
        try:
            counts = vectorizer.fit_transform(texts)
        except ValueError:  # no text holds any
            return _Kind(label, sparse.csr_matrix((len(texts), 0)), np.zeros(0, dtype=object), analysis)
        # What too few of all texts hold, too few of any part of them do.
        kept = np.flatnonzero(_document_frequency(counts) >= self._settings["min_df"])
        return _Kind(label, counts[:, kept].tocsr(), vectorizer.get_feature_names_out()[kept], analysis)

    def fit(self, rows: np.ndarray, first: np.ndarray) -> NgramModel:
        """Learn from the texts ``rows``, which must be drawn; see :class:`analyse.detectors.Detector`."""
        counted = self._row[rows]
        parts = [part for part in (self._choose(kind, counted) for kind in self._kinds) if part]
        if not parts:
            return NgramModel(self, [], np.zeros(0), 0.0)
        regression = LogisticRegression(C=self._settings["C"], solver="liblinear", max_iter=1000)
        regression.fit(sparse.hstack([part.vectors(part.counted(counted)) for part in parts]).tocsr(), first)
        return NgramModel(self, parts, regression.coef_[0], float(regression.intercept_[0]))

    def vectors(self, parts: Sequence[_Part], rows: np.ndarray) -> Iterator[tuple[np.ndarray, sparse.csr_matrix]]:
        """The texts ``rows`` as a model with ``parts`` sees them, some at a time.

        Yields:
            Which of ``rows`` these are (positions in it) and their vectors, shape (texts, n-grams).
        """
        drawn = self._drawn[rows]
        counted, others = np.flatnonzero(drawn), np.flatnonzero(~drawn)
        if len(counted):
            yield counted, sparse.hstack([part.vectors(part.counted(self._row[rows[counted]])) for part in parts])
        counters = [part.counter() for part in parts] if len(others) else []
        for start in range(0, len(others), _CHUNK):
            chunk = others[start : start + _CHUNK]
            texts = self._read(rows[chunk])
            found = [part.vectors(count.transform(texts)) for part, count in zip(parts, counters, strict=True)]
            yield chunk, sparse.hstack(found)

    def _choose(self, kind: _Kind, rows: np.ndarray) -> _Part | None:
        """The n-grams that a model of the counted texts ``rows`` has, if there are any."""
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

    def counted(self, rows: np.ndarray) -> sparse.csr_matrix:
        """The n-grams' counts in the counted texts ``rows``: shape (rows, columns)."""
        return self.kind.counts[rows][:, self.columns]

    def counter(self) -> CountVectorizer:
        """What counts the n-grams in other texts."""
        return CountVectorizer(**self.kind.analysis, vocabulary=self.kind.grams[self.columns])

    def vectors(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """``counts`` of texts as vectors of length one: shape (texts, columns)."""
        return self.weights.transform(counts)


class NgramModel:
    """A logistic regression on n-grams; its scores are log-odds."""

    def __init__(self, detector: NgramDetector, parts: list[_Part], weights: np.ndarray, intercept: float) -> None:
        self._detector = detector
        self._parts = parts
        self._weights = weights
        self._intercept = intercept

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """Log-odds that the first author wrote each of the texts ``rows``, before calibration."""
        found = np.zeros(len(rows))
        if self._parts:
            for places, vectors in self._detector.vectors(self._parts, rows):
                found[places] = vectors @ self._weights + self._intercept
        return found

    def features(self, count: int) -> tuple[list[Feature], list[Feature]]:
        """The n-grams with the largest weights either way; ties go by name."""
        names = [part.kind.name(column) for part in self._parts for column in part.columns]
        found = sorted((Feature(*pair) for pair in zip(names, self._weights.tolist(), strict=True)), key=_weight)
        first = [feature for feature in reversed(found[-count:]) if feature.weight > 0]
        return first, [feature for feature in found[:count] if feature.weight < 0]


def detector(settings: Mapping[str, Any], texts: Sequence[str], drawn: np.ndarray) -> NgramDetector:
    """A detector of this kind, fitted to the ``drawn`` ones of ``texts``; see :class:`NgramDetector` for settings."""
    return NgramDetector(settings, texts, drawn)


def _weight(feature: Feature) -> tuple[float, str]:
    return round(feature.weight, 6), feature.text


def _document_frequency(counts: sparse.csr_matrix) -> np.ndarray:
    """In how many texts each n-gram is, shape (n-grams,)."""
    return np.bincount(counts.indices, minlength=counts.shape[1])
