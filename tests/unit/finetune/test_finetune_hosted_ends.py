"""What goes wrong with hosted fine-tuning ends clearly, and nothing is paid twice: faults, kills, signals, budgets."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from batch_study import ended
from fake_server import Server
from llm_study import signal_group, wait_until
from tuning_study import Learner, jobs, quick_learner

from llm import finetune_hosted
from llm.accounts.estimate import study_estimates
from workbench.cli import UserError


@pytest.fixture
def learner(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Learner:
    return quick_learner(tmp_path, server, monkeypatch)


def uploads(server: Server) -> int:
    return sum((one["method"], one["path"]) == ("POST", "/v1/files") for one in server.requests())


def refusal(learner: Learner, match: str, run: dict[str, Any] | None = None) -> str:
    """What it ends with, in one line."""
    with pytest.raises(UserError, match=match) as caught:
        learner.finetune(run)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestLostAnswers:
    """The request arrived, its answer did not."""

    @pytest.mark.parametrize("how", ["lost", "garbled"])
    @pytest.mark.parametrize("metadata", [1, 0])
    def test_of_the_creation(self, learner: Learner, server: Server, how: str, metadata: int) -> None:
        server.faults(tuning={"seconds": 0.1, how: 1, "metadata": metadata})
        learner.finetune()
        assert jobs(server) == 1
        assert learner.states() == ["succeeded"]

    def test_of_the_upload(self, learner: Learner, server: Server) -> None:
        server.faults(batch={"lost_files": 1})
        learner.finetune()
        assert uploads(server) == 2
        assert len(server.requests()) > 2
        assert server.stats()["files"] == 3  # with the job's own metrics
        assert learner.states() == ["succeeded"]

    def test_a_busy_server_is_asked_again(self, learner: Learner, server: Server) -> None:
        server.faults(rate={"per_second": 20, "burst": 1})
        learner.finetune()
        assert jobs(server) == 1


class TestBadEnds:
    """The provider makes no model."""

    def test_a_failed_job_is_created_anew_by_a_rerun(self, learner: Learner, server: Server) -> None:
        server.faults(tuning={"seconds": 0.1, "fails": 1})
        said = refusal(learner, "failed at the provider: The job failed due to an internal error")
        assert "ftjob-" in said and "a rerun creates a new job" in said
        assert learner.tunings()[0].usd == 0
        learner.finetune()
        assert learner.states() == ["failed", "succeeded"]
        ledger = learner.json("tuning.ledger.json")
        assert (ledger["requests"], ledger["repeated"], ledger["failed"]) == (2, 1, 1)
        learner.check_money()

    def test_a_job_that_is_cancelled_there(self, learner: Learner, server: Server) -> None:
        server.faults(tuning={"seconds": 0.1, "cancelled": 1})
        refusal(learner, r"was cancelled at the provider .* a rerun creates a new job")
        (tuning,) = learner.tunings()
        assert tuning.usd == tuning.worst_usd > 0  # it had begun, and nobody says what that cost
        learner.finetune()
        assert jobs(server) == 2
        learner.check_money()

    def test_a_job_without_a_model_is_looked_at_again_and_never_paid_again(
        self, learner: Learner, server: Server
    ) -> None:
        server.faults(tuning={"seconds": 0.1, "modelless": 1})
        for _ in range(2):
            said = refusal(learner, "has succeeded, but the provider names no model")
            assert re.search(r"`tools/journal forget \S+ ftjob-", said)
        learner.check_money()
        server.faults(tuning={"seconds": 0.1})
        learner.finetune()
        assert jobs(server) == 1
        assert learner.states() == ["succeeded"]
        learner.check_money()

    def test_a_closed_account_is_told_what_to_do(self, learner: Learner, server: Server) -> None:
        server.faults(tuning={"closed": 1})
        said = refusal(learner, "no longer available to your organization")
        assert "kind: local" in said
        assert learner.states() == ["failed"]
        learner.check_money()
        with learner.journal as journal:
            assert journal.spent() == (0, 0)

    def test_a_model_that_cannot_be_tuned(self, learner: Learner, server: Server) -> None:
        learner.settings = {"model": "claude-haiku-4-5"}
        refusal(learner, "not available for fine-tuning.*kind: local")

    def test_a_model_that_is_not_there(self, learner: Learner, server: Server) -> None:
        learner.settings = {"model": "no-such-model"}
        refusal(learner, "no-such-model .*does not exist")
        assert jobs(server) == 0

    @pytest.mark.parametrize(("key", "said"), [("bad-key", "Incorrect API key"), ("forbidden-key", "no permission")])
    def test_a_key_that_is_not_accepted(
        self, learner: Learner, server: Server, monkeypatch: pytest.MonkeyPatch, key: str, said: str
    ) -> None:
        monkeypatch.setenv("FAKE_KEY", key)
        refusal(learner, said)
        assert uploads(server) == jobs(server) == 0

    def test_a_server_that_is_not_there(self, learner: Learner) -> None:
        learner.settings = {"base_url": "http://127.0.0.1:9/v1"}
        learner.execution = {"patience": 0.5}
        refusal(learner, "no answer for .*no connection")

    def test_a_job_that_the_server_does_not_know(self, learner: Learner, server: Server) -> None:
        server.faults(tuning={"seconds": 60})
        process = learner.start()
        wait_until(lambda: jobs(server) == 1, process)
        wait_until(lambda: learner.states() == ["created"], process)
        process.kill()
        process.communicate()
        server.reset()
        said = refusal(learner, "does not know fine-tuning job ftjob-")
        assert re.search(r"`tools/journal forget \S+ ftjob-", said)
        assert jobs(server) == 0


class TestBadInput:
    """Data, prices and budgets that will not do."""

    def test_an_empty_target_stops_or_is_dropped(self, learner: Learner, server: Server) -> None:
        rows = [(f"Satz {n}.", "" if n in (3, 7) else f"Sentence {n}.") for n in range(30)]
        learner.write("dataset", rows, "gpt")
        said = refusal(learner, r"2 of 30 instances cannot be trained on \(2 with an empty target\)")
        assert "the first is dataset:3 of gpt" in said and "learners.tuned.unusable: drop" in said
        learner.settings = {"unusable": "drop"}
        learner.finetune()
        report = learner.json("training.json")
        assert (report["instances"], report["left_out"], report["training"]["empty"]) == (28, 2, 2)

    def test_a_too_long_example(self, learner: Learner) -> None:
        learner.settings = {"max_tokens": 60}
        refusal(learner, r"30 of 30 instances cannot be trained on \(30 of more than 60 tokens\)")
        learner.settings = {"max_tokens": 60, "unusable": "drop"}
        refusal(learner, r"0 instances to train on \(30 were left out as unusable\): a fine-tuning job takes 1")

    def test_too_few_instances(self, learner: Learner) -> None:
        refusal(learner, "30 instances, but the run's size is 40", learner.run_of(40))

    def test_how_few_are_too_few_is_known_at_openais_address(
        self, learner: Learner, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refusal(learner, "failed at the provider: .* must have at least 10 examples", learner.run_of(9))
        assert (jobs(server), learner.states()) == (1, ["failed"])
        monkeypatch.setattr(finetune_hosted, "is_own_address", lambda provider, base_url: True)
        refusal(learner, "^9 instances to train on: a fine-tuning job takes 10 at least: raise", learner.run_of(9))
        assert jobs(server) == 1

    def test_rows_that_moderation_may_stumble_over_are_told(
        self, learner: Learner, capsys: pytest.CaptureFixture[str]
    ) -> None:
        rows = [(f"Satz {n}.", f"Sentence {n}.") for n in range(27)]
        odd = [("Schreib an a@b.example!", "Write!"), ("Siehe www.example.org.", "See it."), ("Eins\x07.", "One.")]
        learner.write("dataset", rows + odd, "human")
        learner.finetune()
        found = learner.json("training.json")["training"]["notable"]
        assert {name: one["instances"] for name, one in found.items()} == {
            "address": 1,
            "control character": 1,
            "e-mail": 1,
        }
        assert learner.json("training.json")["instances"] == 30

    def test_a_start_that_names_no_model(self, learner: Learner) -> None:
        run = learner.run_of(30, new=15, start=learner.run_of(15)["run"])
        start = learner.out(learner.run_of(15), "model.json")
        start.parent.mkdir(parents=True)
        start.write_text("{}")
        refusal(learner, "names no fine-tuned model", run)

    def test_an_unknown_price_is_no_price(self, learner: Learner) -> None:
        learner.execution = {"training_price": None}
        refusal(learner, "no price is known for fine-tuning 'gpt-4o-mini' at http.*training_price")

    def test_no_money(self, learner: Learner, server: Server) -> None:
        learner.execution = {"max_usd": 0.001}
        refusal(learner, r"the answers and trainings will cost about .* learners\.tuned\.max_usd is")
        learner.execution = {"study_max_usd": 0.001}
        refusal(learner, r"llm\.max_usd is")
        assert server.stats()["total"]["requests"] == 0

    def test_what_is_reserved_keeps_to_the_limit(self, learner: Learner, server: Server) -> None:
        (found,) = study_estimates(finetune_hosted.PARSER.parse_args(learner.tuning_arguments(learner.all_runs[0])))
        learner.execution = {"max_usd": found.usd * 1.001}  # less than the worst
        refusal(learner, "the budget has no room for this training")
        assert jobs(server) == 0

    def test_a_training_waits_for_what_another_one_has_reserved(self, learner: Learner, server: Server) -> None:
        first, second = learner.run_of(30), learner.run_of(30, seed=2)
        learner.execution = {"price": {"input": 0, "output": 0}}
        (found,) = study_estimates(finetune_hosted.PARSER.parse_args(learner.tuning_arguments(first)))
        learner.execution["max_usd"] = 2.7 * found.usd  # one at its worst is 1.5, so there is no room for two
        learner.runs = [first]
        server.faults(tuning=6)
        process = learner.start(first)
        wait_until(lambda: jobs(server) == 1, process)
        server.faults(tuning=0.1)
        learner.runs = []
        other = learner.start(second)
        printed = other.communicate(timeout=60)[0]
        assert other.returncode == 0, printed
        assert process.wait(timeout=60) == 0
        assert "waiting for that" in printed
        assert learner.states() == ["succeeded", "succeeded"]
        learner.check_money()


class TestInterruptions:
    """Kills and signals at any moment."""

    def test_a_kill_at_any_moment_creates_no_second_job(
        self, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        moment = deaths = 0
        texts = set()
        status = -9
        while status:
            moment += 1
            folder = tmp_path / str(moment)
            folder.mkdir()
            learner = quick_learner(folder, server, monkeypatch, seconds=0.05)
            server.reset()
            status = ended(learner.process(moment))
            if status:
                assert status == -signal.SIGKILL
                deaths += 1
                learner.finetune()
            assert jobs(server) == 1
            assert server.stats()["files"] == 3
            assert learner.states() == ["succeeded"]
            assert not list(folder.glob("*.batches/*"))
            learner.check_money()
            losses = [row | {"checkpoint": ""} for row in learner.table("losses.tsv")]
            texts.add(json.dumps([losses, [row["message"][:8] for row in learner.table("events.tsv")]]))
        assert deaths > 30
        assert len(texts) == 1

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_leaves_the_job_to_the_server(
        self, learner: Learner, server: Server, number: signal.Signals
    ) -> None:
        server.faults(tuning=2)
        process = learner.start()
        wait_until(lambda: jobs(server) == 1, process)
        wait_until(lambda: learner.states() == ["created"], process)
        signal_group(process, number)
        printed = process.communicate(timeout=30)[0]
        assert process.returncode == 130, printed
        assert "goes on at the provider: run again to take it up, or cancel it" in printed
        assert "Traceback" not in learner.folder.joinpath("log.txt").read_text(encoding="utf-8")
        learner.finetune()
        assert jobs(server) == 1
