"""Remedies and their judgement: the kind of each, whether it helps significantly, and its control. No sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

from evaluate.results import Contrast, Remedy
from planning.conditions import HUMAN_LIKE, Condition, quality_of
from report.rows import significant_sign
from report.text.formatting import decimal
from workbench.generated import HUMAN

KINDS = {
    "quality": "Best first by a quality metric",
    HUMAN_LIKE: "Most human-like first",
    "reverse": "A reversed ordering",
    "several": "Several generators",
    "real": "Human text mixed in",
    "copies": "Each instance repeated",
    "schedule": "Another training schedule",
    "other": "Another mixture",
}


@dataclass(frozen=True)
class JudgedRemedy:
    """A remedy at one size, with its control."""

    row: Remedy
    kind: str  # a key of :data:`KINDS`
    sign: int  # 1 if it helps, -1 if it harms, 0 if neither is significant
    control: Remedy | None  # the reversed ordering, as a remedy of the same condition; None if there is none
    # Whether the ordering beats (1) or loses to (-1) its reverse; None without a reverse, or if both are the same runs
    ordering_sign: int | None

    @property
    def is_same_runs(self) -> bool:
        """Whether the remedy has the same runs as the condition that it remedies."""
        return self.row.verdict == "same"


def remedy_kind(condition: Condition, remedied: Condition) -> str:
    """What a condition does to remedy another, a key of :data:`KINDS`."""
    if condition.reverse and not remedied.reverse:
        return "reverse"
    if condition.order != remedied.order:
        return HUMAN_LIKE if condition.order == HUMAN_LIKE else "quality" if quality_of(condition.order) else "other"
    if condition.mixture.get(HUMAN, 0) > remedied.mixture.get(HUMAN, 0):
        return "real"
    if len(set(condition.origins) - {HUMAN}) > len(set(remedied.origins) - {HUMAN}):
        return "several"
    if condition.copies != remedied.copies:
        return "copies"
    if condition.schedule != remedied.schedule:
        return "schedule"
    return "other"


def judged_remedies(
    remedies: Sequence[Remedy],
    contrasts: Sequence[Contrast],
    conditions: Mapping[str, Condition],
    metric: str,
    better: str,
) -> list[JudgedRemedy]:
    """The remedies in one metric, each with its control.

    A reversed condition is a control, not a remedy, if the same ordering from its right end is a remedy.

    Args:
        remedies, contrasts: the tables.
        conditions: each condition's settings, by name.
        metric: the metric to report.
        better: whether ``higher`` or ``lower`` scores of it are better, which gives contrasts their sign.
    """
    tested = {
        (row.learner, row.size, row.kind, row.condition): row
        for row in contrasts
        if row.metric == metric and row.kind in ("remedied", "reverse")
    }
    own = [row for row in remedies if row.metric == metric]
    shown = {row.condition for row in own}
    controls = {row.against for row in contrasts if row.kind == "reverse" and row.condition in shown}
    places = {(row.learner, row.size, row.condition): row for row in own}
    found = []
    for row in own:
        if row.condition in controls:
            continue
        against = tested.get((row.learner, row.size, "remedied", row.condition))
        reverse = tested.get((row.learner, row.size, "reverse", row.condition))
        ordering = None
        if reverse and reverse.p_value is not None:
            ordering = significant_sign(reverse.difference, reverse.p_holm)
            ordering = -ordering if better == "lower" else ordering
        found.append(
            JudgedRemedy(
                row=row,
                kind=remedy_kind(conditions[row.condition], conditions[row.remedied]),
                sign=significant_sign(row.won, against.p_holm if against else None),
                control=places.get((row.learner, row.size, reverse.against)) if reverse else None,
                ordering_sign=ordering,
            )
        )
    return found


def most_informative(found: Sequence[JudgedRemedy]) -> list[JudgedRemedy]:
    """Each remedy of each learner at the largest size at which its runs differ from those of the remedied condition.

    An ordering of the whole pool selects nothing and shares its run with every other ordering. A remedy that has the
    same runs at every size is taken at its largest.
    """
    best: dict[tuple[str, str], JudgedRemedy] = {}
    for remedy in sorted(found, key=lambda remedy: (not remedy.is_same_runs, remedy.row.size)):
        best[remedy.row.learner, remedy.row.condition] = remedy
    return [remedy for remedy in found if best[remedy.row.learner, remedy.row.condition] is remedy]


def share_text(row: Remedy) -> str:
    """The share of the gap that a remedy closes, such as ``43 % (20 to 66 %)``; ``undefined`` without a gap."""
    if row.share is None:
        return "undefined"
    share, low, high = (decimal(100 * value, 0) for value in astuple(row.share))
    return f"{share} % ({low} to {high} %)"
