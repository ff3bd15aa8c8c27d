"""Dialogues: keys that nothing else changes, several sources in one request."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dialogue_study import (
    CAT,
    DOG,
    ENGLISH,
    HOUSE,
    MANY,
    POLICY,
    Study,
    english,
    good,
    keys,
    source_of,
)

from llm.answers.outcomes import Outcome
from llm.calls import Call, Failure, FailureKind
from workbench.pairs import Source


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    made = Study(tmp_path / "journal.sqlite")
    with made.journal:
        yield made


@pytest.mark.parametrize("per_request", [1, 8])
def test_no_call_changes_with_what_does_not_shape_its_answer(study: Study, per_request: int) -> None:
    study.with_settings(sentences_per_request=per_request, samples=2, seed=3)
    before = keys(study, MANY)
    assert len(before) == before.total()
    shuffled = [Source(f"other:{source.id}", source.text) for source in MANY]
    random.Random(2).shuffle(shuffled)
    assert keys(study, shuffled) == before
    after = keys(study, [HOUSE, *MANY])
    if per_request == 1:
        assert len(after - before) == 2 and not before - after
    else:
        assert (before - after).total() <= 2 and (after - before).total() <= 2 * 3
    policy = {**POLICY, "copy": ["retry", "stop"]}
    study.with_settings(
        sentences_per_request=per_request,
        samples=2,
        seed=3,
        concurrency=99,
        timeout=1,
        retries=0,
        outcomes=policy,
        language_margin=None,
    )
    assert keys(study, MANY) == before


def test_answers_change_no_other_call(study: Study) -> None:
    before = keys(study, MANY)
    study.run(good, MANY[:30])
    assert keys(study, MANY) == keys(study, MANY[30:])
    assert not keys(study, MANY[30:]) - before


def test_whatever_shapes_an_answer_changes_every_key(study: Study, tmp_path: Path) -> None:
    seen = set(keys(study, MANY))
    for changes in ({"model": "m-2"}, {"temperature": 0.5}, {"max_output_factor": 3}, {"reasoning_tokens": 9}):
        study.with_settings(**changes)
        found = set(keys(study, MANY))
        assert len(found) == len(MANY) and not found & seen
        seen |= found
    study.prompts["system"] = tmp_path / "system.txt"
    study.prompts["system"].write_text("Be brief.", encoding="utf-8")
    study.with_settings()
    assert not set(keys(study, MANY)) & seen


def test_a_group_is_one_call_and_a_target_for_each(study: Study) -> None:
    study.with_settings(sentences_per_request=60)
    targets = study.run(good, MANY)
    assert len(study.asked) == 1
    assert {target.source: target.text for target in targets} == {source: english(source.text) for source in MANY}
    assert {(target.steps, target.logprob) for target in targets} == {(0, None)}


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but I can't assist with that.",
        '{"1": "Only one."}',
        {"finish_reason": "length", "message": {"content": '{"1": "The house'}},
        Failure(FailureKind.FILTERED, "one of them is against the policy"),
        Failure(FailureKind.REJECTED, "too long"),
    ],
)
def test_a_group_that_does_not_fit_is_asked_one_by_one(study: Study, answer: str | dict[str, Any] | Failure) -> None:
    alone = keys(study, [HOUSE, DOG, CAT])
    study.with_settings(sentences_per_request=8)
    targets = study.run(lambda call: answer if source_of(call).startswith("{") else good(call), [HOUSE, DOG, CAT])
    assert {target.source: target.text for target in targets} == {
        source: ENGLISH[source.text] for source in (HOUSE, DOG, CAT)
    }
    assert {target.history for target in targets} == {(Outcome.MISALIGNED,)}
    assert Counter(work.call.key for work in study.asked[1:]) == alone
    study.asked.clear()
    study.run(good, [HOUSE, DOG, CAT])
    assert not study.asked


def test_only_the_faulty_source_of_a_group_is_asked_alone(study: Study) -> None:
    study.with_settings(sentences_per_request=8)

    def model(call: Call) -> str:
        return good(call).replace(ENGLISH[DOG.text], "I'm sorry, but I can't assist with that.")

    targets = {target.source: target for target in study.run(model, [HOUSE, DOG, CAT])}
    assert [source_of(work.call) for work in study.asked[1:]] == [DOG.text] * 3
    assert targets[DOG].action == "dropped"
    assert targets[DOG].history == (Outcome.REFUSAL,) * 3
    assert (targets[CAT].text, targets[CAT].steps) == (ENGLISH[CAT.text], 0)
    study.with_settings(sentences_per_request=8, outcomes={**POLICY, "refusal": ["drop"]})
    assert study.targets([HOUSE, DOG, CAT])[0].source in (HOUSE, DOG, CAT)
    assert {target.steps for target in study.targets([HOUSE, DOG, CAT])} == {0}


def test_sources_wait_for_a_group_without_an_answer(study: Study) -> None:
    study.with_settings(sentences_per_request=8)
    lost = Failure(FailureKind.TRANSIENT, "connection lost")
    targets = study.run(lambda call: lost, [HOUSE, DOG])
    assert {source_of(work.call)[0] for work in study.asked} == {"{"}
    assert [(target.outcome, target.action) for target in targets] == [(Outcome.FAILED, "stop")] * 2
    assert study.dialogue.remaining(study.dialogue.items([HOUSE, DOG])).calls == 1
    assert {target.outcome for target in study.run(good, [HOUSE, DOG])} == {Outcome.OK}


def test_a_source_alone_in_its_group_is_asked_as_one(study: Study) -> None:
    alone = keys(study, [HOUSE])
    study.with_settings(sentences_per_request=8)
    assert keys(study, [HOUSE]) == alone
