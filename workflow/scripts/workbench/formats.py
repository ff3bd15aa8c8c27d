"""How numbers are written into tables.

With enough digits for any use, and few enough to be the same on every machine.
"""

from __future__ import annotations


def score_text(value: float | None) -> str:
    """A score or a difference of scores with four decimals; nothing for ``None``."""
    return "" if value is None else f"{value:.4f}".replace("-0.0000", "0.0000")


def p_text(value: float | None) -> str:
    """A p-value with six decimals; nothing for ``None``."""
    return "" if value is None else f"{value:.6f}"
