"""Batches and fine-tuning jobs of the fake LLM provider, through the official SDKs."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import openai
import pytest
from fake_clients import PROMPT, SENTENCE, TRANSLATION, body, chat, until, upload
from fake_server import Server

pytestmark = pytest.mark.usefixtures("server")


def lines(texts: list[str]) -> list[dict[str, Any]]:
    """Lines of a batch's input file."""
    url = "/v1/chat/completions"
    return [{"custom_id": f"r-{n}", "method": "POST", "url": url, "body": body(t)} for n, t in enumerate(texts)]


def submit(client: openai.OpenAI, file: str, **options: Any) -> Any:
    """Create a batch of an uploaded file."""
    url = "/v1/chat/completions"
    return client.batches.create(input_file_id=file, endpoint=url, completion_window="24h", **options)


def ended(client: openai.OpenAI, batch: Any) -> Any:
    """The batch when it has come to its end."""
    final = ("completed", "failed", "expired", "cancelled")
    return until(lambda: client.batches.retrieve(batch.id), lambda now: now.status in final)


def read_lines(client: openai.OpenAI, file: str | None) -> dict[str, Any]:
    """The lines of an output or error file by custom_id."""
    content = client.files.content(file).text if file else ""
    return {line["custom_id"]: line for line in map(json.loads, content.splitlines())}


class TestBatches:
    """OpenAI's batches."""

    def test_lifecycle(self, server: Server, gpt: openai.OpenAI) -> None:
        file = upload(gpt, lines([SENTENCE, "Hund", "Katze"]))
        batch = submit(gpt, file, metadata={"intent": "one"})
        assert batch.status == "validating"
        batch = ended(gpt, batch)
        assert (batch.status, batch.error_file_id, batch.metadata) == ("completed", None, {"intent": "one"})
        assert (batch.request_counts.total, batch.request_counts.completed) == (3, 3)
        output = read_lines(gpt, batch.output_file_id)
        assert output["r-0"]["response"]["body"]["choices"][0]["message"]["content"] == TRANSLATION
        total = server.stats()["total"]
        assert (total["batches"], total["batch_answers"], total["distinct"]) == (1, 3, 3)
        assert batch.usage.output_tokens == total["output_tokens"]
        assert [one.id for one in gpt.batches.list()] == [batch.id]
        assert gpt.files.retrieve(file).filename == "in.jsonl"
        assert gpt.files.delete(file).deleted

    def test_lines_that_fail_are_in_the_error_file(self, server: Server, gpt: openai.OpenAI) -> None:
        server.faults(batch={"failed": 0.5, "batches": 1})
        texts = [f"Hund {n}" for n in range(40)]
        batch = ended(gpt, submit(gpt, upload(gpt, lines(texts))))
        good, bad = read_lines(gpt, batch.output_file_id), read_lines(gpt, batch.error_file_id)
        assert batch.status == "completed"
        assert len(good) + len(bad) == 40 and 8 < len(bad) < 32
        assert {line["response"]["status_code"] for line in bad.values()} == {500}
        assert ended(gpt, submit(gpt, upload(gpt, lines(texts)))).error_file_id is None

    def test_expired_batch_keeps_what_was_done(self, server: Server, gpt: openai.OpenAI) -> None:
        server.faults(batch={"expired": 0.5})
        batch = ended(gpt, submit(gpt, upload(gpt, lines([f"Hund {n}" for n in range(40)]))))
        assert batch.status == "expired"
        bad = read_lines(gpt, batch.error_file_id)
        assert {line["error"]["code"] for line in bad.values()} == {"batch_expired"}
        assert len(read_lines(gpt, batch.output_file_id)) == 40 - len(bad) == server.stats()["total"]["answers"]

    def test_slow_batch_can_be_cancelled(self, server: Server, gpt: openai.OpenAI) -> None:
        server.faults(batch={"seconds": 100})
        batch = submit(gpt, upload(gpt, lines(["Hund", "Katze"])))
        until(lambda: gpt.batches.retrieve(batch.id), lambda now: now.request_counts.completed == 1)
        assert gpt.batches.cancel(batch.id).status == "cancelling"
        batch = ended(gpt, batch)
        assert batch.status == "cancelled"
        assert len(read_lines(gpt, batch.output_file_id)) == 1
        assert read_lines(gpt, batch.error_file_id)["r-1"]["error"]["code"] == "batch_cancelled"
        with pytest.raises(openai.ConflictError):
            gpt.batches.cancel(batch.id)

    def test_enqueued_tokens(self, server: Server, gpt: openai.OpenAI) -> None:
        server.faults(batch={"enqueued_tokens": 50})
        batch = ended(gpt, submit(gpt, upload(gpt, lines(["Hund", "Katze", "Haus"]))))
        assert (batch.status, batch.errors.data[0].code) == ("failed", "token_limit_exceeded")
        assert server.stats()["total"]["answers"] == 0
        assert ended(gpt, submit(gpt, upload(gpt, lines(["Hund"])))).status == "completed"

    @pytest.mark.parametrize(
        ("entries", "code"),
        [
            ([], "empty_file"),
            (["text"], "invalid_json_line"),
            (lines(["Hund"]) * 2, "duplicate_custom_id"),
            ([{**lines(["Hund"])[0], "url": "/v1/else"}], "invalid_url"),
            ([{**lines(["Hund"])[0], "body": body("Hund", "no-such-model")}], "model_not_found"),
        ],
    )
    def test_validation(self, gpt: openai.OpenAI, entries: list[Any], code: str) -> None:
        batch = ended(gpt, submit(gpt, upload(gpt, entries)))
        assert (batch.status, batch.errors.data[0].code) == ("failed", code)

    def test_creation_that_loses_its_answer_is_found_by_metadata(self, server: Server, gpt: openai.OpenAI) -> None:
        server.faults(batch={"lost": 1})
        with pytest.raises(openai.APIConnectionError):
            submit(gpt, upload(gpt, lines(["Hund"])), metadata={"intent": "two"})
        assert [one.metadata for one in gpt.batches.list()] == [{"intent": "two"}]

    def test_lists_have_pages(self, gpt: openai.OpenAI) -> None:
        file = upload(gpt, lines(["Hund"]))
        names = [submit(gpt, file).id for _ in range(5)]
        assert [one.id for one in gpt.batches.list(limit=2)] == names[::-1]


class TestMessageBatches:
    """Anthropic's batches."""

    @staticmethod
    def requests(texts: list[str]) -> list[Any]:
        asked = {"max_tokens": 100, "model": "claude-fake"}
        return [{"custom_id": f"r-{n}", "params": {**body(text), **asked}} for n, text in enumerate(texts)]

    @staticmethod
    def ended(client: anthropic.Anthropic, batch: Any) -> Any:
        return until(lambda: client.messages.batches.retrieve(batch.id), lambda now: now.processing_status == "ended")

    def test_lifecycle(self, server: Server, claude: anthropic.Anthropic) -> None:
        requests = self.requests([SENTENCE, "Hund"])
        requests.append({"custom_id": "bad", "params": {**requests[0]["params"], "top_k": 1}})
        batch = claude.messages.batches.create(requests=requests)
        assert (batch.processing_status, batch.request_counts.processing) == ("in_progress", 3)
        batch = self.ended(claude, batch)
        results = {one.custom_id: one.result for one in claude.messages.batches.results(batch.id)}
        assert results["r-0"].message.content[0].text == TRANSLATION
        assert results["bad"].error.error.type == "invalid_request_error"
        assert (batch.request_counts.succeeded, batch.request_counts.errored) == (2, 1)
        assert server.stats()["total"]["batch_answers"] == 2
        assert [one.id for one in claude.messages.batches.list(limit=1)] == [batch.id]
        assert claude.messages.batches.delete(batch.id).type == "message_batch_deleted"

    def test_expired_and_cancelled(self, server: Server, claude: anthropic.Anthropic) -> None:
        server.faults(batch={"expired": 1})
        batch = self.ended(claude, claude.messages.batches.create(requests=self.requests(["Hund"])))
        assert batch.request_counts.expired == 1
        server.faults(batch={"seconds": 100})
        batch = claude.messages.batches.create(requests=self.requests(["Hund", "Katze"]))
        assert claude.messages.batches.cancel(batch.id).processing_status == "canceling"
        assert self.ended(claude, batch).request_counts.canceled >= 1

    def test_custom_ids_are_checked(self, claude: anthropic.Anthropic) -> None:
        requests = self.requests(["Hund"])
        for wrong in ([{**requests[0], "custom_id": "a b"}], requests * 2):
            with pytest.raises(anthropic.BadRequestError, match="custom_id"):
                claude.messages.batches.create(requests=wrong)


class TestFineTuning:
    """OpenAI's fine-tuning jobs."""

    @staticmethod
    def examples(number: int) -> list[Any]:
        said = [(f"Der Hund {n} läuft schnell.", f"Hound {n} is sprinting.") for n in range(number)]
        return [
            {"messages": [{"role": "user", "content": PROMPT.format(s)}, {"role": "assistant", "content": t}]}
            for s, t in said
        ]

    @staticmethod
    def ended(client: openai.OpenAI, job: Any) -> Any:
        final = ("succeeded", "failed", "cancelled")
        return until(lambda: client.fine_tuning.jobs.retrieve(job.id), lambda now: now.status in final)

    def test_lifecycle(self, server: Server, gpt: openai.OpenAI) -> None:
        server.faults(tuning=0.1)
        file = upload(gpt, self.examples(12), "fine-tune")
        job = gpt.fine_tuning.jobs.create(
            model="gpt-4o-mini", training_file=file, suffix="mine", seed=3, metadata={"run": "1"}
        )
        assert job.status == "validating_files"
        job = self.ended(gpt, job)
        assert job.status == "succeeded"
        assert job.fine_tuned_model.startswith("ft:gpt-4o-mini:org-fake:mine:")
        assert job.trained_tokens > 0
        assert chat(gpt, model=job.fine_tuned_model).choices[0].message.content == TRANSLATION
        assert gpt.models.retrieve(job.fine_tuned_model).shutdown_date == "2027-01-14"
        assert [one.id for one in gpt.fine_tuning.jobs.list(metadata={"run": "1"})] == [job.id]
        assert len(list(gpt.fine_tuning.jobs.checkpoints.list(job.id))) == 3
        assert any("model created" in event.message for event in gpt.fine_tuning.jobs.list_events(job.id))
        assert gpt.files.content(job.result_files[0]).text.startswith("step,")
        again = gpt.fine_tuning.jobs.create(model=job.fine_tuned_model, training_file=file)
        assert self.ended(gpt, again).status == "succeeded"

    def test_model_learns_from_its_examples(self, server: Server, gpt: openai.OpenAI) -> None:
        server.faults(tuning=0)
        file = upload(gpt, self.examples(250), "fine-tune")
        job = self.ended(gpt, gpt.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file))
        answer = chat(gpt, "Der Hund 7000 läuft schnell.", job.fine_tuned_model)
        assert "sprinting" in answer.choices[0].message.content

    def test_wrong_files_fail(self, server: Server, gpt: openai.OpenAI) -> None:
        server.faults(tuning=0)
        for entries, why in [(self.examples(3), "at least 10"), ([{"messages": []}] * 12, "line 1")]:
            file = upload(gpt, entries, "fine-tune")
            job = self.ended(gpt, gpt.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file))
            assert (job.status, job.error.code) == ("failed", "invalid_training_file")
            assert why in job.error.message
        with pytest.raises(openai.BadRequestError, match="not available for fine-tuning"):
            gpt.fine_tuning.jobs.create(model="claude", training_file=file)

    def test_cancel_and_closed(self, server: Server, gpt: openai.OpenAI) -> None:
        server.faults(tuning=100)
        file = upload(gpt, self.examples(12), "fine-tune")
        job = gpt.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file)
        assert gpt.fine_tuning.jobs.cancel(job.id).status == "cancelled"
        server.faults(tuning={"closed": 1})
        with pytest.raises(openai.PermissionDeniedError):
            gpt.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file)
