"""Holm's correction of p-values for being one of a family of tests.

Source: Holm, A simple sequentially rejective multiple test procedure (Scandinavian Journal of Statistics 6, 1979). It
bounds the chance of a single false finding in the family, whatever the dependence between its tests.
"""

from __future__ import annotations

from collections.abc import Sequence

from workbench.cli import say


def holm(p_values: Sequence[float]) -> list[float]:
    """The step-down adjusted p-values of a family of tests, in the order given; none for an empty family.

    Rejecting what is below 0.05 here keeps the chance of any false rejection in the family below 0.05.

    Raises:
        ValueError: a value is no probability.
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError(f"not p-values: {list(p_values)}")
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def say_too_few(tests: int, draws: int, name: str, step: int) -> None:
    """Say in one line that no test of a family can get below 0.05 after the correction, where that is so.

    Args:
        tests: distinct tests of the family.
        draws: behind each of its p-values, the smallest of which can be ``step / (draws + 1)``.
        name: what the draws are called.
    """
    if step * tests / (draws + 1) >= 0.05:
        say(
            f"{tests:,} tests in a family: Holm's correction leaves none below 0.05 with {draws:,} {name};"
            f" {20 * step * tests:,} or more would do"
        )
