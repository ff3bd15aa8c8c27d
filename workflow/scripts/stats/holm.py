"""Holm's correction of p-values for multiple tests.

It bounds the chance of a single false finding in a family of tests, however they depend on each other. Source: Holm, A
Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6 (1979).
"""

from collections.abc import Sequence

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


def holm_where_tested(p_values: Sequence[float | None]) -> list[float | None]:
    """As :func:`holm`, for a family in which some p-values are missing; these stay None and do not count as tests."""
    adjusted = iter(holm([p for p in p_values if p is not None]))
    return [None if p is None else next(adjusted) for p in p_values]


def say_too_few(tests: int, draws: int, name: str, step: int) -> None:
    """Warn in one line if there are too few draws for any corrected p-value of a family to get below 0.05.

    Args:
        tests: number of distinct tests in the family.
        draws: number of draws behind each p-value.
        name: what the draws are called.
        step: the smallest possible p-value is ``step / (draws + 1)``.
    """
    if step * tests / (draws + 1) >= 0.05:
        say(
            f"{tests:,} tests in a family: Holm's correction leaves none below 0.05 with {draws:,} {name};"
            f" {20 * step * tests:,} or more would do"
        )
