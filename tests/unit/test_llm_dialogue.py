"""Dialogues: the calls that a source takes, what becomes of their answers, and keys that nothing else changes."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from generate.providers import Source
from llm.apis import Api, open_api
from llm.calls import Call, Failure, FailureKind, Reply, Work
from llm.dialogue import Dialogue, Item, Target
from llm.journal import Journal, Stored
from llm.outcomes import Outcome
from llm.prices import price_of
from llm.prompts import load_templates
from workbench.cli import UserError

PROMPTS = Path(__file__).parents[2] / "resources" / "prompts"
POLICY = {
    "refusal": ["retry", "drop"],
    "content_filter": ["drop"],
    "length": ["retry", "drop"],
    "empty": ["retry", "drop"],
    "malformed": ["repair", "retry", "drop"],
    "copy": ["keep"],
    "wrong_language": ["keep"],
    "failed": ["stop"],
}
SETTINGS: dict[str, Any] = {
    "provider": "openai",
    "model": "m-1",
    "base_url": "http://127.0.0.1:9/v1",
    "api_key_env": None,
    "timeout": 5,
    "concurrency": 4,
    "samples": 1,
    "sentences_per_request": 1,
    "max_output_factor": 2,
    "reasoning_tokens": 0,
    "retries": 2,
    "outcomes": POLICY,
    "language_margin": 20,
}
GERMAN_ENGLISH = {"source": "de", "target": "en"}
PRICE = price_of("openai", "m-1", "http://127.0.0.1:9/v1", {"input": 1.0, "output": 2.0}, batch=False)
HOUSE, DOG, CAT = (
    Source(f"pool:{place}", text)
    for place, text in enumerate(["Das Haus ist sehr alt.", "Der Hund schläft heute.", "Die Katze trinkt ihre Milch."])
)
ENGLISH = {
    HOUSE.text: "The house is very old.",
    DOG.text: "The dog is asleep today.",
    CAT.text: "The cat drinks its milk.",
}

Model = Callable[[Call], "str | dict[str, Any] | Failure"]


def spoken(call: Call) -> str:
    """The user's message of a call."""
    return str(call.body["messages"][-1]["content"])


def source_of(call: Call) -> str:
    """What a call wants translated: the last paragraph of its prompt."""
    return spoken(call).rpartition("\n\n")[2]


def is_retry(call: Call) -> bool:
    return spoken(call).startswith("An earlier answer")


def english(text: str) -> str:
    """A translation of sorts, which keeps the source's numbers."""
    return ENGLISH.get(text, f"This is another sentence {''.join(re.findall('[0-9]', text))}")


def good(call: Call) -> str:
    """A model that translates everything, one by one or several at once."""
    asked = source_of(call)
    if asked.startswith("{"):
        return json.dumps({key: english(text) for key, text in json.loads(asked).items()})
    return english(asked)


class Study:
    """A dialogue over a journal of its own, with models as functions."""

    def __init__(self, path: Path, **changes: Any) -> None:
        self.journal = Journal(path, "study", "gpt")
        self.prompts = {
            "prompt": PROMPTS / "translate.txt",
            "prompt_many": PROMPTS / "translate_many.txt",
            "retry": PROMPTS / "retry.txt",
        }
        self.asked: list[Work] = []
        self.dialogue = self.with_settings(**changes)

    def with_settings(self, **changes: Any) -> Dialogue:
        settings = {**SETTINGS, **changes}
        self.api: Api = open_api(settings)
        self.dialogue = Dialogue(self.api, self.journal, settings, PRICE, load_templates(self.prompts, GERMAN_ENGLISH))
        return self.dialogue

    def run(self, model: Model, sources: Iterable[Source]) -> list[Target]:
        """Ask for everything, as executors do, and return the targets."""
        sources = list(sources)
        for _ in range(self.dialogue.passes):
            asyncio.run(self._run(model, sources))
        return self.targets(sources)

    def targets(self, sources: Iterable[Source]) -> list[Target]:
        return [target for item in self.dialogue.items(sources) for target in self.dialogue.outcome(item)]

    async def _run(self, model: Model, sources: Iterable[Source]) -> None:
        for item in self.dialogue.items(sources):
            work = self.dialogue.start(item)
            while work:
                self.asked.append(work)
                await self._ask(model, work)
                work = self.dialogue.follow(work)

    async def _ask(self, model: Model, work: Work) -> None:
        ticket = await self.journal.begin(work.call, work.worst_usd)
        assert not isinstance(ticket, Stored), "asked although it is answered"
        said = model(work.call)
        if isinstance(said, Failure):
            await self.journal.fail(ticket, said, 0.0)
            return
        choice = {"finish_reason": "stop", "message": {"content": said}} if isinstance(said, str) else said
        body = {"model": "m-1", "choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 7}}
        raw = json.dumps(body)
        await self.journal.finish(ticket, Reply(raw, {}), self.api.read(raw), 0.1)


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    made = Study(tmp_path / "journal.sqlite")
    with made.journal:
        yield made


def in_turn(*answers: str | dict[str, Any] | Failure) -> Model:
    """A model that gives these answers one after the other."""
    left = list(answers)
    return lambda call: left.pop(0)


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
    assert [work.step for work in study.asked] == [0, 1]
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
    assert study.dialogue.start(Item((HOUSE,), 0)).step == 1  # type: ignore[union-attr]


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
    assert before.worst_usd == pytest.approx((before.worst_input_tokens + 2 * before.worst_output_tokens) / 1e6)
    assert 0 < before.output_tokens < before.worst_output_tokens
    assert before.input_tokens < before.worst_input_tokens
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


MANY = [Source(f"pool:{number}", f"Das ist der Satz mit der Nummer {number}.") for number in range(60)]


def keys(study: Study, sources: Iterable[Source]) -> Counter[str]:
    """How often each key is among the first calls."""
    works = (study.dialogue.start(item) for item in study.dialogue.items(sources))
    return Counter(work.call.key for work in works if work)


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


def test_an_unknown_language_is_refused(study: Study) -> None:
    with pytest.raises(UserError, match="no language 'xx'"):
        load_templates(study.prompts, {"source": "de", "target": "xx"})


def test_odd_sources_pass_through_as_they_are(study: Study) -> None:
    odd = [
        Source("1", 'Er sagte: "{source}" \\n {{x}}'),
        Source("2", "Ein Tab und \u2028 ein Trenner"),
        Source("3", "𝔘nicode 🏠"),
    ]
    study.run(good, odd)
    assert [source_of(work.call) for work in study.asked] == [source.text for source in odd]
