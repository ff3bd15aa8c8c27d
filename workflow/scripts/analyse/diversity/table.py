"""The tables of lexical diversity: of one text as it is measured, and of all texts of a scope."""

from __future__ import annotations

from collections.abc import Sequence

from stats.holm import holm
from workbench.tables import p_text

# seeds: versions of the text; tokens: words of each text compared; chrf: against the human text, in points.
MEASURED_COLUMNS = (
    "seeds",
    "measure",
    "tokens",
    "value",
    "human",
    "difference",
    "difference_low",
    "difference_high",
    "p_value",
    "better",
    "chrf",
)
COLUMNS = ("scope", "text", "learner", "size", *MEASURED_COLUMNS[:9], "p_holm", *MEASURED_COLUMNS[9:])
_P_VALUE = MEASURED_COLUMNS.index("p_value")


def with_holm(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The measured rows of one text with ``p_holm`` after ``p_value``: the text's measures are the family."""
    places = [place for place, row in enumerate(rows) if row[_P_VALUE]]
    adjusted = dict(zip(places, holm([float(rows[place][_P_VALUE]) for place in places]), strict=True))
    return [(*row[: _P_VALUE + 1], p_text(adjusted.get(place)), *row[_P_VALUE + 1 :]) for place, row in enumerate(rows)]
