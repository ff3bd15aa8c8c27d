"""The study's answer in a sentence: does training on machine-written text cost anything?

It is computed from the summary table. Where the baseline's score is below the floor (of a metric where higher is
better) the learner has learnt too little to compare conditions: the data cannot tell. Else what is said depends on the
interval of the difference from the baseline, in points of the metric:

- inside the margin on both sides: as good;
- else without zero in it: it costs, or gains, so much;
- else: the data cannot tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from evaluate.summary import ConditionSummary, at_largest_size
from report.text.numbers import count, listing, parts_of, points, span, training_text
from workbench.generated import HUMAN

_SPELT_OUT = 3


class Verdict(Enum):
    """How a condition stands to the baseline."""

    WORSE = "worse"
    BETTER = "better"
    EQUAL = "as good"
    UNCLEAR = "cannot tell"


@dataclass(frozen=True)
class Contrast:
    """A condition beside the baseline.

    ``loss`` and its 95 % interval, ``low`` to ``high``, are positive where it is the worse one.
    """

    row: ConditionSummary
    baseline: ConditionSummary
    loss: float
    low: float
    high: float
    verdict: Verdict


def too_low(baseline: ConditionSummary, floor: float) -> bool:
    """Whether the baseline has learnt too little to be compared with; ``floor`` is in points of the metric."""
    return baseline.better == "higher" and baseline.score < floor


def hardly_learnt(
    rows: Sequence[ConditionSummary],
    conditions: Mapping[str, Mapping[str, Any]],
    baseline: str,
    metric: str,
    floor: float,
) -> dict[tuple[str, int], str]:
    """Why nothing is compared, as a clause, for each learner and size whose baseline has learnt too little.

    Args:
        rows: the summary table.
        conditions: each condition's settings, by name.
        baseline: condition trained on human text.
        metric: the metric of the answer.
        floor: the baseline's score, in points, below which conditions are not compared.
    """
    text = subjects(conditions)[baseline]
    return {
        (row.learner, row.size): _too_little(row, text, floor)
        for row in rows
        if row.metric == metric and row.condition == baseline and too_low(row, floor)
    }


def _too_little(baseline: ConditionSummary, text: str, floor: float) -> str:
    """Why nothing is compared with the baseline, which was trained on ``text``."""
    return (
        f"the learner has hardly learnt, trained on {text} it reaches only {points(baseline.score)} {baseline.name}, "
        f"and conditions are compared from {floor:g} {baseline.name} on"
    )


def contrast(row: ConditionSummary, baseline: ConditionSummary, margin: float, floor: float) -> Contrast:
    """Judge a condition's difference from the baseline; ``margin`` and ``floor`` are in points of the metric."""
    if row.difference is None or row.difference_low is None or row.difference_high is None:
        raise ValueError(f"no difference from the baseline: {row}")
    if row.better == "lower":
        loss, low, high = row.difference, row.difference_low, row.difference_high
    else:
        loss, low, high = -row.difference, -row.difference_high, -row.difference_low
    if too_low(baseline, floor):
        verdict = Verdict.UNCLEAR
    elif -margin < low and high < margin:
        verdict = Verdict.EQUAL
    elif low > 0:
        verdict = Verdict.WORSE
    elif high < 0:
        verdict = Verdict.BETTER
    else:
        verdict = Verdict.UNCLEAR
    return Contrast(row, baseline, loss, low, high, verdict)


def contrasts(rows: Sequence[ConditionSummary], margin: float, floor: float) -> list[Contrast]:
    """Every row that has a difference, beside its baseline at the same learner, size and metric."""
    places = {(row.learner, row.condition, row.size, row.metric): row for row in rows}
    return [
        contrast(row, places[row.learner, row.baseline, row.size, row.metric], margin, floor)
        for row in rows
        if row.baseline
    ]


def subjects(conditions: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What each condition trains on, in words; with its name where two would read alike.

    A condition that remedies another gives the plain words to the one that remedies none.
    """
    texts = {name: training_text(condition["mixture"]) for name, condition in conditions.items()}
    alike = Counter(texts.values())
    plain = Counter(text for name, text in texts.items() if not conditions[name].get("remedies"))
    return {
        name: text
        if alike[text] == 1 or (plain[text] == 1 and not conditions[name].get("remedies"))
        else f"{text} (condition {name})"
        for name, text in texts.items()
    }


def answer(
    rows: Sequence[ConditionSummary],
    conditions: Mapping[str, Mapping[str, Any]],
    metric: str,
    margin: float,
    floor: float,
) -> str:
    """The answer: one sentence a learner, about the largest size, and about machine text without a remedy.

    Args:
        rows: the summary table.
        conditions: each condition's ``mixture`` (fraction by origin) and the one that it ``remedies``, by name.
        metric: the metric that the answer is given in.
        margin: difference, in points, within which two conditions count as equally good.
        floor: the baseline's score, in points, below which conditions are not compared.
    """
    largest = at_largest_size(rows, metric)
    learners = list(dict.fromkeys(row.learner for row in largest))
    texts = subjects(conditions)
    sentences = []
    for learner in learners:
        own = [row for row in largest if row.learner == learner]
        start = f"With learner {learner}, at" if len(learners) > 1 else "At"
        start += f" {count(own[0].size, 'instance')}"
        sentences.append(f"{start}, {_finding(own, conditions, texts, margin, floor)}.")
    return " ".join(sentences)


def _finding(
    rows: list[ConditionSummary],
    conditions: Mapping[str, Mapping[str, Any]],
    texts: Mapping[str, str],
    margin: float,
    floor: float,
) -> str:
    if len(rows) == 1:
        return f"training on {_scored(rows[0], texts)}; no other condition was run to compare it with"
    found = contrasts(rows, margin, floor)
    synthetic = [c for c in found if HUMAN not in parts_of(conditions[c.row.condition]["mixture"])]
    unremedied = [c for c in synthetic if not conditions[c.row.condition].get("remedies")]
    about = unremedied or synthetic or found
    baseline = about[0].baseline
    instead = f"instead of {texts[baseline.condition]}"
    kind = "machine-written text only" if synthetic else "mixed text"
    if too_low(baseline, floor):
        subject = texts[about[0].row.condition] if len(about) == 1 else kind
        return (
            f"what training on {subject} {instead} costs, the data cannot tell: "
            f"{_too_little(baseline, texts[baseline.condition], floor)}"
        )
    if len(about) <= _SPELT_OUT:
        trained = [f"training on {texts[c.row.condition]}" for c in about]
        trained[0] += f" {instead}"
        return "; ".join(f"{text} {_clause(c, margin)}" for text, c in zip(trained, about, strict=True))
    return _overview(about, texts, instead, margin, kind)


def _overview(about: list[Contrast], texts: Mapping[str, str], instead: str, margin: float, kind: str) -> str:
    """Many conditions: how many are worse, better and so on, then the dearest and the cheapest."""
    numbers = Counter(c.verdict for c in about)
    said = {
        Verdict.WORSE: "worse in {}",
        Verdict.BETTER: "better in {}",
        Verdict.EQUAL: "as good in {}",
        Verdict.UNCLEAR: "not told apart by the data in {}",
    }
    verdicts = listing([text.format(numbers[verdict]) for verdict, text in said.items() if numbers[verdict]])
    dearest, cheapest = max(about, key=lambda c: c.loss), min(about, key=lambda c: c.loss)
    return (
        f"training on {kind} {instead} is {verdicts} of {len(about)} conditions: "
        f"at one end, {texts[dearest.row.condition]} {_clause(dearest, margin)}; "
        f"at the other, {texts[cheapest.row.condition]} {_clause(cheapest, margin)}"
    )


def _clause(c: Contrast, margin: float) -> str:
    """The rest of a sentence that begins with what was trained on."""
    name = c.row.name
    scores = f"{points(c.row.score)} instead of {points(c.baseline.score)}"
    if c.verdict is Verdict.WORSE:
        return f"costs {points(c.loss)} {name} (95 % interval {span(c.low, c.high)}): {scores}"
    if c.verdict is Verdict.BETTER:
        return f"gains {points(-c.loss)} {name} (95 % interval {span(-c.high, -c.low)}): {scores}"
    difference = (
        f"{points(c.row.difference, signed=True)} {name} "
        f"(95 % interval {span(c.row.difference_low, c.row.difference_high, signed=True)})"
    )
    if c.verdict is Verdict.EQUAL:
        return f"is as good: the difference of {difference} is within ±{margin:g} {name}"
    return f"may cost or gain, the data cannot tell: the difference is {difference}"


def _scored(row: ConditionSummary, texts: Mapping[str, str]) -> str:
    return (
        f"{texts[row.condition]} gives {points(row.score)} {row.name} "
        f"(95 % interval {span(row.score_low, row.score_high)})"
    )
