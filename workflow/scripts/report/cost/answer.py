"""The study's answer in a sentence: does training on machine-written text cost anything?

It is computed from the summary table. If the baseline's score is below the study's floor (of a metric whose higher
values are better), the learner has learnt too little to compare conditions, and the verdict is unclear. Otherwise the
verdict depends on the interval of the difference from the baseline, in points of the metric:

- within the margin on both sides: as good;
- outside it in part, and without zero: worse or better;
- anything else: unclear.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from evaluate.results import ConditionSummary, at_largest_size
from report.study import Condition
from report.text.findings import MANY, learner_prefix
from report.text.formatting import Interval, capital, count, known_interval_of, listing, points, verb
from report.text.names import is_synthetic, training_texts


class Verdict(Enum):
    """How a condition compares with the baseline."""

    WORSE = "worse"
    BETTER = "better"
    EQUAL = "as good"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Loss:
    """What a condition loses against the baseline, with its 95 % interval: positive if it is the worse one."""

    row: ConditionSummary
    baseline: ConditionSummary
    loss: Interval
    verdict: Verdict


def is_below_floor(baseline: ConditionSummary, floor: float) -> bool:
    """Whether the baseline has learnt too little to be compared with; ``floor`` is in points of the metric."""
    return baseline.better == "higher" and baseline.score < floor


def below_floor(
    rows: Sequence[ConditionSummary],
    conditions: Mapping[str, Condition],
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
    text = training_texts(conditions)[baseline]
    return {
        (row.learner, row.size): _too_little(row, text, floor)
        for row in rows
        if row.metric == metric and row.condition == baseline and is_below_floor(row, floor)
    }


def _too_little(baseline: ConditionSummary, text: str, floor: float) -> str:
    """Why nothing is compared with the baseline, which was trained on ``text``."""
    return (
        f"the learner has learnt too little, since it scores only {points(baseline.score)} {baseline.name} after "
        f"training on {text}, and conditions are compared only from {floor:g} {baseline.name} upwards"
    )


def loss_of(row: ConditionSummary, baseline: ConditionSummary, margin: float, floor: float) -> Loss:
    """Judge a condition's difference from the baseline; ``margin`` and ``floor`` are in points of the metric.

    Raises:
        ValueError: the row has no difference.
    """
    difference = known_interval_of(row, "difference")
    loss = difference if row.better == "lower" else -difference
    if is_below_floor(baseline, floor):
        verdict = Verdict.UNCLEAR
    elif -margin < loss.low and loss.high < margin:
        verdict = Verdict.EQUAL
    elif loss.low > 0:
        verdict = Verdict.WORSE
    elif loss.high < 0:
        verdict = Verdict.BETTER
    else:
        verdict = Verdict.UNCLEAR
    return Loss(row, baseline, loss, verdict)


def losses(rows: Sequence[ConditionSummary], margin: float, floor: float) -> list[Loss]:
    """The loss of every row that has a difference from its baseline at the same learner, size and metric."""
    places = {(row.learner, row.condition, row.size, row.metric): row for row in rows}
    return [
        loss_of(row, places[row.learner, row.baseline, row.size, row.metric], margin, floor)
        for row in rows
        if row.baseline
    ]


def answer(
    rows: Sequence[ConditionSummary], conditions: Mapping[str, Condition], metric: str, margin: float, floor: float
) -> str:
    """The answer: one sentence for each learner, about the largest size, and about machine text without a remedy.

    Args:
        rows: the summary table.
        conditions: each condition's settings, by name.
        metric: the metric that the answer is given in.
        margin: difference, in points, within which two conditions count as equally good.
        floor: the baseline's score, in points, below which conditions are not compared.
    """
    largest = at_largest_size(rows, metric)
    learners = list(dict.fromkeys(row.learner for row in largest))
    sentences = []
    for learner in learners:
        own = [row for row in largest if row.learner == learner]
        start = f"{learner_prefix(learner, learners)}at {count(own[0].size, 'instance')}"
        sentences.append(capital(f"{start}, {_finding(own, conditions, margin, floor)}."))
    return " ".join(sentences)


def _finding(rows: Sequence[ConditionSummary], conditions: Mapping[str, Condition], margin: float, floor: float) -> str:
    texts = training_texts(conditions)
    if len(rows) == 1:
        (row,) = rows
        score = known_interval_of(row, "score").text(row.name)
        return f"training on {texts[row.condition]} gives {score}; no other condition was run to compare it with"
    found = losses(rows, margin, floor)
    synthetic = [loss for loss in found if is_synthetic(conditions[loss.row.condition])]
    unremedied = [loss for loss in synthetic if not conditions[loss.row.condition].get("remedies")]
    about = unremedied or synthetic or found
    baseline = about[0].baseline
    instead = f"instead of {texts[baseline.condition]}"
    kind = "machine-written text only" if synthetic else "mixed text"
    if is_below_floor(baseline, floor):
        subject = texts[about[0].row.condition] if len(about) == 1 else kind
        reason = _too_little(baseline, texts[baseline.condition], floor)
        return f"the cost of training on {subject} {instead} cannot be determined: {reason}"
    if len(about) > MANY:
        return _overview(about, texts, f"{kind} {instead}", margin)
    trained = [f"training on {texts[loss.row.condition]}" for loss in about]
    trained[0] += f" {instead}"
    return "; ".join(_clause(text, loss, margin) for text, loss in zip(trained, about, strict=True))


def _overview(about: Sequence[Loss], texts: Mapping[str, str], training: str, margin: float) -> str:
    """Many conditions: how many are worse, better and so on, then the two with the largest and the smallest loss."""
    numbers = Counter(loss.verdict for loss in about)
    verdicts = listing(
        [
            f"{numbers[verdict]} {verb(numbers[verdict], 'is', 'are')} {verdict.value}"
            for verdict in Verdict
            if numbers[verdict]
        ]
    )
    worst, best = (choose(about, key=lambda loss: loss.loss.value) for choose in (max, min))
    return (
        f"of {len(about)} conditions trained on {training}, {verdicts}: at one extreme, "
        f"{_clause(texts[worst.row.condition], worst, margin)}; "
        f"at the other, {_clause(texts[best.row.condition], best, margin)}"
    )


def _clause(subject: str, loss: Loss, margin: float) -> str:
    """What training on the text that ``subject`` names costs."""
    name = loss.row.name
    scores = f"{points(loss.row.score)} instead of {points(loss.baseline.score)}"
    if loss.verdict is Verdict.WORSE:
        return f"{subject} costs {loss.loss.text(name)}: {scores}"
    if loss.verdict is Verdict.BETTER:
        return f"{subject} gains {(-loss.loss).text(name)}: {scores}"
    difference = known_interval_of(loss.row, "difference")
    if loss.verdict is Verdict.EQUAL:
        distance = difference.text(name, signed=True)
        return f"{subject} is as good: the difference of {distance} is within ±{margin:g} {name}"
    return f"it is unclear whether {subject} costs or gains anything {difference.unclear(name)}"
