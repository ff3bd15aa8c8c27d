"""Whose text an LLM was fine-tuned on: people's, its own, that of a stronger or of a weaker model.

Stronger and weaker are measured: by the first metric of a generator's text against the human targets of the pool,
beside what the learner's own base model writes for the same sources.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluate.summary import ConditionSummary
from planning.runs import LLM_KINDS, Runs, own_generator
from report.topics import Cell, Table, Topic
from report.words import listing, points, span
from workbench.generated import HUMAN

_NOTE = (
    "Stronger and weaker: the text’s score against the human targets of the pool, beside that of what the learner’s "
    "base model writes for the same sources; within ±{margin:g} {name} it is as strong. Without a condition of the "
    "learner’s own text (self) nothing is said of others’ strength. Size 0 is the base model itself."
)


@dataclass(frozen=True)
class Author:
    """A condition of one author's text in random order.

    Attributes:
        origin: who wrote it, ``human`` or a generator.
        standing: ``human``, ``self``, ``stronger``, ``weaker``, ``as strong`` or, where that is not known, nothing.
        score: of the text against the human targets of the pool; None for human text.
        rows: the learner's scores after training on it, by size.
    """

    condition: str
    origin: str
    standing: str
    score: float | None
    rows: Mapping[int, ConditionSummary]


def authors_topic(
    study: Mapping[str, Any],
    rows: Sequence[ConditionSummary],
    scores: Mapping[str, Mapping[str, Any]],
    metric: ConditionSummary,
    margin: float,
    low: Mapping[tuple[str, int], str],
) -> Topic | None:
    """What the page says of it; None for a study without such learners.

    Args:
        study: ``study.json``.
        rows: the summary table.
        scores: each generator's ``scores.json``, by name.
        metric: any row of the summary in the metric of the answer.
        margin: difference, in points, within which two texts are as good.
        low: why nothing is compared, for each learner and size whose baseline is below the floor.
    """
    learners = [name for name, learner in study["learners"].items() if learner["kind"] in LLM_KINDS]
    found = {learner: authors(study, learner, rows, scores, metric, margin) for learner in learners}
    if not any(found.values()):
        return None
    return Topic(
        key="authors",
        title="Whose text: its own, a stronger and a weaker model’s, people’s",
        sentences=[line for name, own in found.items() for line in _sentences(name, own, metric.name, low)],
        notes=[_NOTE.format(margin=margin, name=metric.name)],
        tables=[_table(name, own, metric) for name, own in found.items() if own],
    )


def authors(
    study: Mapping[str, Any],
    learner: str,
    rows: Sequence[ConditionSummary],
    scores: Mapping[str, Mapping[str, Any]],
    metric: ConditionSummary,
    margin: float,
) -> list[Author]:
    """The conditions of one author each: people first, then the learner itself, then the best text first."""
    own = _score(scores, own_generator(learner), metric)
    found = []
    for name, condition in Runs.read(study).by_learner[learner].items():
        origins = condition.origins
        if len(origins) > 1 or condition.remedies or condition.order != "random":
            continue
        mine = {
            row.size: row for row in rows if (row.learner, row.condition, row.metric) == (learner, name, metric.metric)
        }
        score = _score(scores, origins[0], metric)
        standing = _standing(origins[0], own_generator(learner), score, own, metric.better, margin)
        found.append(Author(name, origins[0], standing, score, mine))
    worst = float("inf")
    sign = -1 if metric.better == "higher" else 1
    place = {HUMAN: 0, "self": 1}
    return sorted(found, key=lambda a: (place.get(a.standing, 2), worst if a.score is None else sign * a.score))


def _score(scores: Mapping[str, Mapping[str, Any]], generator: str, metric: ConditionSummary) -> float | None:
    given = scores.get(generator)
    return None if given is None else float(given["metrics"][metric.metric]["score"])


def _standing(origin: str, self: str, score: float | None, own: float | None, better: str, margin: float) -> str:
    if origin == HUMAN:
        return HUMAN
    if origin == self:
        return "self"
    if score is None or own is None:
        return ""
    ahead = score - own if better == "higher" else own - score
    return "as strong" if abs(ahead) <= margin else "stronger" if ahead > 0 else "weaker"


def _sentences(learner: str, found: Sequence[Author], name: str, low: Mapping[tuple[str, int], str]) -> list[str]:
    """One sentence for a learner: what it translates like before, and after training on each author's text."""
    if not found:
        return []
    size = max(size for author in found for size in author.rows)
    if (learner, size) in low:
        return []
    start = found[0].rows.get(0)
    before = f"Before fine-tuning {learner} reaches {points(start.score)} {name}; " if start else ""
    after = [f"{points(author.rows[size].score)} on {_text(author)}" for author in found if size in author.rows]
    after_size = f"after {size:,} instances " if before else f"After {size:,} instances {learner} reaches "
    return [f"{before}{after_size}{listing(after)}."]


def _text(author: Author) -> str:
    if author.standing == HUMAN:
        return "human text"
    if author.standing == "self":
        return "its own text"
    return f"text written by {author.origin}" + (f" ({author.standing})" if author.standing else "")


def _table(learner: str, found: Sequence[Author], metric: ConditionSummary) -> Table:
    sizes = sorted({size for author in found for size in author.rows})
    head = [
        Cell("Condition"),
        Cell("Author"),
        Cell("Which is"),
        Cell(f"{metric.name} of the text", "on the pool"),
        *(Cell(f"{size:,}") for size in sizes),
        Cell("Difference", "from the baseline"),
    ]
    body = []
    for author in found:
        largest = author.rows[max(author.rows)]
        difference = largest.difference
        body.append(
            [
                Cell(author.condition),
                Cell(author.origin),
                Cell(author.standing or "–"),
                Cell("–" if author.score is None else points(author.score)),
                *(Cell(points(author.rows[size].score)) if size in author.rows else Cell("–") for size in sizes),
                Cell("–")
                if difference is None or largest.difference_low is None or largest.difference_high is None
                else Cell(
                    points(difference, signed=True),
                    span(largest.difference_low, largest.difference_high, signed=True),
                ),
            ]
        )
    caption = f"{metric.name} of learner {learner} by number of instances and by whose text it was fine-tuned on."
    return Table(caption, head, 3, body)
