"""Numbers and training data in words, the same in the answer, in the figures and on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.generated import HUMAN

MINUS = "\N{MINUS SIGN}"


def points(value: float, signed: bool = False) -> str:
    """A score or difference with one decimal, or two where one would show nothing but zero."""
    digits = 2 if 0.005 <= abs(value) < 0.05 else 1
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    sign = MINUS if value < 0 else "+" if signed else ""
    return sign + text


def span(low: float, high: float, signed: bool = False) -> str:
    """An interval, such as ``4.1 to 6.5``."""
    return f"{points(low, signed)} to {points(high, signed)}"


def p_value(value: float) -> str:
    """A p-value with three decimals, ``< 0.001`` below that."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def count(number: int, noun: str) -> str:
    """A number with its noun: ``1 seed``, ``1,984 sentences``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def listing(items: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def share(fraction: float) -> str:
    """A fraction as per cent."""
    return f"{100 * fraction:.3g} %"


def parts_of(mixture: Mapping[str, float]) -> dict[str, float]:
    """The origins that a mixture holds any text of, the human first."""
    held = {origin: float(fraction) for origin, fraction in mixture.items() if fraction > 0}
    return dict(sorted(held.items(), key=lambda part: part[0] != HUMAN))


def training_text(mixture: Mapping[str, float]) -> str:
    """What a mixture of origins is, such as ``text written by strong``."""
    parts = parts_of(mixture)
    if list(parts) == [HUMAN]:
        return "human text"
    if len(set(parts.values())) == 1 and HUMAN not in parts:
        return f"text written by {listing(list(parts))}"
    named = [
        f"{share(fraction)} " + ("human text" if origin == HUMAN else f"text written by {origin}")
        for origin, fraction in parts.items()
    ]
    return listing(named)
