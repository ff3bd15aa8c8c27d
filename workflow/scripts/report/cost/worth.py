"""What machine text is worth in human pairs, and what it costs over all sizes, in sentences.

That it costs or gains over all sizes is said where the interval leaves out zero and the p-value, after Holm's
correction for the conditions told of, is below 0.05.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evaluate.relations import Curve, Exchange
from report.judged import told_apart
from report.text.findings import MANY, Said
from report.text.numbers import count, parts_of, points, span
from stats.holm import holm
from workbench.generated import HUMAN


def plain_synthetic(conditions: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The conditions of machine text only that remedy no other."""
    return [
        name
        for name, condition in conditions.items()
        if HUMAN not in parts_of(condition["mixture"]) and not condition.get("remedies")
    ]


def worth_said(
    exchange: Sequence[Exchange],
    curves: Sequence[Curve],
    conditions: Mapping[str, Mapping[str, Any]],
    texts: Mapping[str, str],
    metric: str,
    name: str,
    low: Mapping[tuple[str, int], str],
) -> Said:
    """The exchange rate at the largest size, and the mean difference over the sizes: a sentence each a condition.

    Args:
        conditions: each condition's settings, by name; those of machine text without a remedy are told of.
        texts: what each condition trains on, in words.
        metric, name: the metric's key, and its name in words.
        low: why nothing is compared, for each learner and size whose baseline is below the floor.
    """
    about = plain_synthetic(conditions)
    rates = [row for row in exchange if row.metric == metric and row.condition in about]
    largest = {row.learner: max(r.size for r in rates if r.learner == row.learner) for row in rates}
    rates = [row for row in rates if row.size == largest[row.learner]]
    several = len({row.learner for row in rates}) > 1
    sentences = [f"{_worth(row, texts, name, low)}{_of(row.learner, several)}." for row in rates]
    areas = [row for row in curves if row.metric == metric and row.condition in about]
    several = len({row.learner for row in areas}) > 1
    p_values = holm([row.p_value for row in areas])
    sentences += [
        f"{_area(row, p, texts, name, low)}{_of(row.learner, several)}." for row, p in zip(areas, p_values, strict=True)
    ]
    short = "; ".join(_worth(row, texts, name, low) for row in rates) if len(rates) <= MANY else ""
    return Said(short, sentences)


def _of(learner: str, several: bool) -> str:
    return f" (learner {learner})" if several else ""


def pairs_text(value: str) -> str:
    """A number of human pairs in words: ``about 2,100``, ``fewer than 3,200``, ``more than 6,400``."""
    if value[:1] in "<>":
        return f"{'fewer' if value[0] == '<' else 'more'} than {_thousands(value[1:])}"
    return f"about {_thousands(value)}"


def _thousands(value: str) -> str:
    return f"{round(float(value)):,}"


def _bound(value: str) -> str:
    return pairs_text(value).removeprefix("about ")


def _worth(row: Exchange, texts: Mapping[str, str], name: str, low: Mapping[tuple[str, int], str]) -> str:
    subject = f"{count(row.size, 'instance')} of {texts[row.condition]}"
    reason = low.get((row.learner, row.size), "")
    if reason or not row.human_pairs:
        note = reason or row.note
        return f"How many human pairs {subject} are worth cannot be told{f': {note}' if note else ''}"
    text = f"{subject} are worth {pairs_text(row.human_pairs)} human pairs"
    lower, upper = row.human_pairs_low, row.human_pairs_high
    if lower and upper and not (lower == upper == row.human_pairs):
        text += f" (95 % interval {_bound(lower)} to {_bound(upper)})"
    limit = {"<": ", the smallest size run", ">": ", the largest size run"}.get(row.human_pairs[0], "")
    return f"{text}{limit}: with both, the score is {points(row.score)} {name}" if not limit else text + limit


def _area(row: Curve, p_holm: float, texts: Mapping[str, str], name: str, low: Mapping[tuple[str, int], str]) -> str:
    """The mean over the sizes; nothing is said of it where the baseline is below the floor at any of them."""
    sizes = f"Averaged over the sizes {row.smallest:,} to {row.largest:,}"
    below = [size for learner, size in low if learner == row.learner and row.smallest <= size <= row.largest]
    if below:
        reason = f"at {count(max(below), 'instance')}, {low[row.learner, max(below)]}"
        return f"{sizes}, what training on {texts[row.condition]} costs, the data cannot tell: {reason}"
    start = f"{sizes}, training on {texts[row.condition]}"
    side = told_apart(row.area_low, row.area_high, p_holm)
    if side < 0:
        return f"{start} costs {points(-row.area)} {name} (95 % interval {span(-row.area_high, -row.area_low)})"
    if side > 0:
        return f"{start} gains {points(row.area)} {name} (95 % interval {span(row.area_low, row.area_high)})"
    interval = span(row.area_low, row.area_high, signed=True)
    return (
        f"{start} may cost or gain, the data cannot tell: {points(row.area, signed=True)} {name} "
        f"(95 % interval {interval})"
    )
