"""Targets compared with what is usual in human pairs: those that are too short, too long, or detached.

**Lengths.** A text's length is its number of characters without blanks. The logarithm of target length by source length
scatters around a line over the logarithm of the source length, and less so for longer sources. Gale & Church (A Program
for Aligning Sentences in Bilingual Corpora, 1993) let the scatter shrink with the square root of the length, as if
characters were drawn independently. They are not, so the power is a setting: in three German-English corpora, 0.3
makes the deviations of short and long sources alike. The limits are quantiles of the deviations in ``pretrain``.

**Detachment.** The rule is ours, because it needs no aligner. Dice's coefficient finds the word beginnings that belong
together in the pairs of ``pretrain`` (Smadja, McKeown & Hatzivassiloglou, Computational Linguistics 1996). Words that
begin alike in both languages count as partners too (Simard, Foster & Isabelle, Using cognates to align sentences in
bilingual corpora, 1992). A target is detached if no source word has a partner in it although enough of them have known
partners. "Detached" is the term of Raunak et al. (2021) for a fluent target without relation to its source.
"""

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array
from sklearn.preprocessing import MultiLabelBinarizer

from analyse.errors import NormSettings
from workbench.files import damaged, read_json, write_json
from workbench.words import folded_words

_BLOCK = 2000  # source words whose partners are counted at a time


@dataclass(frozen=True)
class LengthBand:
    """The range of target lengths of human pairs."""

    # slope, intercept: the line through the logarithm of target length by source length
    slope: float
    intercept: float
    power: float  # power of the source length by which the scatter shrinks
    # low, high: limits of the deviation from the line, independent of the source length. Below, something must be left
    # out; above, something must be added.
    low: float
    high: float

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


@dataclass(frozen=True)
class Lexicon:
    """Which beginnings of target words belong to a beginning of a source word."""

    partners: Mapping[str, Sequence[str]]  # beginnings of target words by the beginning of a source word
    beginning: int  # number of initial characters that identify a word and its inflections
    cognate: int  # number of equal initial characters that make words of two languages cognates

    def is_detached(self, source: str, target: str, words: int) -> bool:
        """Whether no source word has a partner in the target although at least ``words`` of them have known ones."""
        source_words, target_words = beginnings(source, self.beginning), beginnings(target, self.beginning)
        if not target_words or sum(word in self.partners for word in source_words) < words:
            return False
        if any(not target_words.isdisjoint(self.partners.get(word, ())) for word in source_words):
            return False
        return not _cognates(source_words, self.cognate) & _cognates(target_words, self.cognate)


def learn_lexicon(sources: Sequence[str], targets: Sequence[str], settings: NormSettings) -> Lexicon:
    """Learn partners from pairs that translate each other."""
    least, most = settings.partner_pairs, settings.partner_share * len(sources)
    (in_sources, source_words), (in_targets, target_words) = (
        _presence([beginnings(text, settings.word_beginning) for text in texts], least, most)
        for texts in (sources, targets)
    )
    source_counts, target_counts = in_sources.sum(axis=0), in_targets.sum(axis=0)
    partners: dict[str, list[str]] = {}
    for start in range(0, len(source_words), _BLOCK):
        together = (in_sources[:, start : start + _BLOCK].T @ in_targets).tocoo()
        rows, columns = together.coords
        dice = settings.partner_dice * (source_counts[start + rows] + target_counts[columns])
        enough = (2 * together.data >= dice) & (together.data >= least)
        for row, column in zip(rows[enough], columns[enough], strict=True):
            partners.setdefault(source_words[start + row], []).append(target_words[column])
    ordered = {word: sorted(others) for word, others in partners.items()}
    return Lexicon(ordered, settings.word_beginning, settings.cognate_beginning)


def beginnings(text: str, characters: int) -> set[str]:
    """The first ``characters`` of each of a text's words, case folded."""
    return {word[:characters] for word in folded_words(text)}


def _cognates(words: Set[str], characters: int) -> set[str]:
    """What words share with their cognates; numbers count whatever their length."""
    return {word[:characters] for word in words if len(word) >= characters or word.isdigit()}


def _presence(texts: Sequence[Set[str]], least: int, most: float) -> tuple[csr_array, np.ndarray]:
    """Which text, a set of words, contains which of the words that occur in ``least`` to ``most`` texts.

    Returns:
        Zeros and ones of shape (texts, words), and the words.
    """
    binarizer = MultiLabelBinarizer(sparse_output=True)
    table = csr_array(binarizer.fit_transform(texts), dtype=np.int64)
    counts = table.sum(axis=0)
    kept = np.flatnonzero((counts >= least) & (counts <= most))
    return table[:, kept], binarizer.classes_[kept]


@dataclass(frozen=True)
class Norms:
    """Usual lengths, and words that occur together."""

    band: LengthBand
    lexicon: Lexicon


def write_norms(path: Path, norms: Norms, pairs: int) -> None:
    """Write the norms, learned from ``pairs`` pairs, as JSON."""
    write_json(path, {"pairs": pairs, "lengths": asdict(norms.band), "lexicon": asdict(norms.lexicon)})


def read_norms(path: Path) -> Norms:
    """Read what :func:`write_norms` wrote.

    Raises:
        UserError: the file holds something else.
    """
    try:
        record = read_json(path, "lengths", "lexicon")
        return Norms(LengthBand(**record["lengths"]), Lexicon(**record["lexicon"]))
    except TypeError as error:
        raise damaged(path, "it holds no norms of lengths and words") from error
