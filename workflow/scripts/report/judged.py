"""What may be said of a row of the tables: which side of zero a difference is on, if any; no words.

Figures and sentences share it, so that they never differ, and a change of wording draws no figure anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from report.analysis_tables import AgreementRow, DiversityRow, ErrorRow, largest
from report.text.measures import SCORES
from workbench.generated import HUMAN

ALPHA = 0.05


def told_apart(low: float | None, high: float | None, p_holm: float | None) -> int:
    """Whether a difference is above (1) or below (-1) zero, or not told from it (0).

    It takes both: an interval without zero, and a p-value below 0.05 after Holm's correction for the family.
    """
    if low is None or high is None or p_holm is None or p_holm >= ALPHA:
        return 0
    return 1 if low > 0 else -1 if high < 0 else 0


def error_standing(row: ErrorRow) -> int:
    """Whether a rate is above (1) or below (-1) the human floor, or not told from it (0)."""
    return told_apart(row.difference_low, row.difference_high, row.p_holm)


def shown_errors(rows: Sequence[ErrorRow]) -> list[ErrorRow]:
    """The errors at each learner's largest size: without scores in points, and without the pool's human text."""
    rows = [row for row in rows if row.measure not in SCORES and (row.scope == "test" or row.text != HUMAN)]
    return largest(rows)


def diversity_standing(row: DiversityRow) -> int:
    """Whether a text is more (1) or less (-1) diverse than human text by a measure, or not told from it (0)."""
    side = told_apart(row.difference_low, row.difference_high, row.p_holm)
    return -side if row.better == "lower" else side


def shown_diversity(rows: Sequence[DiversityRow]) -> list[DiversityRow]:
    """The rows at each learner's largest size, without the pool's human text."""
    return largest([row for row in rows if row.scope == "test" or row.text != HUMAN])


def per_cent(row: DiversityRow) -> tuple[float, float, float] | None:
    """Difference from human text in per cent with its interval, positive for more diverse; None without one."""
    if row.difference is None or row.difference_low is None or row.difference_high is None or not row.human:
        return None
    scale = 100 / abs(row.human)
    value, low, high = row.difference * scale, row.difference_low * scale, row.difference_high * scale
    return (-value, -high, -low) if row.better == "lower" else (value, low, high)


def agreement_standing(row: AgreementRow) -> int:
    """Whether a metric agrees with the oracle (1), ranks the other way round (-1), or is not told to do either (0)."""
    if row.spearman_low is None or row.spearman_high is None:
        return 0
    return 1 if row.spearman_low > 0 else -1 if row.spearman_high < 0 else 0
