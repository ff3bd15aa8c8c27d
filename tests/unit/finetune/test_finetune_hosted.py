"""A hosted learner is fine-tuned and asked: once, with what was asked for, and with a clear end where it cannot be."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from fake_server import Server
from llm_study import find_keys
from toy_corpus import toy_corpus
from tuning_study import Learner, jobs, quick_learner

from llm.journal import Journal, tunings
from llm.journal.ledger import ledger
from llm.prompts import Templates
from llm.tuning.examples import example_line
from workbench.cli import UserError


@pytest.fixture
def learner(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Learner:
    return quick_learner(tmp_path, server, monkeypatch)


def created(server: Server) -> list[dict[str, Any]]:
    """The bodies of the requests that created jobs."""
    return [
        json.loads(one["body"])
        for one in server.requests()
        if one["method"] == "POST" and one["path"] == "/v1/fine_tuning/jobs"
    ]


def refusal(learner: Learner, match: str) -> str:
    with pytest.raises(UserError, match=match) as caught:
        learner.finetune()
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestOneRun:
    """From a dataset to translations."""

    def test_a_model_is_made_and_translates(self, learner: Learner, server: Server) -> None:
        learner.finetune()
        model = learner.json("model.json")
        assert model["model"].startswith("ft:gpt-4o-mini:org-fake:")
        assert model["base"] == "gpt-4o-mini"
        (body,) = created(server)
        assert set(body) == {"model", "training_file", "validation_file", "method", "metadata", "seed"}
        assert (body["seed"], body["method"]) == (1, {"type": "supervised"})
        learner.translate()
        hypotheses = learner.table("hypotheses.tsv")
        assert [row["id"] for row in hypotheses] == [f"test:{n}" for n in range(20)]
        assert all(row["text"] for row in hypotheses)
        assert server.stats()["total"]["models"] == {model["model"]: 20}
        learner.check_money()

    def test_reports_and_ledgers_tell_what_was_done(self, learner: Learner) -> None:
        learner.finetune()
        learner.translate()
        report, ledger = learner.json("training.json"), learner.json("tuning.ledger.json")
        (tuning,) = learner.tunings()
        assert (report["instances"], report["left_out"], report["epochs"], report["updates"]) == (30, 0, 3, 90)
        assert report["best_valid_loss"] == 0.7
        assert report["trained_tokens"] == tuning.trained_tokens == ledger["input_tokens"] > 0
        assert ledger["usd"] == pytest.approx(tuning.trained_tokens * 3 / 1e6)
        assert ledger["requests"] == 1
        losses = learner.table("losses.tsv")
        assert [(row["step"], row["train_loss"]) for row in losses] == [("30", "1.0"), ("60", "0.6667"), ("90", "0.5")]
        assert losses[-1]["checkpoint"] == learner.json("model.json")["model"]
        messages = [row["message"] for row in learner.table("events.tsv")]
        assert messages[0].startswith("Created fine-tuning job")
        assert messages[-1] == "The job has successfully completed"
        translations = learner.json("ledger.json")
        assert (translations["requests"], translations["sources"], translations["tunings"]) == (20, 20, 0)
        assert translations["model"] == tuning.tuned_model
        with learner.journal as journal:
            assert journal.spent()[0] == pytest.approx(ledger["usd"] + translations["usd"])

    def test_examples_are_the_generators_prompts(self, learner: Learner, server: Server) -> None:
        templates = Templates(
            {role: Path(path) for role, path in learner.prompts.items()}, learner.all_settings["languages"]
        )
        (source, target), *_ = toy_corpus(1)
        user, assistant = json.loads(example_line(templates, source, target))["messages"]
        assert user == {"role": "user", "content": templates.user(source)}
        assert assistant == {"role": "assistant", "content": target}

    def test_zero_shot_asks_the_base_model(self, learner: Learner, server: Server) -> None:
        run = learner.run_of(0)
        learner.runs = [run]
        learner.translate()
        assert server.stats()["total"]["models"] == {"gpt-4o-mini": 20}
        assert jobs(server) == 0
        assert learner.json("ledger.json")["requests"] == 20

    def test_settings_reach_the_job(self, learner: Learner, server: Server) -> None:
        learner.settings = {"n_epochs": 2, "learning_rate_multiplier": 0.5, "suffix": "mine", "validation": False}
        learner.finetune()
        (body,) = created(server)
        assert body["method"]["supervised"]["hyperparameters"] == {"n_epochs": 2, "learning_rate_multiplier": 0.5}
        assert "validation_file" not in body
        assert ":mine:" in learner.json("model.json")["model"]
        assert learner.json("training.json")["updates"] == 60

    def test_a_dropped_answer_is_an_empty_hypothesis(self, learner: Learner, server: Server) -> None:
        learner.finetune()
        server.faults(empty=0.3)
        learner.translate()
        texts = [row["text"] for row in learner.table("hypotheses.tsv")]
        assert len(texts) == 20
        assert 0 < texts.count("") < 20

    def test_what_was_learnt_is_translated(
        self, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pairs = [(f"Der Hund {n} läuft schnell.", f"Hound {n} is sprinting.") for n in range(260)]
        learner = quick_learner(tmp_path, server, monkeypatch, instances=240)
        learner.write("dataset", pairs[:240], "human")
        learner.write("test", pairs[240:])
        learner.finetune()
        learner.translate()
        assert sum("sprinting" in row["text"] for row in learner.table("hypotheses.tsv")) > 15


class TestOnceOnly:
    """What is paid is used again."""

    def test_a_rerun_asks_nobody(self, learner: Learner, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        learner.finetune()
        learner.translate()
        before = {path: path.read_bytes() for path in learner.folder.glob("runs/**/*.*")}
        requests = server.stats()["total"]["requests"]
        monkeypatch.delenv("FAKE_KEY")
        learner.finetune()
        learner.translate()
        assert server.stats()["total"]["requests"] == requests
        assert {path: path.read_bytes() for path in learner.folder.glob("runs/**/*.*")} == before

    def test_another_study_uses_the_same_model(self, learner: Learner, server: Server) -> None:
        learner.finetune()
        first = learner.json("model.json")
        learner.execution = {"study": "other", "generator": "learner renamed", "account": "another"}
        learner.finetune()
        assert learner.json("model.json") == first
        assert jobs(server) == 1
        ledger = learner.json("tuning.ledger.json")
        assert (ledger["usd"], ledger["requests"], ledger["reused"]) == (0, 0, 30)
        assert "made and paid by results" in ledger["notes"]

    def test_another_seed_is_another_job_of_the_same_files(self, learner: Learner, server: Server) -> None:
        runs = [learner.run_of(30, seed=seed) for seed in (1, 2)]
        for run in runs:
            learner.finetune(run)
        assert jobs(server) == 2
        files = [one for one in server.requests() if (one["method"], one["path"]) == ("POST", "/v1/files")]
        assert len(files) == 2  # one to train on, one to validate on
        assert [body["seed"] for body in created(server)] == [1, 2]

    def test_a_file_that_the_server_has_lost_is_uploaded_again(self, learner: Learner, server: Server) -> None:
        learner.finetune()
        server.reset()
        server.faults(tuning=0.1)
        learner.finetune(learner.run_of(30, seed=2))
        assert learner.states() == ["succeeded", "succeeded"]
        with learner.journal as journal:
            assert len(tunings.files(journal)) == 2

    def test_going_on_with_a_model(self, learner: Learner, server: Server) -> None:
        first = learner.run_of(15)
        second = learner.run_of(30, new=15, start=first["run"])
        learner.finetune(first)
        learner.finetune(second)
        one, two = (learner.json("model.json", run) for run in (first, second))
        assert created(server)[1]["model"] == one["model"] == two["start"]
        assert two["base"] == "gpt-4o-mini"
        assert learner.json("training.json", second)["instances"] == 15

    def test_two_processes_create_one_job(self, learner: Learner, server: Server) -> None:
        server.faults(tuning=1.5)
        processes = [learner.start() for _ in range(2)]
        outputs = [process.communicate(timeout=120)[0] for process in processes]
        assert [process.returncode for process in processes] == [0, 0], outputs
        assert jobs(server) == 1

    def test_the_key_is_in_no_file(self, learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
        key = "sk-fake/0123456789+abc"
        monkeypatch.setenv("FAKE_KEY", key)
        learner.finetune()
        learner.translate()
        assert find_keys(learner.folder, [key]) == []


class TestAccounts:
    """What is paid is in the ledger of one run, whatever is run, renamed or retrained, and in whatever order."""

    @staticmethod
    def ledgers(learner: Learner, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [learner.json("ledger.json", run) for run in runs]

    @staticmethod
    def check(learner: Learner, runs: list[dict[str, Any]]) -> None:
        """The runs' ledgers add up to what the journal has counted."""
        found = [learner.json(name, run) for run in runs for name in ("tuning.ledger.json", "ledger.json")]
        with learner.journal as journal:
            assert sum(one["usd"] for one in found) == pytest.approx(journal.spent()[1])

    @pytest.mark.parametrize("first", [0, 1])
    def test_one_of_the_runs_that_share_a_model_pays(self, learner: Learner, server: Server, first: int) -> None:
        runs = [learner.run_of(30), {**learner.run_of(30), "run": "tuned/weak/30/1"}]
        for run in runs:
            learner.finetune(run)
        assert jobs(server) == 1
        order = [runs[first], runs[1 - first], runs[first]]  # whoever asks first, and for good
        for run in order:
            learner.translate(run)
        paid, shared = self.ledgers(learner, order[:2])
        assert (paid["requests"], paid["reused"], paid["notes"]) == (20, 0, "")
        assert (shared["requests"], shared["usd"], shared["reused"], shared["targets"]) == (0, 0, 20, 20)
        assert order[0]["run"] in shared["notes"]
        self.check(learner, runs)

    def test_zero_shot_is_in_its_own_row(self, learner: Learner) -> None:
        runs = [learner.run_of(0), learner.run_of(30)]
        learner.finetune(runs[1])
        for run in runs:
            learner.translate(run)
        assert [(one["requests"], one["reused"]) for one in self.ledgers(learner, runs)] == [(20, 0), (20, 0)]

    def test_what_was_paid_before_a_change_stays(self, learner: Learner, server: Server) -> None:
        (run,) = learner.all_runs
        for epochs, targets in ((1, "text"), (2, "text"), (2, "other text")):
            learner.settings = {"n_epochs": epochs}
            learner.write("dataset", [(f"Satz {n}.", f"Some {targets} {n}.") for n in range(30)], "human")
            learner.finetune()
            learner.translate()
        assert jobs(server) == 3
        training, (translations,) = learner.json("tuning.ledger.json"), self.ledgers(learner, [run])
        assert (training["requests"], training["repeated"], training["superseded"]) == (3, 0, 2)
        assert training["reused"] == 0
        assert "2 superseded jobs" in training["notes"]
        assert (translations["requests"], translations["sources"]) == (60, 20)
        assert "2 earlier models" in translations["notes"]
        self.check(learner, [run])
        learner.settings = {"n_epochs": 1}
        learner.write("dataset", [(f"Satz {n}.", f"Some text {n}.") for n in range(30)], "human")
        learner.finetune()  # back to the first, which is there
        assert learner.json("tuning.ledger.json")["superseded"] == 2
        learner.translate()
        self.check(learner, [run])

    def test_answers_of_another_study_are_reused(self, learner: Learner) -> None:
        for study in ("results", "other"):
            learner.execution = {"study": study}
            learner.finetune()
            learner.translate()
        found = learner.json("ledger.json")
        assert (found["requests"], found["usd"], found["reused"]) == (0, 0, 20)


class TestTheJournal:
    """Old journals and the accounts."""

    def test_an_old_journal_gets_the_tables(self, learner: Learner) -> None:
        path = learner.folder / "journal.sqlite"
        Journal(path, "results", "gpt").close()
        with sqlite3.connect(path) as db:
            for name in ("tunings", "tuning_runs", "tuning_events", "tuning_files", "model_accounts"):
                db.execute(f"DROP TABLE {name}")
        db.close()
        with learner.journal as journal:
            assert not tunings.TUNINGS.exists(journal)
            assert tunings.TUNINGS.rows(journal) == tunings.files(journal) == []
            assert ledger(journal, "results", "gpt")["tunings"] == 0
        learner.finetune()
        assert learner.states() == ["succeeded"]
