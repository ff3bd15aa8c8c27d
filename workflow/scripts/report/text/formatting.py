"""Numbers and lists in words, written alike in the answer, in the figures and on the page."""

from collections.abc import Sequence

from workbench.intervals import Interval

MINUS = "\N{MINUS SIGN}"
NOTHING = "–"


def limits(interval: Interval, signed: bool = False) -> str:
    """The limits of an interval, such as ``4.1 to 6.5``."""
    return span(interval.low, interval.high, signed)


def with_interval(found: Interval, unit: str, signed: bool = False) -> str:
    """Value and interval, such as ``5.3 BLEU (95 % interval 4.1 to 6.5)``."""
    return f"{points(found.value, signed)} {unit} (95 % interval {limits(found, signed)})"


def unclear(found: Interval, unit: str, compared: str = "") -> str:
    """In brackets, for a sentence that begins with "it is unclear": ``(+0.7 BLEU, 95 % interval −0.1 to +1.7)``."""
    return f"({signed_points(found.value)} {unit}{compared}, 95 % interval {limits(found, signed=True)})"


def points(value: float, signed: bool = False) -> str:
    """A score or difference with one decimal, or two where one would show nothing but zero."""
    return decimal(value, 2 if 0.005 <= abs(value) < 0.05 else 1, signed)


def signed_points(value: float) -> str:
    """The same with a sign before it."""
    return points(value, signed=True)


def decimal(value: float, digits: int, signed: bool = False) -> str:
    """A number with so many decimals and a proper minus sign; zero has no sign."""
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return (MINUS if value < 0 else "+" if signed else "") + text


def span(low: float, high: float, signed: bool = False) -> str:
    """An interval, such as ``4.1 to 6.5``."""
    return f"{points(low, signed)} to {points(high, signed)}"


def p_value(value: float) -> str:
    """A p-value with three decimals, ``< 0.001`` below that."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def thousands(number: float) -> str:
    """A whole number, such as ``1,984``."""
    return f"{number:,.0f}"


def count(number: int, noun: str) -> str:
    """A number with its noun: ``1 seed``, ``1,984 sentences``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def verb(subjects: int, singular: str, plural: str) -> str:
    """The form of a verb that goes with so many subjects."""
    return singular if subjects == 1 else plural


def listing(items: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def clauses(items: Sequence[str]) -> str:
    """Like :func:`listing`, for clauses that contain commas themselves: ``a; b; and c``."""
    return "; and ".join(filter(None, ["; ".join(items[:-1]), *items[-1:]]))


def capital(text: str) -> str:
    """``text`` with a capital first letter."""
    return text[:1].upper() + text[1:]
