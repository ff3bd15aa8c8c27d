"""Word and character n-grams with logistic regression: the baseline of authorship attribution.

Each text becomes two vectors of sublinear TF-IDF, each of length one: one of word n-grams, with punctuation marks as
words, and one of character n-grams within words. A logistic regression with an L2 penalty weights them. Vectorisers and
regression are scikit-learn's; the ``liblinear`` solver fits without random numbers.

A model knows nothing of texts that it does not learn from. Counting n-grams takes most of the time, so it is done once
for all texts that any model learns from. Which n-grams a model has, and their document frequencies, depend only on its
training texts. In other texts a model counts only the n-grams that it has, some texts at a time.

Source: Stamatatos, A survey of modern authorship attribution methods (JASIST 2009); McGovern et al., Your large
language models are leaving fingerprints (2024), who find that such n-grams distinguish LLMs' text from people's.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression

from analyse.detectors import DetectorModel, Feature

# Words, numbers and single punctuation marks; scikit-learn's pattern leaves out one-letter words and punctuation.
_TOKEN = r"\w+|[^\w\s]"
_BLANK = "␣"
_CHUNK = 10_000  # texts whose n-grams are counted at a time when they are scored; does not affect the scores
# Quotation marks, apostrophes, dashes and ellipses as on a typewriter.
_PLAIN = str.maketrans(
    {**dict.fromkeys("‘’‚‛‹›", "'"), **dict.fromkeys("“”„‟«»", '"'), **dict.fromkeys("‐‑‒–—―−", "-"), "…": "..."}
)


@dataclass(frozen=True)
class NgramSettings:
    """Settings of this kind of detector."""

    word_ngrams: Sequence[int] | None  # shortest and longest; None for none
    character_ngrams: Sequence[int] | None
    min_df: int  # fewest texts that an n-gram must occur in
    max_features: int | None  # of each type of n-grams, the most frequent; None keeps all
    C: float  # inverse strength of the penalty
    lowercase: bool
    fold_typography: bool  # treat equivalent marks, such as “ and ", as equal


@dataclass(frozen=True)
class _NgramCounts:
    """N-grams of one type that occur in enough drawn texts: how to count them, and their ``counts`` in these texts."""

    label: str
    vectorizer: CountVectorizer
    counts: sparse.csr_matrix  # shape (drawn texts, n-grams)

    def names(self, columns: np.ndarray) -> list[str]:
        """The n-grams of ``columns`` as a person would write them."""
        grams = self.vectorizer.get_feature_names_out()[columns]
        return [f"{self.label}: {gram.replace(' ', _BLANK) if self.label == 'characters' else gram}" for gram in grams]


@dataclass(frozen=True)
class _Vocabulary:
    """The n-grams of one type that a model has: ``columns`` of the type's n-grams, weighted by ``weights``."""

    kind: _NgramCounts
    columns: np.ndarray
    weights: TfidfTransformer

    def vectors(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """Texts as vectors of length one, shape (texts, columns), from the counts of all n-grams of the type."""
        return self.weights.transform(counts[:, self.columns])


class NgramDetector:
    """Learns which n-grams indicate which author."""

    def __init__(self, settings: NgramSettings, texts: Sequence[str], drawn: np.ndarray) -> None:
        self._settings = settings
        self._texts = texts
        self._drawn = drawn
        self._row = np.cumsum(drawn) - 1  # of a drawn text among the drawn ones
        counted = self._read(np.flatnonzero(drawn))
        self._types: list[_NgramCounts] = []
        for label, lengths, analysis in (
            ("words", settings.word_ngrams, {"token_pattern": _TOKEN}),
            ("characters", settings.character_ngrams, {"analyzer": "char_wb"}),
        ):
            if lengths:
                vectorizer = CountVectorizer(
                    **analysis,
                    ngram_range=tuple(lengths),
                    lowercase=settings.lowercase,
                    min_df=settings.min_df,  # what is too rare in all texts is too rare in any part of them
                    dtype=np.float64,
                )
                with suppress(ValueError):  # no n-gram occurs in enough texts
                    self._types.append(_NgramCounts(label, vectorizer, vectorizer.fit_transform(counted)))

    def _read(self, rows: np.ndarray) -> list[str]:
        texts = [self._texts[row] for row in rows.tolist()]
        return [text.translate(_PLAIN) for text in texts] if self._settings.fold_typography else texts

    def fit(self, rows: np.ndarray, first: np.ndarray) -> DetectorModel:
        """Learn from the texts ``rows``, which must be drawn; see :class:`analyse.detectors.Detector`."""
        counted = self._row[rows]
        parts = [part for part in (self._choose(kind, counted) for kind in self._types) if part]
        if not parts:
            return NgramModel(self, [], np.zeros(0), 0.0)
        regression = LogisticRegression(C=self._settings.C, solver="liblinear", max_iter=1000)
        vectors = sparse.hstack([part.vectors(part.kind.counts[counted]) for part in parts])
        regression.fit(vectors.tocsr(), first)
        return NgramModel(self, parts, regression.coef_[0], float(regression.intercept_[0]))

    def vectors(self, parts: Sequence[_Vocabulary], rows: np.ndarray) -> Iterator[tuple[np.ndarray, sparse.csr_matrix]]:
        """The vectors of the texts ``rows`` in a model with ``parts``, some at a time.

        Yields:
            Positions in ``rows`` and the vectors of these texts, shape (texts, n-grams).
        """
        drawn = self._drawn[rows]
        counted, others = np.flatnonzero(drawn), np.flatnonzero(~drawn)
        if len(counted):
            places = self._row[rows[counted]]
            yield counted, sparse.hstack([part.vectors(part.kind.counts[places]) for part in parts])
        for start in range(0, len(others), _CHUNK):
            chunk = others[start : start + _CHUNK]
            texts = self._read(rows[chunk])
            yield chunk, sparse.hstack([part.vectors(part.kind.vectorizer.transform(texts)) for part in parts])

    def _choose(self, kind: _NgramCounts, rows: np.ndarray) -> _Vocabulary | None:
        """The n-grams of a model of the counted texts ``rows``; None if there are none."""
        counts = kind.counts[rows]
        frequency = _document_frequency(counts)
        columns = np.flatnonzero(frequency >= self._settings.min_df)
        most = self._settings.max_features
        if most is not None and len(columns) > most:
            columns = np.sort(columns[np.argsort(-frequency[columns], kind="stable")[:most]])
        if not len(columns):
            return None
        return _Vocabulary(kind, columns, TfidfTransformer(sublinear_tf=True).fit(counts[:, columns]))


@dataclass(frozen=True)
class NgramModel:
    """A logistic regression on n-grams; its scores are log-odds."""

    detector: NgramDetector
    parts: Sequence[_Vocabulary]
    weights: np.ndarray
    intercept: float

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """Log-odds that the first author wrote each of the texts ``rows``, before calibration."""
        found = np.zeros(len(rows))
        if self.parts:
            for places, vectors in self.detector.vectors(self.parts, rows):
                found[places] = vectors @ self.weights + self.intercept
        return found

    def features(self, count: int) -> tuple[list[Feature], list[Feature]]:
        """The n-grams with the largest weights in either direction; ties are sorted by name."""
        names = [name for part in self.parts for name in part.kind.names(part.columns)]
        features = map(Feature, names, self.weights.tolist())
        found = sorted(features, key=lambda feature: (round(feature.weight, 6), feature.text))
        first = [feature for feature in reversed(found[-count:]) if feature.weight > 0]
        return first, [feature for feature in found[:count] if feature.weight < 0]


def detector(settings: Mapping[str, Any], texts: Sequence[str], drawn: np.ndarray) -> NgramDetector:
    """A detector of this kind that will learn from the ``drawn`` ones of ``texts``."""
    return NgramDetector(NgramSettings(**settings), texts, drawn)


def _document_frequency(counts: sparse.csr_matrix) -> np.ndarray:
    """The number of texts that contain each n-gram, shape (n-grams,)."""
    return np.bincount(counts.indices, minlength=counts.shape[1])
