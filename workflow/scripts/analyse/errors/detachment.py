"""Targets that have nothing to do with their sources, judged by words that occur together in human pairs.

The rule is ours, because it needs no aligner. Dice's coefficient finds the word beginnings that belong together in the
pairs of ``pretrain`` (Smadja, McKeown & Hatzivassiloglou, Computational Linguistics 1996). Words that begin alike in
both languages count as partners too (Simard, Foster & Isabelle, Using cognates to align sentences in bilingual corpora,
1992). A target is detached if no source word has a partner in it although enough of them have known partners.
"Detached" is the term of Raunak et al. (2021) for a fluent target without relation to its source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from analyse.errors.settings import NormSettings
from workbench.text import folded_words

_BLOCK = 2000


@dataclass(frozen=True)
class Lexicon:
    """Which beginnings of target words belong to a beginning of a source word.

    Attributes:
        partners: beginnings of target words by the beginning of a source word.
        beginning: number of initial characters that identify a word and its inflections.
        cognate: number of equal initial characters that make words of two languages cognates.
    """

    partners: Mapping[str, Set[str]]
    beginning: int
    cognate: int

    def is_detached(self, source: str, target: str, words: int) -> bool:
        """Whether no source word has a partner in the target although at least ``words`` of them have known ones."""
        source_words, target_words = beginnings(source, self.beginning), beginnings(target, self.beginning)
        if not target_words or sum(word in self.partners for word in source_words) < words:
            return False
        if any(self.partners.get(word, frozenset()) & target_words for word in source_words):
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
    partners: dict[str, set[str]] = {}
    for start in range(0, len(source_words), _BLOCK):
        together = (in_sources[:, start : start + _BLOCK].T @ in_targets).tocoo()
        rows, columns = together.coords
        dice = settings.partner_dice * (source_counts[start + rows] + target_counts[columns])
        enough = (2 * together.data >= dice) & (together.data >= least)
        for row, column in zip(rows[enough], columns[enough], strict=True):
            partners.setdefault(source_words[start + row], set()).add(target_words[column])
    return Lexicon(partners, settings.word_beginning, settings.cognate_beginning)


def beginnings(text: str, characters: int) -> set[str]:
    """The first ``characters`` of each of a text's words, case folded."""
    return {word[:characters] for word in folded_words(text)}


def _cognates(words: Set[str], characters: int) -> set[str]:
    """What words share with their cognates; numbers count whatever their length."""
    return {word[:characters] for word in words if len(word) >= characters or word.isdigit()}


def _presence(texts: Sequence[Set[str]], least: int, most: float) -> tuple[csr_array, list[str]]:
    """Which text, a set of words, contains which of the words that occur in ``least`` to ``most`` texts.

    Returns:
        Zeros and ones of shape (texts, words), and the words.
    """
    places: dict[str, int] = {}
    rows, columns = [], []
    for row, words in enumerate(texts):
        for word in sorted(words):
            rows.append(row)
            columns.append(places.setdefault(word, len(places)))
    shape = (len(texts), len(places))
    table = csr_array((np.ones(len(rows), dtype=np.int64), (rows, columns)), shape=shape)
    counts = table.sum(axis=0)
    kept = np.flatnonzero((counts >= least) & (counts <= most))
    names = list(places)
    return table[:, kept], [names[place] for place in kept]
