"""Remedies as the report judges them: of which kind, whether told from nothing won, and beside which control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluate.relations import Contrast, Remedy
from report.judged import told_apart
from report.text.numbers import MINUS, parts_of
from workbench.generated import HUMAN

KINDS = {
    "quality": "Best first by a quality metric",
    "human_like": "Most human-like first",
    "reverse": "An order reversed",
    "several": "Several generators",
    "real": "Human text mixed in",
    "copies": "Each instance repeated",
    "schedule": "Another schedule of training",
    "other": "Another mixture",
}


@dataclass(frozen=True)
class Attempt:
    """A remedy at one size, with its control.

    Attributes:
        kind: a key of :data:`KINDS`.
        standing: 1 where it helps, -1 where it harms, 0 where the data cannot tell.
        control: the same order from its other end, as a remedy of the same condition; None where there is none.
        order_standing: whether the order beats (1) or loses to (-1) its own reverse; None without a reverse, or where
            both are the same runs.
    """

    remedy: Remedy
    kind: str
    standing: int
    control: Remedy | None
    order_standing: int | None


def remedy_kind(condition: Mapping[str, Any], remedied: Mapping[str, Any]) -> str:
    """What a condition does to remedy another, a key of :data:`KINDS`."""
    if condition.get("reverse") and not remedied.get("reverse"):
        return "reverse"
    order = condition.get("order", "random")
    if order != remedied.get("order", "random"):
        return "human_like" if order == "human_like" else "quality" if order.startswith("quality:") else "other"
    mixture, before = parts_of(condition["mixture"]), parts_of(remedied["mixture"])
    if mixture.get(HUMAN, 0) > before.get(HUMAN, 0):
        return "real"
    if len(set(mixture) - {HUMAN}) > len(set(before) - {HUMAN}):
        return "several"
    if condition.get("copies", 1) != remedied.get("copies", 1):
        return "copies"
    if condition.get("schedule", "cumulative") != remedied.get("schedule", "cumulative"):
        return "schedule"
    return "other"


def attempts(
    remedies: Sequence[Remedy],
    contrasts: Sequence[Contrast],
    conditions: Mapping[str, Mapping[str, Any]],
    metric: str,
    better: str,
) -> list[Attempt]:
    """The remedies in one metric, each with its control.

    A reversed condition is a control, not a remedy, where the same order from its right end is a remedy.

    Args:
        remedies, contrasts: the tables.
        conditions: each condition's settings, by name.
        metric: the metric to report.
        better: whether ``higher`` or ``lower`` scores of it are better, which is how contrasts are signed.
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
        side = None
        if reverse and reverse.p_value is not None:
            side = told_apart(reverse.difference_low, reverse.difference_high, reverse.p_holm)
        found.append(
            Attempt(
                remedy=row,
                kind=remedy_kind(conditions[row.condition], conditions[row.remedied]),
                standing=told_apart(row.won_low, row.won_high, against.p_holm if against else None),
                control=places.get((row.learner, row.size, reverse.against)) if reverse else None,
                order_standing=-side if side and better == "lower" else side,
            )
        )
    return found


def telling(found: Sequence[Attempt]) -> list[Attempt]:
    """Each remedied condition of each learner at the largest size where it is not the same runs as what it remedies.

    Orders of the whole pool share one run, so its size says nothing of them. A condition that is the same runs at
    every size stands at its largest.
    """
    best: dict[tuple[str, str], Attempt] = {}
    for a in sorted(found, key=lambda a: (a.remedy.verdict != "same", a.remedy.size)):
        best[a.remedy.learner, a.remedy.condition] = a
    return [a for a in found if best[a.remedy.learner, a.remedy.condition] is a]


def share_text(row: Remedy) -> str:
    """The share of the gap that a remedy closes, such as ``43 % (20 to 66 %)``; ``undefined`` where there is none."""
    if row.share is None:
        return "undefined"
    text = _per_cent(row.share)
    if row.share_low is None or row.share_high is None:
        return f"{text} %"
    return f"{text} % ({_per_cent(row.share_low)} to {_per_cent(row.share_high)} %)"


def _per_cent(share: float) -> str:
    value = f"{abs(100 * share):.0f}"
    return f"{MINUS}{value}" if share < 0 and value != "0" else value
