"""Who wrote the text that an LLM was fine-tuned on: the order, who is stronger or weaker, and the sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from report_study import check_sentence, write_page, write_tables
from report_tables import remedied_conditions, summary_row

from evaluate.results import ConditionSummary
from planning.conditions import read_conditions
from report.cost.authors import authors, authors_topic
from report.page import Topic
from report.study import Results

PLAIN = remedied_conditions()["human"]
# As a user might order them: the report has its own order.
CONDITIONS = {
    "from-weak": PLAIN | {"mixture": {"weak": 1.0}},
    "from-peer": PLAIN | {"mixture": {"peer": 1.0}},
    "own": PLAIN | {"mixture": {"self": 1.0}},
    "from-strong": PLAIN | {"mixture": {"strong": 1.0}},
    "human": PLAIN | {"mixture": {"human": 1.0}},
}
QUALITY = {"weak": 20.0, "peer": 31.0, "self-llm": 30.0, "strong": 40.0}


def row(condition: str, size: int, score: float, learner: str = "llm", **changes: Any) -> ConditionSummary:
    """A row of the summary whose difference from the baseline is the distance from 40 points, ± 1."""
    away = None if condition == "human" or size == 0 else score - 40
    p = None if away is None else 0.001
    return summary_row(condition, score, away, **{"learner": learner, "size": size, "p_value": p} | changes)


ROWS = [
    row(name, size, 25.0 if size == 0 else best - (5 if size == 200 else 0))
    for name, best in {"from-weak": 28.0, "from-peer": 31.0, "own": 30.0, "from-strong": 36.0, "human": 40.0}.items()
    for size in (0, 200, 400)
]


def study(conditions: Mapping[str, Any] = CONDITIONS, **learners: Any) -> dict[str, Any]:
    """A study of the learner ``llm``, which runs here, or of others."""
    learners = learners or {"llm": {"kind": "local", "conditions": None}}
    generators = ["weak", "peer", "strong", *(f"self-{name}" for name in learners)]
    return {
        "learners": learners,
        "conditions": conditions,
        "sizes": [0, 200, 400],
        "seeds": [1],
        "splits": {"pool": 400},
        "generators": {name: {"provider": "files"} for name in generators},
    }


def scores(quality: Mapping[str, float], metric: str = "bleu") -> dict[str, Any]:
    """``scores.json`` of generators' texts."""
    return {name: {"metrics": {metric: {"score": score}}} for name, score in quality.items()}


def results(rows: Sequence[ConditionSummary] = ROWS, low: Mapping[tuple[str, int], str] | None = None) -> Results:
    """Results with a margin of a point."""
    return Results(rows, read_conditions(CONDITIONS), "human", rows[0], margin=1.0, low=low or {})


def found(conditions: Mapping[str, Any] = CONDITIONS, quality: Mapping[str, float] = QUALITY) -> list[tuple[str, str]]:
    """Condition and standing of each author, in the report's order."""
    listed = authors(study(conditions), "llm", scores(quality), results())
    return [(author.condition, author.strength) for author in listed]


def topic(**changes: Any) -> Topic:
    """What the page says of the study."""
    given = {"study": study(), "scores": scores(QUALITY), "results": results()}
    told = authors_topic(**given | changes)
    assert told is not None
    return told


def cells(told: Topic, table: int = 0) -> list[list[str]]:
    """A table's rows as text."""
    shown = told.tables[table]
    return [[column.cell(row).text for column in shown.columns] for row in shown.rows]


def test_people_come_first_then_the_learner_then_the_best_text() -> None:
    assert found() == [
        ("human", "human"),
        ("own", "self"),
        ("from-strong", "stronger"),
        ("from-peer", "as strong"),
        ("from-weak", "weaker"),
    ]


@pytest.mark.parametrize(
    ("score", "standing"),
    [(28.9, "weaker"), (29.0, "as strong"), (31.0, "as strong"), (31.1, "stronger")],
)
def test_within_the_margin_an_author_is_as_strong(score: float, standing: str) -> None:
    assert dict(found(quality={**QUALITY, "peer": score}))["from-peer"] == standing


def test_where_lower_is_better_the_lower_score_is_the_stronger() -> None:
    metric = row("human", 400, 50.0, metric="ter", name="TER", better="lower")
    quality = scores({"weak": 80.0, "peer": 60.5, "self-llm": 60.0, "strong": 45.0}, "ter")
    listed = authors(study(), "llm", quality, results([metric]))
    assert [(author.condition, author.strength) for author in listed] == [
        ("human", "human"),
        ("own", "self"),
        ("from-strong", "stronger"),
        ("from-peer", "as strong"),
        ("from-weak", "weaker"),
    ]


def test_without_its_own_text_nobody_is_stronger_or_weaker() -> None:
    conditions = {name: given for name, given in CONDITIONS.items() if name != "own"}
    quality = {name: score for name, score in QUALITY.items() if name != "self-llm"}
    assert found(conditions, quality) == [("human", "human"), ("from-strong", ""), ("from-peer", ""), ("from-weak", "")]
    told = topic(study=study(conditions), scores=scores(quality))
    assert "on text written by strong," in told.sentences[0]
    assert "stronger" not in told.sentences[0] and "weaker" not in told.sentences[0]
    assert {line[2] for line in cells(told)} == {"human", "–"}


def test_text_that_was_not_scored_comes_last_and_has_no_standing() -> None:
    quality = {name: score for name, score in QUALITY.items() if name != "strong"}
    assert found(quality=quality)[-1] == ("from-strong", "")


def test_only_conditions_of_one_author_in_random_order_are_compared() -> None:
    assert {name for name, _ in found(remedied_conditions())} == {"human", "strong"}
    ordered = CONDITIONS | {"sorted": PLAIN | {"mixture": {"strong": 1.0}, "order": "quality:trip"}}
    mixed = CONDITIONS | {"mixed": PLAIN | {"mixture": {"strong": 0.5, "human": 0.5}}}
    remedy = CONDITIONS | {"remedy": PLAIN | {"mixture": {"strong": 1.0}, "remedies": "from-weak"}}
    assert found(ordered) == found(mixed) == found(remedy) == found()
    nothing_of_it = CONDITIONS | {"mixed": PLAIN | {"mixture": {"strong": 1.0, "human": 0.0}}}
    assert ("mixed", "stronger") in found(nothing_of_it)


def test_what_a_learner_does_not_train_on_is_left_out() -> None:
    told = topic(study=study(llm={"kind": "openai", "conditions": ["human", "own"]}))
    assert [line[0] for line in cells(told)] == ["human", "own"]


def test_one_sentence_compares_before_and_after() -> None:
    (text,) = topic().sentences
    models = "36.0", "strong (stronger)", "31.0", "peer (as strong)", "28.0", "weak (weaker)"
    check_sentence(
        "authors", text, "llm", "25.0 BLEU", "400 instances", "40.0", "human text", "30.0", "its own", *models
    )


def test_the_table_has_a_column_for_each_size() -> None:
    told = topic()
    assert [column.header for column in told.tables[0].columns][3:] == [
        "BLEU of the text",
        "0",
        "200",
        "400",
        "Difference",
    ]
    assert cells(told)[0] == ["human", "human", "human", "–", "25.0", "35.0", "40.0", "–"]
    assert cells(told)[2] == ["from-strong", "strong", "stronger", "40.0", "25.0", "31.0", "36.0", "−4.0"]
    fewer = [row for row in ROWS if (row.condition, row.size) != ("from-weak", 400)]
    assert cells(topic(results=results(fewer)))[-1][4:7] == ["25.0", "23.0", "–"]
    assert "text written by weak" not in topic(results=results(fewer)).sentences[0]


def test_a_learner_below_the_floor_has_no_sentence() -> None:
    told = topic(results=results(low={("llm", 400): "llm has learnt too little"}))
    assert list(told.sentences) == []
    assert len(cells(told)) == len(CONDITIONS)
    base = results(low={("llm", 0): "an LLM that knows nothing yet"})
    assert topic(results=base).sentences == topic().sentences


def test_each_llm_has_its_own_table_and_its_own_standing() -> None:
    learners = {
        "llm": {"kind": "local", "conditions": None},
        "base": {"kind": "fairseq", "conditions": None},
        "gpt": {"kind": "openai", "conditions": None},
    }
    rows = ROWS + [row(one.condition, one.size, one.score.value + 1, learner="gpt") for one in ROWS]
    told = topic(study=study(**learners), results=results(rows), scores=scores({**QUALITY, "self-gpt": 45.0}))
    assert len(told.tables) == 2
    standings = [{line[0]: line[2] for line in cells(told, table)} for table in range(2)]
    assert (standings[0]["from-strong"], standings[1]["from-strong"]) == ("stronger", "weaker")
    after = "after fine-tuning on 400 instances, it scores"
    assert told.sentences[0].startswith(f"Before fine-tuning, llm scores 25.0 BLEU; {after} 40.0")
    assert told.sentences[1].startswith(f"Before fine-tuning, gpt scores 26.0 BLEU; {after} 41.0")
    assert told.sentences[1].endswith("29.0 on text written by weak (weaker).")


def test_without_llms_there_is_no_topic(tmp_path: Path) -> None:
    plain = study(base={"kind": "fairseq", "conditions": None})
    rows = [row(one.condition, one.size, one.score.value, learner="base") for one in ROWS]
    assert authors_topic(plain, scores(QUALITY), results(rows)) is None
    assert "Who wrote the training text" not in write_page(tmp_path, write_tables(tmp_path))
