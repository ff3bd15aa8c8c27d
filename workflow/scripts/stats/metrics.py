"""sacreBLEU's metrics by name, with the sufficient statistics that corpus scores are computed from.

A corpus score is a function of the *sum* of a few counts over the segments (BLEU: lengths, matched and possible
n-grams). The counts of each segment, taken once, give the score of the test set, of each segment and of any resample of
the segments. ``score_run`` writes them in a table for each run. The functions needed for this are private in sacreBLEU
(``_extract_corpus_statistics`` and ``_compute_score_from_stats``); only this module calls them.
"""

import argparse
import inspect
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sacrebleu.metrics import CHRF, METRICS, TER
from sacrebleu.metrics.base import Metric, Score, Signature

from workbench.cli import UserError
from workbench.languages import bleu_tokenizer, tokenizer_without_mecab, unspaced_script
from workbench.segments import check_ids
from workbench.tables import read_header, read_rows, write_rows
from workbench.words import divided

_CHRF = CHRF()
_CHUNK = 1_000  # segments counted at a time: chrF keeps the n-grams of all their references


@dataclass(frozen=True)
class Scorer:
    """One metric: ``corpus`` as sacreBLEU's command line computes it, ``sentence`` as with ``-sl``."""

    name: str
    corpus: Metric
    sentence: Metric

    @property
    def better(self) -> str:
        """Which scores are better: ``higher`` or ``lower``."""
        return "lower" if self.name == "ter" else "higher"

    def statistics(self, hypotheses: Sequence[str], references: Sequence[str]) -> np.ndarray:
        """Counts of each segment against its single reference: shape (segments, counts)."""
        return np.concatenate(list(self._counts(zip(hypotheses, references, strict=True))))

    def totals(self, segments: Iterable[tuple[str, str]]) -> np.ndarray:
        """Counts of hypotheses and their references summed over all ``segments``: shape (counts,).

        Only some segments at a time are in memory. The sum is exact, whatever their number.
        """
        totals: np.ndarray = np.sum([counts.sum(axis=0) for counts in self._counts(segments)], axis=0)
        return totals

    def _counts(self, segments: Iterable[tuple[str, str]]) -> Iterator[np.ndarray]:
        rest = iter(segments)
        while chunk := list(itertools.islice(rest, _CHUNK)):
            hypotheses, references = zip(*chunk, strict=True)
            yield np.array(self.corpus._extract_corpus_statistics(hypotheses, [references]), dtype=np.float64)

    def score(self, totals: np.ndarray) -> Score:
        """The corpus score of counts summed over segments, shape (counts,)."""
        score: Score = self.corpus._compute_score_from_stats(totals.tolist())
        return score

    def corpus_score(self, segments: Iterable[tuple[str, str]]) -> float:
        """The corpus score of hypotheses and their references."""
        return float(self.score(self.totals(segments)).score)

    def sentence_score(self, counts: np.ndarray) -> float:
        """The score of one segment from its counts, shape (counts,)."""
        return float(self.sentence._compute_score_from_stats(counts.tolist()).score)

    def scores(self, totals: np.ndarray) -> np.ndarray:
        """Corpus scores of many sums of counts: shape (sums, counts) in, (sums,) out."""
        return np.array([self.score(row).score for row in totals])


def sentence_chrf(text: str, reference: str) -> float:
    """Sentence chrF2 of ``text`` against ``reference``, 0 to 100, as ``sacrebleu -m chrf -sl`` computes it.

    The measure is not symmetric: recall of the reference's character n-grams has twice the weight of precision.
    Source: Popović, chrF: character n-gram F-score for automatic MT evaluation (WMT 2015).
    """
    return float(_CHRF.sentence_score(text, [reference]).score)


class CharacterTER(TER):
    """TER of characters instead of words, for scripts that have no blanks between words; its signature says so.

    sacreBLEU's option ``asian_support`` does the same for Chinese and Japanese only.
    """

    def _preprocess_segment(self, sent: str) -> str:
        prepared: str = super()._preprocess_segment(divided(sent))
        return prepared

    def get_signature(self) -> Signature:
        """sacreBLEU's signature, with another tokenizer."""
        signature = super().get_signature()
        signature.update("tok", "char")
        return signature


class CountedMetric:
    """A metric for sacreBLEU's paired test whose "hypotheses" are counts taken before.

    Args:
        metric: sacreBLEU's metric that took the counts, against a single reference.
        columns: the part of a row that holds this metric's counts.
    """

    def __init__(self, metric: Metric, columns: slice) -> None:
        metric.num_refs = 1
        self._columns = columns
        self._aggregate_and_compute = metric._aggregate_and_compute
        self._compute_score_from_stats = metric._compute_score_from_stats
        self.get_signature = metric.get_signature

    def _extract_corpus_statistics(
        self, hypotheses: Sequence[Sequence[float]], references: None
    ) -> list[Sequence[float]]:
        return [row[self._columns] for row in hypotheses]


def build_scorers(names: Sequence[str], options: Mapping[str, Mapping[str, Any]], target_language: str) -> list[Scorer]:
    """The metrics called ``names``, in that order.

    Args:
        names: ``bleu``, ``chrf``, ``ter``.
        options: arguments of a metric's class in sacreBLEU by the metric's name, such as
            ``{"bleu": {"tokenize": "intl"}}``.
        target_language: code. It chooses BLEU's tokenizer (:func:`workbench.languages.bleu_tokenizer`). In a script
            without blanks, TER's words are characters.

    Raises:
        UserError: sacreBLEU does not have a metric, or does not have or accept an option.
    """
    for name in [*names, *options]:
        if name.upper() not in METRICS:
            allowed = ", ".join(metric.lower() for metric in METRICS)
            raise UserError(f"metric {name!r}: sacreBLEU has no such metric; allowed: {allowed}")
    return [_build_scorer(name, dict(options.get(name, {})), target_language) for name in names]


def _build_scorer(name: str, options: dict[str, Any], target_language: str) -> Scorer:
    kind = METRICS[name.upper()]
    allowed = [key for key in inspect.signature(kind).parameters if key not in ("references", "trg_lang")]
    for key in options:
        if key not in allowed:
            raise UserError(f"metric {name}, option {key!r}: unknown; allowed: {', '.join(allowed)}")
    if name == "bleu":
        options.setdefault("tokenize", bleu_tokenizer(target_language))
    if name == "ter" and unspaced_script(target_language):
        kind = CharacterTER
    sentence_options = {"effective_order": True} if "effective_order" in allowed else {}
    try:
        return Scorer(name, kind(**options), kind(**{**options, **sentence_options}))
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"metric {name}, options {options}: sacreBLEU refuses them: {reason}") from error


def bleu_without_mecab(options: Mapping[str, Mapping[str, Any]], target_language: str) -> Scorer:
    """BLEU as configured, but by character if its tokenizer is not set and sacreBLEU's is an optional package."""
    chosen = {"tokenize": tokenizer_without_mecab(target_language), **options.get("bleu", {})}
    return build_scorers(["bleu"], {"bleu": chosen}, target_language)[0]


@dataclass(frozen=True)
class SegmentCounts:
    """Counts of the segments ``ids``: an array of shape (segments, counts) for each metric."""

    path: Path
    ids: list[str]
    metrics: dict[str, np.ndarray]


def count_columns(metric: str, counts: np.ndarray) -> list[str]:
    """The columns of a metric's counts, shape (segments, counts): numbered, such as ``bleu_1``."""
    return [f"{metric}_{number}" for number in range(1, counts.shape[1] + 1)]


def columns_of_metric(metric: str, header: Iterable[str]) -> list[str]:
    """The columns in ``header`` that :func:`count_columns` named for a metric."""
    return [name for name in header if name.rpartition("_")[0] == metric]


def write_counts(path: Path, ids: Sequence[str], metrics: Mapping[str, np.ndarray]) -> None:
    """Write ``id`` and the columns of every metric's counts."""
    columns = [column for metric, counts in metrics.items() for column in count_columns(metric, counts)]
    table = np.hstack(list(metrics.values()))
    rows = ([key, *(f"{value:.15g}" for value in row)] for key, row in zip(ids, table, strict=True))
    write_rows(path, ["id", *columns], rows)


def read_counts(path: Path, metrics: Sequence[str], like: SegmentCounts | None = None) -> SegmentCounts:
    """Read the counts of ``metrics``.

    Raises:
        UserError: a metric has no counts, or the segments are not those of ``like``.
    """
    header = read_header(path)
    columns = {metric: columns_of_metric(metric, header) for metric in metrics}
    missing = [metric for metric, names in columns.items() if not names]
    if missing:
        raise UserError(f"{path}: no counts of metric {missing[0]!r}; score the run again")
    rows = list(read_rows(path, ["id", *(name for names in columns.values() for name in names)]))
    ids = [row[0] for row in rows]
    if like:
        check_ids(path, ids, like.path, like.ids)
    table = np.array([row[1:] for row in rows], dtype=np.float64)
    edges = np.cumsum([len(names) for names in columns.values()])[:-1]
    return SegmentCounts(path, ids, dict(zip(metrics, np.split(table, edges, axis=1), strict=True)))


def add_metric_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that choose the metrics and their options."""
    parser.add_argument("--metrics", nargs="+", required=True, help="bleu, chrf, ter")
    parser.add_argument("--metric-options", type=json.loads, default={}, help='JSON: {"bleu": {"tokenize": "intl"}}')
    parser.add_argument("--target-language", required=True, help="ISO code of the target language")
