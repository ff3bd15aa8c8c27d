"""What machine text is worth in human pairs, and what it costs over all sizes, in sentences.

Machine text costs or gains something over all sizes if the mean difference is significant, with Holm's correction for
the conditions that the sentences are about.
"""

from collections.abc import Mapping, Sequence

from evaluate.results import CurveArea, ExchangeRate
from report.rows import significant_sign
from report.study import Results
from report.text.formatting import count, points, thousands, unclear, with_interval
from report.text.names import is_synthetic, training_texts
from stats.holm import holm


def worth_sentences(exchange: Sequence[ExchangeRate], curves: Sequence[CurveArea], results: Results) -> list[str]:
    """The exchange rate at the largest size, and the mean difference over the sizes.

    There is a sentence of each for every condition of machine text without a remedy.
    """
    texts = {
        condition: text
        for condition, text in training_texts(results.conditions).items()
        if is_synthetic(results.conditions[condition]) and not results.conditions[condition].remedies
    }
    metric, name, low = results.metric.metric, results.metric.name, results.low
    rates = [row for row in exchange if row.metric == metric and row.condition in texts]
    largest = {row.learner: max(r.size for r in rates if r.learner == row.learner) for row in rates}
    rates = [row for row in rates if row.size == largest[row.learner]]
    areas = [row for row in curves if row.metric == metric and row.condition in texts]
    worth = [_worth(row, texts[row.condition], name, low) for row in rates]
    p_values = holm([row.p_value for row in areas])
    mean = [_area(row, p, texts[row.condition], name, low) for row, p in zip(areas, p_values, strict=True)]
    return _sentences(rates, worth) + _sentences(areas, mean)


def _sentences(rows: Sequence[ExchangeRate] | Sequence[CurveArea], clauses: Sequence[str]) -> list[str]:
    """The clauses as sentences, which name the learner if there are several."""
    several = len({row.learner for row in rows}) > 1
    learners = [f" (learner {row.learner})" if several else "" for row in rows]
    return [f"{clause}{learner}." for clause, learner in zip(clauses, learners, strict=True)]


def pairs_text(value: str) -> str:
    """A number of human pairs in words: ``about 2,100``, ``fewer than 3,200``, ``more than 6,400``."""
    if value[:1] in "<>":
        return f"{'fewer' if value[0] == '<' else 'more'} than {thousands(float(value[1:]))}"
    return f"about {thousands(float(value))}"


def pairs_interval(row: ExchangeRate) -> str:
    """The interval of a number of human pairs, such as ``1,500 to more than 6,400``; nothing if it adds nothing."""
    if not (row.human_pairs_low and row.human_pairs_high):
        return ""
    if row.human_pairs_low == row.human_pairs_high == row.human_pairs:
        return ""
    bounds = (pairs_text(bound).removeprefix("about ") for bound in (row.human_pairs_low, row.human_pairs_high))
    return " to ".join(bounds)


def _worth(row: ExchangeRate, text: str, name: str, low: Mapping[tuple[str, int], str]) -> str:
    subject = f"{count(row.size, 'instance')} of {text}"
    reason = low.get((row.learner, row.size), "")
    if reason or not row.human_pairs:
        reason = reason or row.note
        return f"It cannot be determined how many human pairs {subject} are worth{f': {reason}' if reason else ''}"
    worth = f"{subject} are worth {pairs_text(row.human_pairs)} human pairs"
    interval = pairs_interval(row)
    if interval:
        worth += f" (95 % interval {interval})"
    limit = {"<": ", the smallest size in the study", ">": ", the largest size in the study"}.get(row.human_pairs[0])
    return worth + (limit or f": both score {points(row.score)} {name}")


def _area(row: CurveArea, p_holm: float, text: str, name: str, low: Mapping[tuple[str, int], str]) -> str:
    """The mean over the sizes; it is left open if the baseline is below the floor at any of them."""
    start = f"Averaged over the sizes from {row.smallest:,} to {row.largest:,}"
    below = [size for learner, size in low if learner == row.learner and row.smallest <= size <= row.largest]
    if below:
        reason = f"at {count(max(below), 'instance')}, {low[row.learner, max(below)]}"
        return f"{start}, the cost of training on {text} cannot be determined: {reason}"
    sign = significant_sign(row.area, p_holm)
    if sign < 0:
        return f"{start}, training on {text} costs {with_interval(-row.area, name)}"
    if sign > 0:
        return f"{start}, training on {text} gains {with_interval(row.area, name)}"
    return f"{start}, it is unclear whether training on {text} costs or gains anything {unclear(row.area, name)}"
