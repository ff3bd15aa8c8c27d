"""The study's answer in a sentence: does training on machine-written text cost anything?

It is computed from the summary table. If the baseline's score is below the study's floor (of a metric whose higher
values are better), the learner has learnt too little to compare conditions, and the verdict is unclear. Otherwise the
verdict depends on the interval of the difference from the baseline, in points of the metric:

- within the margin on both sides: as good;
- outside it in part, and without zero: worse or better;
- anything else: unclear.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from evaluate.results import ConditionSummary, at_largest_size
from planning.conditions import Condition
from report.rows import grouped
from report.study import Results
from report.text.findings import MANY, learner_prefix
from report.text.formatting import capital, count, listing, points, unclear, verb, with_interval
from report.text.names import is_synthetic, training_texts
from workbench.intervals import Interval


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
    return baseline.better == "higher" and baseline.score.value < floor


def below_floor(
    rows: Sequence[ConditionSummary], conditions: Mapping[str, Condition], baseline: str, metric: str, floor: float
) -> dict[tuple[str, int], str]:
    """The ``low`` of :class:`report.study.Results`: why nothing is compared, as a clause, by learner and size.

    ``floor`` is the baseline's score, in points, below which conditions are not compared.
    """
    text = training_texts(conditions)[baseline]
    return {
        (row.learner, row.size): (
            f"the learner has learnt too little, since it scores only {points(row.score.value)} {row.name} after "
            f"training on {text}, and conditions are compared only from {floor:g} {row.name} upwards"
        )
        for row in rows
        if row.metric == metric and row.condition == baseline and is_below_floor(row, floor)
    }


def loss_of(row: ConditionSummary, baseline: ConditionSummary, margin: float, is_low: bool) -> Loss:
    """Judge a condition's difference from the baseline.

    Args:
        margin: in points of the metric.
        is_low: whether the baseline is below the floor.

    Raises:
        ValueError: the row has no difference.
    """
    difference = row.difference
    if difference is None:
        raise ValueError(f"no difference from the baseline: {row}")
    loss = difference if row.better == "lower" else -difference
    if is_low:
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


def losses(results: Results) -> list[Loss]:
    """What each condition loses in the metric of the answer, at each learner's largest size."""
    rows = at_largest_size(results.rows, results.metric.metric)
    places = {(row.learner, row.condition): row for row in rows}
    return [
        loss_of(row, places[row.learner, row.baseline], results.margin, (row.learner, row.size) in results.low)
        for row in rows
        if row.baseline
    ]


def answer(results: Results) -> str:
    """The answer: one sentence for each learner, about the largest size, and about machine text without a remedy."""
    learners = grouped(at_largest_size(results.rows, results.metric.metric), lambda row: row.learner)
    judged = losses(results)
    sentences = []
    for learner, own in learners.items():
        start = f"{learner_prefix(learner, learners)}at {count(own[0].size, 'instance')}"
        found = [loss for loss in judged if loss.row.learner == learner]
        sentences.append(capital(f"{start}, {_finding(own, found, results)}."))
    return " ".join(sentences)


def _finding(rows: Sequence[ConditionSummary], found: Sequence[Loss], results: Results) -> str:
    """What was found about one learner, from its rows and losses at its largest size."""
    conditions, margin = results.conditions, results.margin
    texts = training_texts(conditions)
    if len(rows) == 1:
        (row,) = rows
        score = with_interval(row.score, row.name)
        return f"training on {texts[row.condition]} gives {score}; no other condition was run to compare it with"
    synthetic = [loss for loss in found if is_synthetic(conditions[loss.row.condition])]
    unremedied = [loss for loss in synthetic if not conditions[loss.row.condition].remedies]
    about = unremedied or synthetic or found
    baseline = about[0].baseline
    instead = f"instead of {texts[baseline.condition]}"
    kind = "machine-written text only" if synthetic else "mixed text"
    if reason := results.low.get((baseline.learner, baseline.size)):
        subject = texts[about[0].row.condition] if len(about) == 1 else kind
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
    scores = f"{points(loss.row.score.value)} instead of {points(loss.baseline.score.value)}"
    if loss.verdict is Verdict.WORSE:
        return f"{subject} costs {with_interval(loss.loss, name)}: {scores}"
    if loss.verdict is Verdict.BETTER:
        return f"{subject} gains {with_interval(-loss.loss, name)}: {scores}"
    difference = loss.loss if loss.row.better == "lower" else -loss.loss
    if loss.verdict is Verdict.EQUAL:
        distance = with_interval(difference, name, signed=True)
        return f"{subject} is as good: the difference of {distance} is within ±{margin:g} {name}"
    return f"it is unclear whether {subject} costs or gains anything {unclear(difference, name)}"
