"""Dialogues: the calls that a source takes and what becomes of their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dialogue_study import (
    CAT,
    DOG,
    ENGLISH,
    HOUSE,
    POLICY,
    Study,
    good,
    in_turn,
    is_retry,
    source_of,
    spoken,
)

from llm.answers.outcomes import Outcome
from llm.asking.dialogue import Item
from llm.calls import Failure, FailureKind
from llm.prompts import Templates
from workbench.cli import UserError
from workbench.pairs import Source


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    made = Study(tmp_path / "journal.sqlite")
    with made.journal:
        yield made


def test_a_good_answer_is_one_call_and_one_target(study: Study) -> None:
    (target,) = study.run(good, [HOUSE])
    (work,) = study.asked
    assert source_of(work.call) == HOUSE.text
    assert (target.source, target.outcome, target.action, target.text) == (HOUSE, "ok", "kept", ENGLISH[HOUSE.text])
    assert (target.steps, target.history, target.key) == (0, (), work.call.key)
    assert target.stored is not None and target.stored.model == "m-1"
    assert 0 < work.tokens < 200
    assert 0 < work.worst_usd < 0.01


def test_what_is_answered_is_never_asked_again(study: Study) -> None:
    study.run(good, [HOUSE, DOG])
    study.asked.clear()
    again = [Source("elsewhere:7", HOUSE.text), DOG, CAT]
    assert [target.text for target in study.run(good, again)] == [ENGLISH[source.text] for source in again]
    assert [source_of(work.call) for work in study.asked] == [CAT.text]
    assert study.dialogue.remaining(study.dialogue.items(again)).calls == 0


def test_a_retry_is_asked_in_other_words_with_another_seed(study: Study) -> None:
    study.with_settings(seed=5)
    (target,) = study.run(in_turn("I'm sorry, but I can't assist with that.", ENGLISH[HOUSE.text]), [HOUSE])
    first, second = (work.call for work in study.asked)
    assert not is_retry(first) and is_retry(second)
    assert source_of(first) == source_of(second) == HOUSE.text
    assert (first.body["seed"], second.body["seed"]) == (5, 1005)
    assert (target.outcome, target.steps, target.history) == (Outcome.OK, 1, (Outcome.REFUSAL,))
    assert target.key == second.key


def test_every_retry_is_a_call_of_its_own_even_without_a_seed(study: Study) -> None:
    study.with_settings(retries=4)
    (target,) = study.run(in_turn(*[""] * 5), [HOUSE])
    assert len({work.call.key for work in study.asked}) == 5
    assert (target.outcome, target.action, target.text, target.steps) == (Outcome.EMPTY, "dropped", None, 4)


def test_an_answer_cut_off_gets_twice_the_room_each_time(study: Study) -> None:
    cut = {"finish_reason": "length", "message": {"content": "The house"}}
    (target,) = study.run(in_turn(cut, cut, ENGLISH[HOUSE.text]), [HOUSE])
    first, *others = (work.call.body["max_tokens"] for work in study.asked)
    assert others == [2 * first, 4 * first]
    assert target.history == (Outcome.LENGTH, Outcome.LENGTH)
    study.with_settings(reasoning_tokens=500)
    assert study.dialogue.start(Item((HOUSE,), 0)).call.body["max_tokens"] == first + 500  # type: ignore[union-attr]


def test_other_faults_leave_the_room_as_it_is(study: Study) -> None:
    study.run(in_turn("", "", ENGLISH[HOUSE.text]), [HOUSE])
    assert len({work.call.body["max_tokens"] for work in study.asked}) == 1


def test_a_repair_costs_no_call(study: Study) -> None:
    (target,) = study.run(in_turn('Here is the translation: "The house is very old."'), [HOUSE])
    assert (target.outcome, target.action, target.text) == (Outcome.MALFORMED, "repaired", "The house is very old.")
    assert target.answer == 'Here is the translation: "The house is very old."'
    assert target.detail.startswith("a lead-in")
    assert target.steps == 0


def test_what_cannot_be_repaired_is_asked_again(study: Study) -> None:
    (target,) = study.run(in_turn("The house.\nThe building.", ENGLISH[HOUSE.text]), [HOUSE])
    assert (target.action, target.history) == ("kept", (Outcome.MALFORMED,))


@pytest.mark.parametrize(
    ("policy", "calls", "action", "text"),
    [
        (["keep"], 1, "kept", HOUSE.text),
        (["drop"], 1, "dropped", None),
        (["stop"], 1, "stop", None),
        (["retry", "keep"], 3, "kept", HOUSE.text),
        (["retry", "stop"], 3, "stop", None),
    ],
)
def test_a_policy_is_followed_in_order(
    study: Study, policy: list[str], calls: int, action: str, text: str | None
) -> None:
    study.with_settings(outcomes={**POLICY, "copy": policy})
    (target,) = study.run(lambda call: HOUSE.text, [HOUSE])
    assert len(study.asked) == calls
    assert (target.outcome, target.action, target.text) == (Outcome.COPY, action, text)


def test_another_policy_reads_the_same_answers(study: Study) -> None:
    study.run(lambda call: HOUSE.text, [HOUSE])
    study.with_settings(outcomes={**POLICY, "copy": ["drop"]})
    assert study.targets([HOUSE])[0].action == "dropped"
    study.with_settings(outcomes={**POLICY, "copy": ["retry", "drop"]})
    assert is_retry(study.dialogue.start(Item((HOUSE,), 0)).call)  # type: ignore[union-attr]


def test_nothing_is_kept_where_nothing_was_written(study: Study) -> None:
    study.with_settings(outcomes={**POLICY, "empty": ["keep"]})
    (target,) = study.run(in_turn(""), [HOUSE])
    assert (target.action, target.text) == ("dropped", None)


def test_a_filtered_prompt_is_an_outcome_and_not_asked_again(study: Study) -> None:
    filtered = Failure(FailureKind.FILTERED, "against the content policy")
    (target,) = study.run(in_turn(filtered), [HOUSE])
    assert (target.outcome, target.action, target.detail) == (
        Outcome.CONTENT_FILTER,
        "dropped",
        "against the content policy",
    )
    assert study.dialogue.start(Item((HOUSE,), 0)) is None
    study.with_settings(outcomes={**POLICY, "content_filter": ["retry", "drop"]})
    assert study.run(good, [HOUSE])[0].history == (Outcome.CONTENT_FILTER,)


def test_a_rejected_request_fails_for_good(study: Study) -> None:
    study.with_settings(outcomes={**POLICY, "failed": ["drop"]})
    (target,) = study.run(in_turn(Failure(FailureKind.REJECTED, "too long")), [HOUSE])
    assert (target.outcome, target.action, target.detail) == (Outcome.FAILED, "dropped", "too long")
    assert study.dialogue.start(Item((HOUSE,), 0)) is None


@pytest.mark.parametrize("kind", [FailureKind.TRANSIENT, FailureKind.THROTTLED, FailureKind.FATAL])
def test_a_call_that_got_no_answer_is_asked_by_the_next_run(study: Study, kind: FailureKind) -> None:
    (target,) = study.run(in_turn(Failure(kind, "no luck")), [HOUSE])
    assert (target.outcome, target.action, target.stored) == (Outcome.FAILED, "stop", None)
    assert target.detail == f"{kind}: no luck"
    (target,) = study.run(good, [HOUSE])
    assert (target.outcome, target.steps) == (Outcome.OK, 0)


def test_a_retry_without_an_answer_remembers_what_went_before(study: Study) -> None:
    (target,) = study.run(in_turn("", Failure(FailureKind.TRANSIENT, "no luck")), [HOUSE])
    assert (target.outcome, target.action, target.history) == (Outcome.FAILED, "stop", (Outcome.EMPTY,))
    (target,) = study.run(good, [HOUSE])
    assert (target.outcome, target.steps, len(study.asked)) == (Outcome.OK, 1, 3)


def test_a_source_never_asked_says_so(study: Study) -> None:
    (target,) = study.targets([HOUSE])
    assert (target.outcome, target.detail) == (Outcome.FAILED, "not asked yet")


def test_an_answer_that_the_api_cannot_read_any_more_is_no_crash(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    study.run(good, [HOUSE])

    def read(raw: str) -> Any:
        raise Failure(FailureKind.TRANSIENT, "what is this", maybe_paid=True)

    monkeypatch.setattr(study.api, "read", read)
    (target,) = study.targets([HOUSE])
    assert (target.outcome, target.action) == (Outcome.FAILED, "stop")
    assert "cannot be read: what is this" in target.detail


def test_samples_are_calls_of_their_own(study: Study) -> None:
    study.with_settings(samples=3)
    answers = ["The house is very old.", "This house is very old.", ""]
    targets = study.run(in_turn(*answers, "The house is quite old."), [HOUSE])
    assert [(target.sample, target.text) for target in targets] == [
        (0, "The house is very old."),
        (1, "This house is very old."),
        (2, "The house is quite old."),
    ]
    assert len({work.call.key for work in study.asked}) == 4
    study.asked.clear()
    study.with_settings(samples=4)
    study.run(good, [HOUSE])
    assert [work.call.sample for work in study.asked] == [3]


def test_remaining_counts_what_the_journal_lacks(study: Study) -> None:
    items = list(study.dialogue.items([HOUSE, DOG, CAT]))
    before = study.dialogue.remaining(items)
    assert before.calls == 3
    assert before.usd == pytest.approx((before.input_tokens + 2 * before.output_tokens) / 1e6)
    works = [work for item in items if (work := study.dialogue.start(item))]
    longest = sum(work.call.body["max_tokens"] for work in works)
    most = sum(len(spoken(work.call).encode()) for work in works)
    assert before.output_tokens < longest and before.input_tokens < most
    assert (most + 2 * longest) / 1e6 < before.worst_usd < (most + 2 * longest) * 1.5 / 1e6
    study.run(good, [DOG])
    after = study.dialogue.remaining(items)
    assert after.calls == 2
    assert after.worst_usd < before.worst_usd
    works = [work for item in items if (work := study.dialogue.start(item))]
    assert sum(work.worst_usd for work in works) == pytest.approx(after.worst_usd)


def test_remaining_leaves_out_what_is_being_asked(study: Study) -> None:
    """Its worst price is reserved already: counted twice, a study could not fetch a batch that it has paid for."""
    items = list(study.dialogue.items([HOUSE, DOG]))
    work = study.dialogue.start(items[0])
    assert work is not None

    async def begin() -> None:
        await study.journal.begin(work.call, work.worst_usd)

    asyncio.run(begin())
    assert study.dialogue.remaining(items).calls == 1


def test_a_rejected_request_that_stops_the_study_is_asked_again_by_the_next_run(study: Study) -> None:
    rejected = in_turn(Failure(FailureKind.REJECTED, "longer than the server's context"))
    study.with_settings(outcomes={"failed": ["stop"]})
    study.run(rejected, [HOUSE])
    assert len(study.asked) == 1
    (target,) = study.run(good, [HOUSE])
    assert target.outcome is Outcome.OK
    assert len(study.asked) == 2


def test_an_unknown_language_is_refused(study: Study) -> None:
    with pytest.raises(UserError, match="no language 'xx'"):
        Templates(study.prompts, {"source": "de", "target": "xx"})


def test_odd_sources_pass_through_as_they_are(study: Study) -> None:
    odd = [
        Source("1", 'Er sagte: "{source}" \\n {{x}}'),
        Source("2", "Ein Tab und \u2028 ein Trenner"),
        Source("3", "𝔘nicode 🏠"),
    ]
    study.run(good, odd)
    assert [source_of(work.call) for work in study.asked] == [source.text for source in odd]
