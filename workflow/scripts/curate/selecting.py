"""Who writes the target of each source, where a condition draws on several origins.

Each function takes the sources' ids in the order in which they are drawn and returns, for each of them, the origins
whose targets it stands with. What is chosen for a source depends on it and the sources before it only, so that a larger
size contains a smaller one.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from workbench.generated import HUMAN
from workbench.words import folded_words

Targets = Mapping[str, Mapping[str, str]]  # origin -> id -> text
Chosen = list[tuple[str, list[str]]]  # id, its origins


def allot(shares: Mapping[str, float], count: int, limits: Mapping[str, int] | None = None) -> Iterator[str]:
    """Yield the origin of each of ``count`` instances so that every prefix holds the shares to within one instance.

    Each step goes to the origin that is furthest behind its share (the method of largest deficit), among those that
    have not come to their limit; ties go by name.
    """
    given = dict.fromkeys(sorted(origin for origin, share in shares.items() if share > 0), 0)
    for position in range(1, count + 1):
        open_ones = [name for name in given if limits is None or given[name] < limits[name]]
        origin = max(open_ones, key=lambda name: shares[name] * position - given[name])
        given[origin] += 1
        yield origin


def draw(ids: Sequence[str], mixture: Mapping[str, float], targets: Targets) -> Chosen:
    """One origin for each source, in the mixture's fractions."""
    return [(name, [origin]) for name, origin in zip(ids, allot(mixture, len(ids)), strict=True)]


def every(ids: Sequence[str], mixture: Mapping[str, float], targets: Targets) -> Chosen:
    """All origins for each source."""
    return [(name, sorted(mixture)) for name in ids]


def most_diverse(ids: Sequence[str], mixture: Mapping[str, float], targets: Targets) -> Chosen:
    """For each source the origin whose target adds most variety to those chosen before.

    Our own formula: variety is the sum over word 1- and 2-grams of the square root of their count, which is
    submodular, as coverage functions of extractive summarisation are (Lin & Bilmes, A Class of Submodular Functions
    for Document Summarization, ACL 2011); the gain of a target is divided by its number of n-grams, so that a long
    target is not taken for its length. Words are without case and punctuation; in scripts that put no blanks between
    them a character counts as one. Ties go by name.
    """
    counts: Counter[str] = Counter()
    chosen: Chosen = []
    for name in ids:
        grams = {origin: _ngrams(targets[origin][name]) for origin in sorted(mixture)}
        best = max(grams, key=lambda origin: _gain(grams[origin], counts))
        counts.update(grams[best])
        chosen.append((name, [best]))
    return chosen


def _ngrams(text: str) -> Counter[str]:
    words = folded_words(text)
    return Counter([*words, *(" ".join(pair) for pair in itertools.pairwise(words))])


def _gain(grams: Counter[str], counts: Counter[str]) -> float:
    if not grams:
        return 0.0
    added = sum(math.sqrt(counts[gram] + number) - math.sqrt(counts[gram]) for gram, number in grams.items())
    return added / grams.total()


COMBINE = {"draw": draw, "all": every, "diverse": most_diverse}


def ordered(chosen: Chosen, ranks: Mapping[str, Mapping[str, int]], reverse: bool) -> Chosen:
    """The units of ``chosen`` in the order of their ranks, so that every prefix keeps each origin's share.

    Args:
        chosen: units in the order in which sources are drawn.
        ranks: for each origin that is ordered, the place of each id among its targets, best first. What has no place
            comes last in either direction, in the order of ``chosen``. Origins without ranks stay as they are.
        reverse: worst first.

    Returns:
        Units of one origin are sorted within their origin and the origins taken in turn, as :func:`allot` does; units
        of several go by the mean of their targets' relative places.
    """

    def place(unit: tuple[str, list[str]]) -> tuple[bool, float]:
        name, origins = unit
        places = [ranks[o][name] / len(ranks[o]) for o in origins if o in ranks and name in ranks[o]]
        mean = sum(places) / len(places) if places else 0.0
        return not places, -mean if reverse else mean

    kinds: dict[str, Chosen] = {}
    for unit in chosen:
        kinds.setdefault("+".join(unit[1]), []).append(unit)
    queues = {
        kind: iter(sorted(units, key=place) if any(origin in ranks for origin in units[0][1]) else units)
        for kind, units in kinds.items()
    }
    limits = {kind: len(units) for kind, units in kinds.items()}
    shares = {kind: number / len(chosen) for kind, number in limits.items()}
    return [next(queues[kind]) for kind in allot(shares, len(chosen), limits)]


def drawn_ranks(chosen: Chosen) -> dict[str, dict[str, int]]:
    """The order in which sources are drawn as ranks of the generators' targets, to turn it round."""
    ranks: dict[str, dict[str, int]] = {}
    for number, (name, origins) in enumerate(chosen, start=1):
        for origin in origins:
            if origin != HUMAN:
                ranks.setdefault(origin, {})[name] = number
    return ranks
