"""The files of a generator behind an API: what of each answer they hold, and accounts that add up."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llm_study import Generator

from llm import session
from llm.accounts import collect_ledgers
from llm.asking.setup import LLMSetup, limits_of
from llm.calls import Call, Failure, FailureKind, Reply, Work
from llm.journal import Stored
from workbench.cli import UserError
from workbench.tables import read_rows

SOURCES = ["Das Haus ist sehr alt.", "Der Hund schläft heute.", "Die Katze trinkt ihre Milch."]
TARGETS = ["The house is very old.", "The dog is asleep today.", "The cat drinks its milk."]
ENGLISH = dict(zip(SOURCES, TARGETS, strict=True))
REFUSAL = "I'm sorry, but I can't assist with that."

Model = Callable[[Call], "str | dict[str, Any] | Failure"]


def source_of(call: Call) -> str:
    """What a call wants translated: the last paragraph of its prompt."""
    return str(call.body["messages"][-1]["content"]).rpartition("\n\n")[2]


def good(call: Call) -> str:
    """A model that translates everything, one by one or several at once."""
    asked = source_of(call)
    if asked.startswith("{"):
        return json.dumps({key: [text[:9], ENGLISH[text]] for key, text in json.loads(asked).items()})
    return ENGLISH[asked]


def saying(**answers: str | dict[str, Any] | Failure) -> Model:
    """A model that says something else for the sources that hold one of these words."""

    def model(call: Call) -> str | dict[str, Any] | Failure:
        return next((said for word, said in answers.items() if word in source_of(call)), good(call))

    return model


class Asked(Generator):
    """A generator whose executor is a function: everything else is real."""

    def export(self, model: Model = good) -> None:
        """Ask for what the journal lacks and write the files."""

        async def ask(setup: LLMSetup, pool: Any) -> None:
            for _ in range(setup.dialogue.passes):
                for work in session.works(setup, pool):
                    await carry_out(setup, work, model)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(session, "ask", ask)
            self.run()


async def carry_out(setup: LLMSetup, work: Work | None, model: Model) -> None:
    """Ask until nothing follows."""
    while work:
        ticket = await setup.journal.begin(work.call, work.worst_usd, limits_of(setup.execution))
        assert not isinstance(ticket, Stored)
        said = model(work.call)
        if isinstance(said, Failure):
            await setup.journal.fail(ticket, said, 0.0)
        else:
            raw = json.dumps(reply(said))
            answer = setup.api.read(raw)
            headers = {"x-request-id": f"req-{ticket.attempt}"}
            await setup.journal.finish(ticket, Reply(raw, headers), answer, setup.price.cost(answer.usage))
        work = setup.dialogue.follow(work)


def reply(said: str | dict[str, Any]) -> dict[str, Any]:
    """An answer as the provider writes it; a mapping changes parts of it."""
    more = {} if isinstance(said, str) else dict(said)
    text = said if isinstance(said, str) else more.pop("text", "")
    choice = {"finish_reason": more.pop("finish", "stop"), "message": {"content": text}}
    usage = {"prompt_tokens": 100, "completion_tokens": 10}
    return {"model": "m-2026", "system_fingerprint": "fp_1", "choices": [choice], "usage": usage, **more}


def test_an_answer_is_a_target_with_where_it_comes_from(tmp_path: Path) -> None:
    gpt = Asked(tmp_path, None, SOURCES)
    gpt.export()
    rows = gpt.table("generated")
    assert [(row["id"], row["text"]) for row in rows] == [(f"train:{n}", text) for n, text in enumerate(TARGETS)]
    assert json.loads(rows[0]["metadata"]) == {"outcome": "ok", "sample": 0, "steps": 0}
    assert gpt.table("rejects") == []
    first = gpt.table("answers")[0]
    served = {"model_asked": "fake-strong", "model_served": "m-2026", "fingerprint": "fp_1", "api_version": "v1"}
    assert served.items() <= first.items()
    assert (first["request_id"], first["input_tokens"], first["output_tokens"]) == ("req-1", "100", "10")
    assert float(first["usd"]) == pytest.approx((100 * 1 + 10 * 2) / 1e6)
    assert first["sdk"].startswith("openai ")
    assert len(first["key"]) == len(first["prompt_sha256"]) == 64
    assert first["asked"] <= first["answered"] and first["asked"].endswith("+00:00")
    assert gpt.ledger["usd"] == pytest.approx(3 * 120 / 1e6)
    assert (gpt.ledger["requests"], gpt.ledger["reused"], gpt.ledger["left_out"]) == (3, 0, 0)
    assert gpt.ledger["served"] == "m-2026 (3)" and gpt.ledger["notes"] == ""
    gpt.check_accounts()


def test_files_written_again_are_the_same_and_ask_nothing(tmp_path: Path) -> None:
    gpt = Asked(tmp_path, None, SOURCES)
    gpt.export()
    names = ["generated.tsv", "answers.tsv", "rejects.tsv", "ledger.json"]
    before = [(tmp_path / name).read_bytes() for name in names]
    for name in names:
        (tmp_path / name).unlink()
    gpt.run()
    assert [(tmp_path / name).read_bytes() for name in names] == before


def test_one_more_source_is_one_more_request(tmp_path: Path) -> None:
    Asked(tmp_path, None, SOURCES[1:]).export()
    more = Asked(tmp_path, None, SOURCES)
    asked: list[str] = []
    more.export(lambda call: asked.append(source_of(call)) or good(call))  # type: ignore[func-returns-value]
    assert asked == SOURCES[:1]
    assert more.ledger["requests"] == 3


@pytest.mark.parametrize(
    ("said", "row", "text"),
    [
        (REFUSAL, {"outcome": "refusal", "action": "dropped"}, None),
        ({"text": "", "finish": "content_filter"}, {"outcome": "content_filter", "action": "dropped"}, None),
        ("", {"outcome": "empty", "action": "dropped"}, None),
        (f'"{TARGETS[1]}"', {"outcome": "malformed", "action": "repaired", "answer": f'"{TARGETS[1]}"'}, TARGETS[1]),
        ("One.\nTwo\tor three.", {"outcome": "malformed", "answer": "One. Two or three.", "action": "dropped"}, None),
        (SOURCES[1], {"outcome": "copy", "action": "kept", "answer": SOURCES[1]}, SOURCES[1]),
        (Failure(FailureKind.REJECTED, "too long"), {"outcome": "failed", "detail": "too long"}, None),
    ],
)
def test_what_is_no_plain_translation_can_be_read_among_the_rejects(
    tmp_path: Path, said: str | dict[str, Any] | Failure, row: dict[str, str], text: str | None
) -> None:
    gpt = Asked(tmp_path, None, SOURCES, outcomes={"failed": ["drop"]})
    gpt.export(saying(Hund=said))
    (reject,) = gpt.table("rejects")
    assert {"id": "train:1", "sample": "0", "source": SOURCES[1], **row}.items() <= reject.items()
    targets = {row["id"]: row["text"] for row in gpt.table("generated")}
    assert targets.get("train:1") == text
    assert len(targets) == 3 - (text is None) == 3 - gpt.ledger["left_out"]
    gpt.check_accounts()


def test_answers_asked_for_again_are_counted(tmp_path: Path) -> None:
    gpt = Asked(tmp_path, None, SOURCES)
    answers = iter([REFUSAL, "", TARGETS[0]])
    gpt.export(lambda call: next(answers) if "Haus" in source_of(call) else good(call))
    assert json.loads(gpt.table("generated")[0]["metadata"]) == {"outcome": "ok", "sample": 0, "steps": 2}
    assert (gpt.ledger["requests"], gpt.ledger["retried"], gpt.ledger["repeated"]) == (5, 1, 0)
    gpt.check_accounts()


@pytest.mark.parametrize("said", [REFUSAL, Failure(FailureKind.TRANSIENT, "no luck")])
def test_a_policy_that_stops_leaves_the_files_as_they_were(tmp_path: Path, said: str | Failure) -> None:
    gpt = Asked(tmp_path, None, SOURCES, outcomes={"refusal": ["stop"]})
    (tmp_path / "generated.tsv").write_text("older\n", encoding="utf-8")
    outcome = "failed" if isinstance(said, Failure) else "refusal"
    with pytest.raises(UserError) as caught:
        gpt.export(saying(Hund=said, Katze=said))
    message = str(caught.value)
    assert "2 of 3 sources" in message and "train:1" in message and f"generators.gpt.outcomes.{outcome}" in message
    assert (tmp_path / "generated.tsv").read_text(encoding="utf-8") == "older\n"
    written = [path.name for path in tmp_path.iterdir() if path.name.startswith((".", "answers", "rejects", "ledger"))]
    assert written == ["rejects.stopped.tsv"]
    listed = list(read_rows(tmp_path / "rejects.stopped.tsv", ["id", "outcome", "action"]))
    assert [row[1:] for row in listed] == [(outcome, "stop")] * 2
    # The answers that were paid for serve the next run, with another policy too.
    gpt.generator["outcomes"] = {"refusal": ["drop"], "failed": ["drop"]}
    gpt.export(saying(Hund=said, Katze=said))
    assert gpt.ledger["left_out"] == 2
    assert gpt.ledger["answered"] == (1 if isinstance(said, Failure) else 3)


def test_no_target_at_all_is_an_error(tmp_path: Path) -> None:
    gpt = Asked(tmp_path, None, SOURCES)
    with pytest.raises(UserError, match=r"none of 3 sources has a target: 3 refusal"):
        gpt.export(lambda call: REFUSAL)
    assert not (tmp_path / "generated.tsv").exists()


def test_the_first_sample_that_can_be_used_is_the_target(tmp_path: Path) -> None:
    gpt = Asked(tmp_path, None, SOURCES, samples=3, temperature=1, retries=0)
    gpt.export(
        lambda call: "" if call.sample == 0 and "Hund" in source_of(call) else f"{good(call)[:-1]} {call.sample}."
    )
    metadata = [json.loads(row["metadata"])["sample"] for row in gpt.table("generated")]
    assert metadata == [0, 1, 0]
    assert gpt.table("generated")[1]["text"] == "The dog is asleep today 1."
    rows = [(row["id"], row["sample"]) for row in gpt.table("answers")]
    assert rows == [(f"train:{n}", str(sample)) for n in range(3) for sample in range(3)]
    assert [(row["id"], row["sample"], row["outcome"]) for row in gpt.table("rejects")] == [("train:1", "0", "empty")]
    assert (gpt.ledger["sources"], gpt.ledger["targets"], gpt.ledger["requests"]) == (3, 3, 9)
    gpt.check_accounts()


def test_sources_asked_together_have_a_row_each(tmp_path: Path) -> None:
    gpt = Asked(tmp_path, None, SOURCES, sentences_per_request=100)
    gpt.export()
    assert {row["id"]: row["text"] for row in gpt.table("generated")} == {
        f"train:{n}": text for n, text in enumerate(TARGETS)
    }
    assert gpt.ledger["requests"] < 3
    gpt.check_accounts()


def test_a_group_whose_answer_does_not_fit_is_asked_one_by_one(tmp_path: Path) -> None:
    gpt = Asked(tmp_path, None, SOURCES, sentences_per_request=100)
    gpt.export(lambda call: "{}" if source_of(call).startswith("{") else good(call))
    assert gpt.ledger["requests"] > 3
    assert (gpt.ledger["targets"], gpt.ledger["misaligned"]) == (3, 3)
    gpt.check_accounts()


def test_one_sentence_twice_in_the_pool_is_paid_once(tmp_path: Path) -> None:
    gpt = Asked(tmp_path, None, [*SOURCES, SOURCES[0]])
    gpt.export()
    rows = gpt.table("generated")
    assert (rows[0]["text"], rows[3]["text"]) == (TARGETS[0], TARGETS[0])
    assert (gpt.ledger["requests"], gpt.ledger["sources"], gpt.ledger["targets"]) == (3, 4, 4)
    gpt.check_accounts()


def test_answers_that_others_paid_for_are_said_to_be_reused(tmp_path: Path) -> None:
    first = Asked(tmp_path, None, SOURCES[:2])
    first.export()
    second = Asked(tmp_path, None, SOURCES)
    second.study = "another"
    second.export()
    assert (second.ledger["requests"], second.ledger["reused"], second.ledger["targets"]) == (1, 2, 3)
    assert second.ledger["usd"] == pytest.approx(120 / 1e6)
    first.run()
    assert (first.ledger["requests"], first.ledger["reused"]) == (3 - 1, 1)


def test_a_model_that_changed_between_answers_is_said_loudly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    gpt = Asked(tmp_path, None, SOURCES)
    with caplog.at_level("INFO", "workbench"):
        gpt.export(saying(Katze={"text": TARGETS[2], "model": "m-2027", "system_fingerprint": "fp_2"}))
    assert "WARNING: THE MODEL CHANGED between answers: m-2026 2 times, m-2027 1 times" in caplog.text
    assert "m-2027" in gpt.ledger["notes"]
    assert gpt.ledger["served"] == "m-2026 (2), m-2027 (1)"
    assert gpt.ledger["fingerprints"] == {"fp_1": 2, "fp_2": 1}
    assert {row["id"]: row["model_served"] for row in gpt.table("answers")}["train:2"] == "m-2027"


def test_the_table_of_ledgers_has_a_row_for_each_generator(tmp_path: Path) -> None:
    paths = []
    for name, model in (("first", good), ("second", saying(Hund=REFUSAL))):
        (tmp_path / name).mkdir()
        gpt = Asked(tmp_path / name, None, SOURCES)
        gpt.name = name
        gpt.export(model)
        paths.append(f"{name}={tmp_path / name / 'ledger.json'}")
    collect_ledgers.main(Namespace(ledgers=paths, output=tmp_path / "ledger.tsv"))
    columns = ["generator", "sources", "targets", "left_out", "requests", "refusals", "usd"]
    assert list(read_rows(tmp_path / "ledger.tsv", columns)) == [
        ("first", "3", "3", "0", "3", "0", "0.0004"),
        ("second", "3", "2", "1", "5", "1", "0.0006"),
    ]


def test_what_answers_have_in_common_is_learnt_said_and_repaired(tmp_path: Path) -> None:
    gpt = Asked(tmp_path, None, SOURCES)
    gpt.export(lambda call: f"Kpq xyz: {good(call)}")
    assert [row["text"] for row in gpt.table("generated")] == TARGETS
    assert (gpt.ledger["requests"], gpt.ledger["outcomes"]) == (3, {"malformed": 3})
    assert (
        "taken for lead-ins, some openings before a colon that the source lacks: 'kpq xyz:' (3)" in gpt.ledger["notes"]
    )


def test_what_was_learnt_is_asked_for_again(tmp_path: Path) -> None:
    gpt = Asked(tmp_path, None, SOURCES)
    gpt.export(lambda call: good(call) if "An earlier answer" in str(call.body["messages"]) else "Kpq xyz uvw rst!")
    assert [row["text"] for row in gpt.table("generated")] == TARGETS
    assert (gpt.ledger["requests"], gpt.ledger["retried"]) == (6, 3)
