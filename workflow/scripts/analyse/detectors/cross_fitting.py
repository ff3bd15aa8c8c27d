"""Cross-fitting: every text gets a probability from models that learned neither from it nor from its source.

Sources are assigned to folds, equal sources to the same one. The texts of fold *k* are scored by a model that learned
from all other folds. The curve that turns its scores into probabilities (Platt scaling) is learned without fold *k*,
too: from scores that models without folds *j* and *k* give to each other fold *j*. A model without two folds serves
both of them, so *K* folds need K(K+1)/2 fits. In a large pool, models learn from a sample and score all texts.

Source: Platt, Probabilistic outputs for support vector machines (1999); Chernozhukov et al., Double/debiased machine
learning (2018), for the term.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from analyse.detectors import Detector
from workbench.cli import progress
from workbench.draws import random_key

_LEAST_SLOPE = 1e-3  # log-odds per standard deviation of the scores


def fold_order(groups: Iterable[str], seed: int) -> np.ndarray:
    """The place (0, 1, …) of each source in the order in which sources get their folds, shape (sources,).

    Equal ``groups`` share a place. The order is that of a hash of the seed and the group's name, so it does not depend
    on the order of the sources. With *K* folds, a source's fold is its place modulo *K*. Folds therefore hold equally
    many groups, and so do the first *n* places of each.
    """
    digests = b"".join(random_key(seed, "fold", group) for group in groups)
    return np.unique(np.frombuffer(digests, dtype="S32"), return_inverse=True)[1]


@dataclass(frozen=True)
class LabelledTexts:
    """The texts of two authors. Each array has shape (texts,); a text's position is its row."""

    first: np.ndarray  # whether the first author wrote it
    fold: np.ndarray  # its fold
    differ: np.ndarray  # whether the authors wrote different texts for its source, so that models may learn from it
    # Whether it is in the sample that models and calibration curves learn from. A sample contains both texts of a
    # source or neither.
    drawn: np.ndarray


@dataclass(frozen=True)
class CrossFit:
    """The result of cross-fitting."""

    scores: np.ndarray  # each text's score by the model that never saw it, not calibrated, shape (texts,)
    # Probability that the first author wrote it, shape (texts,). Each fold has its own calibration curve, which is
    # steep if the other folds did well. With weak style, probabilities therefore cannot be compared between folds.
    # Scores can.
    probabilities: np.ndarray
    # For each fold, the scores of the drawn texts of the other folds by models that knew nothing of that fold either,
    # shape (drawn texts,); NaN for the fold's texts. The whole sample can thus be judged as if the fold did not exist.
    without: dict[int, np.ndarray]


def cross_fit(detector: Detector, texts: LabelledTexts, threads: int = 1) -> CrossFit:
    """Score each of ``texts`` with models that learned from other folds."""
    numbers = np.unique(texts.fold).tolist()
    fold, first = texts.fold[texts.drawn], texts.first[texts.drawn]
    left_out = [(one,) for one in numbers] + list(itertools.combinations(numbers, 2))
    found = dict(zip(left_out, _scores(detector, texts, left_out, threads), strict=True))
    scores, probabilities = np.empty((2, len(texts.fold)))
    without = {}
    for one in numbers:
        inner = np.full(len(fold), np.nan)
        for other in numbers:
            if other != one:
                rows = fold == other
                inner[rows] = found[min(one, other), max(one, other)][rows]
        own = texts.fold == one
        scores[own] = found[(one,)][own]
        known = fold != one
        probabilities[own] = platt_scaling(inner[known], first[known], scores[own])
        without[one] = inner
    return CrossFit(scores, probabilities, without)


def _scores(
    detector: Detector, texts: LabelledTexts, left_out: Sequence[tuple[int, ...]], threads: int
) -> Iterator[np.ndarray]:
    """For each tuple of folds, the scores of its texts by a model without them; NaN for other texts.

    A model without one fold scores all texts of the fold: shape (texts,). One without two folds serves calibration and
    intervals and scores only drawn texts: shape (drawn texts,).
    """

    def fit(folds: tuple[int, ...]) -> np.ndarray:
        inside = np.isin(texts.fold, folds)
        learned = np.flatnonzero(~inside & texts.differ & texts.drawn)
        model = detector.fit(learned, texts.first[learned])
        scored = inside if len(folds) == 1 else inside & texts.drawn
        found = np.full(len(inside), np.nan)
        found[scored] = model.scores(np.flatnonzero(scored))
        return found if len(folds) == 1 else found[texts.drawn]

    with ThreadPoolExecutor(threads) as pool:
        yield from progress(pool.map(fit, left_out), len(left_out), "models")


def platt_scaling(scores: np.ndarray, first: np.ndarray, new_scores: np.ndarray) -> np.ndarray:
    """Probabilities of the first author for ``new_scores``, from a logistic curve fitted to ``scores``.

    Platt's smoothed targets keep the curve finite if the scores separate the authors perfectly. The curve always rises,
    at least slightly: if scores carry no information, chance must not reverse their order.

    ``first`` says which of the texts the first author wrote, shape (texts,) as ``scores``; ``new_scores`` and the
    result have any shape.
    """
    positive, negative = int(first.sum()), int((~first).sum())
    target = np.where(first, (positive + 1) / (positive + 2), 1 / (negative + 2))
    middle, spread = float(np.mean(scores)), float(np.std(scores)) or 1.0
    curve = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000)
    both = np.tile((scores - middle) / spread, 2)[:, None]
    curve.fit(both, np.repeat([True, False], len(scores)), sample_weight=np.concatenate([target, 1 - target]))
    slope, height = float(curve.coef_[0, 0]), float(curve.intercept_[0])
    if slope < _LEAST_SLOPE:
        slope, height = _LEAST_SLOPE, float(logit(target.mean()))
    probabilities: np.ndarray = expit(slope * (new_scores - middle) / spread + height)
    return probabilities
