"""A small phrase-based translator that learns from sentence pairs in seconds.

Words are aligned both ways with IBM model 1 (Brown et al. 1993) under a preference for the diagonal (Dyer et al. 2013,
"A Simple, Fast, and Effective Reparameterization of IBM Model 2"); phrases of up to four words are read off the
alignment (Koehn et al. 2003) and put together from left to right.
"""

from __future__ import annotations

import gzip
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from fake_llm.translate import TOKEN, Dictionary

ITERATIONS = 5
TENSION = 4.0  # how strongly the alignment prefers the diagonal
LONGEST = 4  # words of a phrase
LONGEST_SENTENCE = 60  # words; longer pairs are not used
BEAM = 8  # hypotheses kept for each number of covered words
OPTIONS = 6  # translations kept for a phrase

Pair = tuple[str, str]
Phrase = tuple[str, ...]


def read_pairs(paths: Sequence[Path], limit: int) -> list[Pair]:
    """Pairs in a TSV file (columns ``source`` and ``target``, or the first two) or in two aligned files; also gzip.

    Raises:
        ValueError: the files are not aligned, or a row has no two fields.
    """
    if len(paths) == 2:
        sources, targets = (_lines(path) for path in paths)
        if len(sources) != len(targets):
            raise ValueError(f"{paths[0]} has {len(sources)} lines, {paths[1]} has {len(targets)}")
        return list(zip(sources, targets, strict=True))[:limit]
    if len(paths) != 1:
        raise ValueError("--pairs takes one TSV file or two aligned files")
    rows = [line.split("\t") for line in _lines(paths[0])]
    places = (0, 1)
    if rows and {"source", "target"} <= set(rows[0]):
        places = (rows[0].index("source"), rows[0].index("target"))
        rows = rows[1:]
    short = [number for number, row in enumerate(rows, start=1) if len(row) <= max(places)]
    if short:
        raise ValueError(f"{paths[0]}: row {short[0]} has no source and target")
    return [(row[places[0]], row[places[1]]) for row in rows][:limit]


def _lines(path: Path) -> list[str]:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8").splitlines()


def words(text: str) -> list[str]:
    """The words and punctuation marks of a text, in lower case."""
    return [token for token in TOKEN.findall(text.lower()) if not token.isspace()]


class Phrases:
    """Translates with phrases from ``pairs``; with ``lookup``, known sentences with their known translations."""

    def __init__(self, pairs: Iterable[Pair], lookup: bool = True) -> None:
        pairs = list(pairs)
        self._known = dict(pairs) if lookup else {}
        split = [(words(source), words(target)) for source, target in pairs]
        split = [(s, t) for s, t in split if 0 < len(s) <= LONGEST_SENTENCE and 0 < len(t) <= LONGEST_SENTENCE]
        self._table = phrase_table(split, align(split))
        self._successors, self._unigrams, self._total = _language_model(target for _, target in split)
        self._cased = _usual_case(target for _, target in pairs)
        self._dictionary = Dictionary()

    async def translate(self, source: str, prompt: str = "") -> str:
        """The translation of one text."""
        known = self._known.get(source)
        return known if known is not None else self.decode(source)

    def decode(self, source: str) -> str:
        """The translation of one text from phrases."""
        tokens = words(source)
        if not tokens:
            return source
        target = self._search(tokens)
        return _written([self._cased.get(word, word) for word in target], source)

    def _options(self, tokens: Sequence[str], start: int, end: int) -> list[tuple[Phrase, float]]:
        options = self._table.get(tuple(tokens[start:end]))
        if options or end - start > 1:
            return options or []
        return [(tuple(words(self._dictionary.english(tokens[start]))) or (tokens[start],), -3.0)]

    def _search(self, tokens: Sequence[str]) -> Phrase:
        """The best sequence of phrases without reordering, by beam search over the number of covered words."""
        beams: list[dict[str, tuple[float, Phrase]]] = [{} for _ in range(len(tokens) + 1)]
        beams[0][""] = (0.0, ())
        for start in range(len(tokens)):
            best = sorted(beams[start].values(), reverse=True)[:BEAM]
            for end in range(start + 1, min(len(tokens), start + LONGEST) + 1):
                for phrase, score in self._options(tokens, start, end):
                    for before, target in best:
                        last = target[-1] if target else ""
                        total = before + score + self._fluency(last, phrase)
                        key = phrase[-1] if phrase else last
                        if key not in beams[end] or beams[end][key][0] < total:
                            beams[end][key] = (total, target + phrase)
        return max(beams[-1].values())[1]

    def _fluency(self, last: str, phrase: Phrase) -> float:
        """Log-probability of the words after ``last``, plus a bonus for each word against too short translations."""
        score = 0.0
        for before, word in pairwise((last, *phrase)):
            common = (self._unigrams.get(word, 0) + 0.1) / (self._total + 1)
            follows = self._successors.get((before, word), 0) / (self._unigrams.get(before, 0) + 1)
            score += math.log(0.75 * follows + 0.25 * common) * 0.6 + 1.6
        return score


def align(split: Sequence[tuple[list[str], list[str]]]) -> list[set[tuple[int, int]]]:
    """Word links (source and target position) of every pair: those of both directions, and their neighbours."""
    forward = _viterbi(split)
    backward = _viterbi([(target, source) for source, target in split])
    links = []
    for one, other in zip(forward, backward, strict=True):
        ahead = set(one)
        back = {(s, t) for t, s in other}
        links.append(_grown(ahead & back, ahead | back))
    return links


def _viterbi(split: Sequence[tuple[list[str], list[str]]]) -> list[list[tuple[int, int]]]:
    """The best source word of every target word, by expectation maximization over all pairs at once."""
    source_ids: dict[str, int] = {}
    target_ids: dict[str, int] = {}
    cells_s, cells_t, prior, groups = [], [], [], []
    group = 0
    for source, target in split:
        s = np.array([source_ids.setdefault(word, len(source_ids)) for word in source])
        t = np.array([target_ids.setdefault(word, len(target_ids)) for word in target])
        gap = np.abs(np.arange(len(s))[None, :] / len(s) - np.arange(len(t))[:, None] / len(t))
        cells_s.append(np.tile(s, len(t)))
        cells_t.append(np.repeat(t, len(s)))
        prior.append(np.exp(-TENSION * gap).ravel())
        groups.append(np.repeat(np.arange(group, group + len(t)), len(s)))
        group += len(t)
    if not groups:
        return []
    pair_of = np.concatenate(cells_s) * np.int64(len(target_ids)) + np.concatenate(cells_t)
    kinds, cell = np.unique(pair_of, return_inverse=True)
    source_of_kind = kinds // len(target_ids)
    near, row = np.concatenate(prior), np.concatenate(groups)
    table = np.ones(len(kinds))
    weight = near
    for _ in range(ITERATIONS):
        weight = table[cell] * near
        share = weight / np.bincount(row, weight)[row]
        counts = np.bincount(cell, share, len(kinds))
        table = counts / np.bincount(source_of_kind, counts)[source_of_kind]
    weight = table[cell] * near
    return _best_cells(split, weight)


def _best_cells(split: Sequence[tuple[list[str], list[str]]], weight: np.ndarray) -> list[list[tuple[int, int]]]:
    """The source position with the highest weight for every target position."""
    links, at = [], 0
    for source, target in split:
        size = len(source) * len(target)
        best = weight[at : at + size].reshape(len(target), len(source)).argmax(axis=1)
        links.append([(int(s), t) for t, s in enumerate(best)])
        at += size
    return links


def _grown(sure: set[tuple[int, int]], maybe: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """``sure`` and the links of ``maybe`` that are adjacent to it and link a word without a link."""
    links = set(sure)
    sources, targets = {s for s, _ in links}, {t for _, t in links}
    fresh = True
    while fresh:
        fresh = False
        for s, t in sorted(maybe - links):
            beside = any((s + i, t + j) in links for i in (-1, 0, 1) for j in (-1, 0, 1))
            if beside and (s not in sources or t not in targets):
                links.add((s, t))
                sources.add(s)
                targets.add(t)
                fresh = True
    return links


def phrase_table(
    split: Sequence[tuple[list[str], list[str]]], alignments: Sequence[set[tuple[int, int]]]
) -> dict[Phrase, list[tuple[Phrase, float]]]:
    """Source phrases with their most frequent translations and log-probabilities."""
    counts: dict[Phrase, Counter[Phrase]] = defaultdict(Counter)
    for (source, target), links in zip(split, alignments, strict=True):
        for start, end, first, last in _spans(len(source), len(target), links):
            counts[tuple(source[start:end])][tuple(target[first:last])] += 1
    table = {}
    for phrase, options in counts.items():
        total = sum(options.values())
        best = sorted(options.items(), key=lambda item: (-item[1], item[0]))[:OPTIONS]
        table[phrase] = [(option, math.log(n / (total + 0.3))) for option, n in best]
    return table


def _spans(length: int, others: int, links: set[tuple[int, int]]) -> Iterable[tuple[int, int, int, int]]:
    """Spans of source and target words that are only linked to each other.

    Target words without a link may go with the phrase before them.
    """
    of_source: dict[int, list[int]] = defaultdict(list)
    of_target: dict[int, list[int]] = defaultdict(list)
    for s, t in links:
        of_source[s].append(t)
        of_target[t].append(s)
    for start in range(length):
        for end in range(start + 1, min(length, start + LONGEST) + 1):
            places = [t for s in range(start, end) for t in of_source[s]]
            if not places:
                continue
            first, last = min(places), max(places) + 1
            inside = all(start <= s < end for t in range(first, last) for s in of_target[t])
            if not inside or last - first > LONGEST + 2:
                continue
            yield start, end, first, last
            while last < others and not of_target[last] and last - first < LONGEST + 2:
                last += 1
                yield start, end, first, last


def _language_model(targets: Iterable[Sequence[str]]) -> tuple[Counter[tuple[str, str]], Counter[str], int]:
    """Counts of pairs of words, of words, and of all."""
    pairs: Counter[tuple[str, str]] = Counter()
    single: Counter[str] = Counter()
    for target in targets:
        pairs.update(pairwise(("", *target)))
        single.update(("", *target))
    return pairs, single, sum(single.values())


def _usual_case(targets: Iterable[str]) -> dict[str, str]:
    """The usual spelling of a word within a sentence."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for target in targets:
        for token in [token for token in TOKEN.findall(target) if token[0].isalpha()][1:]:
            seen[token.lower()][token] += 1
    return {word: forms.most_common(1)[0][0] for word, forms in seen.items()}


def _written(target: Sequence[str], source: str) -> str:
    """Words as a sentence with spaces, and with a capital if the source has one."""
    text = ""
    for word in target:
        glued = word in ".,;:!?)%’…" or text.endswith(("(", "“")) or not text
        text += word if glued else f" {word}"
    return text[:1].upper() + text[1:] if source[:1].isupper() else text
