"""Who wrote the text that an LLM was fine-tuned on: people, the LLM itself, a stronger or a weaker model.

Stronger and weaker are measured by the answer's metric: the score of a generator's text against the human targets of
the pool, compared with that of the learner's own base model for the same sources.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from evaluate.results import ConditionSummary
from planning.runs import LLM_KINDS, Runs, own_generator
from report.page import Topic
from report.study import Results, Study
from report.tables import Column, Table
from report.text.formatting import listing, points, signed_points, thousands
from workbench.generated import HUMAN

_NOTE = (
    "Stronger and weaker compare the text’s score against the human targets of the pool with that of the learner’s "
    "base model for the same sources; within ±{margin:g} {name} the text is as strong. Without a condition of the "
    "learner’s own text (self), the strength of the others is unknown. Size 0 is the base model itself."
)


@dataclass(frozen=True)
class Author:
    """A condition of one author's text in random order."""

    condition: str
    origin: str  # who wrote it, ``human`` or a generator
    strength: str  # ``human``, ``self``, ``stronger``, ``weaker``, ``as strong`` or, if that is not known, nothing
    score: float | None  # of the text against the human targets of the pool; None for human text
    rows: Mapping[int, ConditionSummary]  # the learner's scores after training on it, by size


def authors_topic(study: Study, scores: Mapping[str, Mapping[str, Any]], results: Results) -> Topic | None:
    """What the page shows of it; None for a study without such learners.

    Args:
        study: ``study.json``.
        scores: each generator's ``scores.json``, by name.
    """
    metric = results.metric
    learners = [name for name, learner in study["learners"].items() if learner["kind"] in LLM_KINDS]
    found = {learner: authors(study, learner, scores, results) for learner in learners}
    if not any(found.values()):
        return None
    return Topic(
        key="authors",
        title="Who wrote the training text: people, the learner itself, a stronger or a weaker model",
        sentences=[line for name, own in found.items() for line in _sentences(name, own, metric.name, results.low)],
        notes=[_NOTE.format(margin=results.margin, name=metric.name)],
        tables=[_table(name, own, metric) for name, own in found.items() if own],
    )


def authors(study: Study, learner: str, scores: Mapping[str, Mapping[str, Any]], results: Results) -> list[Author]:
    """The conditions of one author each: people first, then the learner itself, then the best text first."""
    metric = results.metric
    own = _score(scores, own_generator(learner), metric)
    found = []
    for name, condition in Runs.read(study).by_learner[learner].items():
        origins = condition.origins
        if len(origins) > 1 or condition.remedies or condition.order != "random":
            continue
        run = learner, name, metric.metric
        mine = {row.size: row for row in results.rows if (row.learner, row.condition, row.metric) == run}
        score = _score(scores, origins[0], metric)
        strength = _strength(origins[0], own_generator(learner), score, own, metric.better, results.margin)
        found.append(Author(name, origins[0], strength, score, mine))
    worst = float("inf")
    sign = -1 if metric.better == "higher" else 1
    place = {HUMAN: 0, "self": 1}
    return sorted(found, key=lambda a: (place.get(a.strength, 2), worst if a.score is None else sign * a.score))


def _score(scores: Mapping[str, Mapping[str, Any]], generator: str, metric: ConditionSummary) -> float | None:
    given = scores.get(generator)
    return None if given is None else float(given["metrics"][metric.metric]["score"])


def _strength(origin: str, self: str, score: float | None, own: float | None, better: str, margin: float) -> str:
    if origin == HUMAN:
        return HUMAN
    if origin == self:
        return "self"
    if score is None or own is None:
        return ""
    ahead = score - own if better == "higher" else own - score
    return "as strong" if abs(ahead) <= margin else "stronger" if ahead > 0 else "weaker"


def _sentences(learner: str, found: Sequence[Author], name: str, low: Mapping[tuple[str, int], str]) -> list[str]:
    """One sentence for a learner: its score before fine-tuning, and after fine-tuning on each author's text."""
    if not found:
        return []
    size = max(size for author in found for size in author.rows)
    if (learner, size) in low:
        return []
    start = found[0].rows.get(0)
    after = [f"{points(author.rows[size].score.value)} on {_text(author)}" for author in found if size in author.rows]
    if start:
        before = f"Before fine-tuning, {learner} scores {points(start.score.value)} {name}"
        return [f"{before}; after fine-tuning on {size:,} instances, it scores {listing(after)}."]
    return [f"In {name}, after fine-tuning on {size:,} instances, {learner} scores {listing(after)}."]


def _text(author: Author) -> str:
    if author.strength == HUMAN:
        return "human text"
    if author.strength == "self":
        return "its own text"
    return f"text written by {author.origin}" + (f" ({author.strength})" if author.strength else "")


def _table(learner: str, found: Sequence[Author], metric: ConditionSummary) -> Table:
    columns = [
        Column("Condition", "condition"),
        Column("Author", "origin"),
        Column("Strength", lambda author: author.strength or None),
        Column(f"{metric.name} of the text", "score", points, "on the pool"),
    ]
    columns += [
        Column(thousands(size), partial(_score_at, size), points)
        for size in sorted({size for author in found for size in author.rows})
    ]
    columns.append(
        Column(
            "Difference",
            lambda author: author.rows[max(author.rows)].difference,
            signed_points,
            "from the baseline",
        )
    )
    caption = f"{metric.name} of learner {learner} by number of instances and by whose text it was fine-tuned on."
    return Table(caption, columns, found)


def _score_at(size: int, author: Author) -> float | None:
    return author.rows[size].score.value if size in author.rows else None
