"""Holm's correction of p-values for multiple tests.

It bounds the chance of a single false finding in a family of tests, however they depend on each other. Source: Holm, A
Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6 (1979).
"""

from collections.abc import Hashable, Iterable, Sequence

from workbench.cli import say


def holm(p_values: Sequence[float]) -> list[float]:
    """The step-down adjusted p-values of a family of tests, in the order given; empty for an empty family.

    Rejecting the tests with an adjusted value below 0.05 keeps the chance of any false rejection below 0.05.

    Raises:
        ValueError: a value is not between 0 and 1.
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError(f"not p-values: {list(p_values)}")
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def holm_where_tested(p_values: Sequence[float | None], tests: Iterable[Hashable] = ()) -> list[float | None]:
    """As :func:`holm`, for a family in which some p-values are missing; these stay None and do not count as tests.

    ``tests`` says which test each p-value is of, if several may be of the same one: a test counts once.
    """
    keys = list(tests) or range(len(p_values))
    family = {key: p for key, p in zip(keys, p_values, strict=True) if p is not None}
    adjusted = dict(zip(family, holm(list(family.values())), strict=True))
    return [None if p is None else adjusted[key] for key, p in zip(keys, p_values, strict=True)]


def say_too_few(families: Iterable[Iterable[Hashable]], draws: int, name: str, step: int) -> None:
    """Warn in one line if there are too few draws for any corrected p-value of a family to get below 0.05.

    Args:
        families: the tests of each family, of which several may be the same one.
        draws: number of draws behind each p-value.
        name: what the draws are called.
        step: the smallest possible p-value is ``step / (draws + 1)``.
    """
    tests = max((len(set(family)) for family in families), default=0)
    if step * tests / (draws + 1) >= 0.05:
        say(
            f"{tests:,} tests in a family: Holm's correction leaves none below 0.05 with {draws:,} {name};"
            f" {20 * step * tests:,} or more would do"
        )
