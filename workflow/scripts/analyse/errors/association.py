"""Targets that have nothing to do with their sources, judged by words that go together in human pairs.

Ours, since no aligner is needed: Dice's coefficient says which word beginnings go together in the pairs of ``pretrain``
(Smadja, McKeown & Hatzivassiloglou, Computational Linguistics 1996), and words that begin alike in both languages count
as partners too (Simard, Foster & Isabelle, Using cognates to align sentences in bilingual corpora, 1992). A target is
detached where none of the source's words has a partner in it although enough of them are known to have one. "Detached"
is the word of Raunak et al. (2021) for a fluent target without relation to its source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from workbench.words import folded_words

_BLOCK = 2000


@dataclass(frozen=True)
class Lexicon:
    """Which beginnings of target words go with a beginning of a source word.

    Attributes:
        partners: beginnings of target words by the beginning of a source word.
        beginning: characters of a word that stand for it and its inflections.
        cognate: characters at the beginning that make words of two languages cognates.
    """

    partners: Mapping[str, Set[str]]
    beginning: int
    cognate: int

    def is_detached(self, source: str, target: str, words: int) -> bool:
        """Whether no word of the source has a partner in the target although ``words`` of them are known."""
        ours, theirs = beginnings(source, self.beginning), beginnings(target, self.beginning)
        if not theirs or sum(word in self.partners for word in ours) < words:
            return False
        if any(self.partners.get(word, frozenset()) & theirs for word in ours):
            return False
        return not _cognates(ours, self.cognate) & _cognates(theirs, self.cognate)


def learn_lexicon(
    sources: Sequence[str],
    targets: Sequence[str],
    *,
    least_pairs: int,
    largest_share: float,
    dice: float,
    beginning: int,
    cognate: int,
) -> Lexicon:
    """Learn partners from pairs that translate each other.

    Args:
        least_pairs: pairs that hold both words of a partnership.
        largest_share: share of the pairs beyond which a word is too frequent to say anything.
        dice: least coefficient, 0 to 1: twice the pairs with both words by the sum of the pairs with each.
        beginning, cognate: those of the :class:`Lexicon`.
    """
    most = largest_share * len(sources)
    ours, our_words = _presence([beginnings(text, beginning) for text in sources], least_pairs, most)
    theirs, their_words = _presence([beginnings(text, beginning) for text in targets], least_pairs, most)
    our_counts, their_counts = ours.sum(axis=0), theirs.sum(axis=0)
    partners: dict[str, set[str]] = {}
    for start in range(0, len(our_words), _BLOCK):
        together = (ours[:, start : start + _BLOCK].T @ theirs).tocoo()
        rows, columns = together.coords
        enough = 2 * together.data >= dice * (our_counts[start + rows] + their_counts[columns])
        for row, column in zip(
            *(place[enough & (together.data >= least_pairs)] for place in (rows, columns)), strict=True
        ):
            partners.setdefault(our_words[start + row], set()).add(their_words[column])
    return Lexicon(partners, beginning, cognate)


def beginnings(text: str, characters: int) -> set[str]:
    """The first ``characters`` of each of a text's words, case folded."""
    return {word[:characters] for word in folded_words(text)}


def _cognates(words: Set[str], characters: int) -> set[str]:
    """What words share with their cognates; digits stand for themselves."""
    return {word[:characters] for word in words if len(word) >= characters or word.isdigit()}


def _presence(texts: Sequence[Set[str]], least: int, most: float) -> tuple[csr_array, list[str]]:
    """Which text, its set of words, holds which of the words that are neither rare nor frequent.

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
