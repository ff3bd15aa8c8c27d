"""Choose who writes the target of each source if a condition has several origins, and order the instances.

What is chosen for a source depends only on it and the sources before it, so a larger size contains a smaller one.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from workbench.generated import HUMAN
from workbench.words import folded_words

TargetOf = Callable[[str, str], str]  # from an origin and a source's id to the target
Unit = tuple[str, list[str]]  # a source's id and the origins of its targets
Combine = Callable[[Sequence[str], Mapping[str, float], TargetOf], list[Unit]]
"""From the sources' ids in drawing order, the mixture and the targets to the units of the dataset, in that order."""


def allot(shares: Mapping[str, float], count: int, limits: Mapping[str, int] | None = None) -> Iterator[str]:
    """Yield the origin of each of ``count`` instances so that every prefix has the shares to within one instance.

    Each step chooses the origin that is furthest behind its share (the method of largest deficit), among those that
    have not reached their limit; ties are broken by name.
    """
    given = dict.fromkeys(sorted(origin for origin, share in shares.items() if share > 0), 0)
    for position in range(1, count + 1):
        below_limit = [name for name in given if limits is None or given[name] < limits[name]]
        origin = max(below_limit, key=lambda name: shares[name] * position - given[name])
        given[origin] += 1
        yield origin


def one_by_share(ids: Sequence[str], mixture: Mapping[str, float], target_of: TargetOf) -> list[Unit]:
    """One origin for each source, in the mixture's shares."""
    return [(name, [origin]) for name, origin in zip(ids, allot(mixture, len(ids)), strict=True)]


def all_origins(ids: Sequence[str], mixture: Mapping[str, float], target_of: TargetOf) -> list[Unit]:
    """All origins for each source."""
    return [(name, sorted(mixture)) for name in ids]


def most_diverse(ids: Sequence[str], mixture: Mapping[str, float], target_of: TargetOf) -> list[Unit]:
    """For each source the origin whose target adds most variety to those chosen before.

    The formula is ours. Variety is the sum over word 1- and 2-grams of the square root of their count. It is
    submodular, like coverage functions of extractive summarisation (Lin & Bilmes, A Class of Submodular Functions for
    Document Summarization, ACL 2011). The gain of a target is divided by its number of n-grams, so that long targets
    have no advantage. Words have no case or punctuation; in scripts without blanks a character counts as a word. Ties
    are broken by name.
    """
    counts: Counter[str] = Counter()
    chosen: list[Unit] = []
    for name in ids:
        grams = {origin: _ngrams(target_of(origin, name)) for origin in sorted(mixture)}
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


COMBINE: dict[str, Combine] = {"draw": one_by_share, "all": all_origins, "diverse": most_diverse}


def ordered(units: Sequence[Unit], ranks: Mapping[str, Mapping[str, int]], reverse: bool) -> list[Unit]:
    """The units in the order of their ranks, so that every prefix keeps each origin's share.

    Args:
        units: units in the order in which sources are drawn.
        ranks: the rank of each id among an origin's targets, best first. Targets without a rank come last in both
            directions, in the order of ``units``. Origins without ranks are not reordered.
        reverse: worst first.

    Returns:
        Units of one origin are sorted within their origin, and :func:`allot` decides which origin is next. Units of
        several origins are sorted by the mean of their targets' relative ranks.
    """

    def place(unit: Unit) -> tuple[bool, float]:
        name, origins = unit
        places = [ranks[o][name] / len(ranks[o]) for o in origins if o in ranks and name in ranks[o]]
        mean = sum(places) / len(places) if places else 0.0
        return not places, -mean if reverse else mean

    kinds: dict[str, list[Unit]] = {}
    for unit in units:
        kinds.setdefault("+".join(unit[1]), []).append(unit)
    queues = {
        kind: iter(sorted(found, key=place) if any(origin in ranks for origin in found[0][1]) else found)
        for kind, found in kinds.items()
    }
    limits = {kind: len(found) for kind, found in kinds.items()}
    shares = {kind: number / len(units) for kind, number in limits.items()}
    return [next(queues[kind]) for kind in allot(shares, len(units), limits)]


def drawn_ranks(units: Sequence[Unit]) -> dict[str, dict[str, int]]:
    """The order in which sources are drawn, as ranks of the generators' targets, so that it can be reversed."""
    ranks: dict[str, dict[str, int]] = {}
    for number, (name, origins) in enumerate(units, start=1):
        for origin in origins:
            if origin != HUMAN:
                ranks.setdefault(origin, {})[name] = number
    return ranks
