"""What hosted learners will cost and have cost; what they leave at the provider is listed and deleted."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fake_server import Server
from llm_study import Generator, wait_until
from paths import ROOT
from tuning_study import Learner, quick_learner
from warm_python import python

from llm import finetune_hosted, prices
from llm.accounts import estimate_cost
from llm.accounts.estimate import Estimate, Training, over_budget, study_estimates, table
from llm.journal import Journal
from llm.prices import UnknownPrice, price_of, training_price
from llm.tuning.examples import epochs_of, notable
from workbench.cli import UserError


@pytest.fixture
def learner(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Learner:
    return quick_learner(tmp_path, server, monkeypatch, seconds=0.05)


def estimate_of(learner: Learner) -> Estimate:
    arguments = learner.tuning_arguments(learner.all_runs[0])
    (found,) = study_estimates(finetune_hosted.PARSER.parse_args(arguments))
    return found


def tool(learner: Learner, command: str, *arguments: str, key: str = "FAKE_KEY") -> subprocess.CompletedProcess[str]:
    """What ``tools/journal`` does with the learner's journal."""
    asks_servers = command in ("models", "cancel", "delete")
    return subprocess.run(
        [
            *(python(), ROOT / "tools" / "journal", command, learner.folder / "journal.sqlite", *arguments),
            *(("--api-key-env", key) if asks_servers else ()),
        ],
        cwd=learner.folder,
        capture_output=True,
        text=True,
        check=False,
    )


class TestEstimate:
    """Before anything is asked."""

    def test_jobs_and_translations_are_counted(self, learner: Learner) -> None:
        learner.runs = [learner.run_of(0), learner.run_of(30), learner.run_of(30, seed=2)]
        found = estimate_of(learner)
        assert (found.sources, found.remaining.calls) == (60, 60)
        assert (found.training.jobs, found.training.instances) == (2, 60)
        learner.runs = [learner.run_of(30)]
        single = estimate_of(learner).training
        assert single is not None
        assert found.training.tokens == 2 * single.tokens
        assert single.usd == pytest.approx(single.tokens * 3 / 1e6)
        learner.settings = {"n_epochs": 1}
        once = estimate_of(learner).training
        assert once is not None
        assert 3 * once.tokens == pytest.approx(single.tokens, abs=3)

    def test_incremental_runs_train_on_what_is_new(self, learner: Learner) -> None:
        first = learner.run_of(15)
        learner.runs = [first, learner.run_of(30, new=15, start=first["run"])]
        training = estimate_of(learner).training
        assert training.instances == 30

    def test_what_is_there_is_not_counted(self, learner: Learner, server: Server) -> None:
        learner.runs = [learner.run_of(0), learner.run_of(30), learner.run_of(30, seed=2)]
        before = estimate_of(learner)
        learner.finetune(learner.runs[1])
        after = estimate_of(learner)
        assert after.training.jobs == 1
        assert after.remaining.calls == 60
        assert after.paid > 0
        learner.translate(learner.runs[1])
        assert estimate_of(learner).remaining.calls == 40
        learner.finetune(learner.runs[2])
        learner.translate(learner.runs[2])
        learner.translate(learner.runs[0])
        done = estimate_of(learner)
        assert (done.usd, done.remaining.calls) == (0, 0)
        assert done.paid < before.worst_usd
        learner.settings = {"n_epochs": 2}  # other models
        again = estimate_of(learner)
        assert again.training.jobs == 2

    def test_a_training_on_a_changed_dataset_is_counted_in_its_own_job(self, learner: Learner, server: Server) -> None:
        learner.runs = [learner.run_of(30), learner.run_of(30, seed=2)]
        for run in learner.runs:
            learner.finetune(run)
            learner.translate(run)
        learner.write("dataset", [(f"Satz {n}.", f"Sentence {n}.") for n in range(30)], "human")
        assert estimate_of(learner).usd == 0  # the journal does not know what the datasets hold now
        arguments = finetune_hosted.PARSER.parse_args(learner.tuning_arguments(learner.runs[0]))
        (found,) = study_estimates(arguments, untrained=arguments.run)
        assert (found.training.jobs, found.training.instances, found.remaining.calls) == (1, 30, 20)
        learner.execution = {"max_usd": found.paid + found.usd / 2}
        requests = server.stats()["total"]["requests"]
        with pytest.raises(UserError, match=r"answers and trainings will cost about .* learners\.tuned\.max_usd is"):
            learner.finetune(learner.runs[0])
        assert server.stats()["total"]["requests"] == requests
        learner.execution = {"max_usd": found.paid + 2 * found.worst_usd}
        learner.finetune(learner.runs[0])

    def test_the_estimate_is_near_what_is_paid(self, learner: Learner, server: Server) -> None:
        found = estimate_of(learner)
        learner.finetune()
        learner.translate()
        with learner.journal as journal:
            paid = journal.spent()[0]
        assert 0.5 * paid < found.usd < 2 * paid
        assert paid < found.worst_usd

    def test_seeds_share_what_the_base_model_is_asked(self, learner: Learner) -> None:
        learner.runs = [{**learner.run_of(0, seed=seed), "run": f"tuned/human/0/{seed}"} for seed in (1, 2, 3)]
        assert estimate_of(learner).remaining.calls == 20

    def test_limits_count_learners(self, learner: Learner) -> None:
        cost = estimate_of(learner).usd
        learner.execution = {"max_usd": cost * 0.9, "study_max_usd": cost * 1.1}
        (problem,) = over_budget([estimate_of(learner)])
        assert "learners.tuned.max_usd" in problem and "trainings" in problem
        assert over_budget([estimate_of(learner)._replace(training=Training())]) == []

    def test_the_table_has_a_row_for_the_jobs(self, learner: Learner, capsys: pytest.CaptureFixture[str]) -> None:
        learner.runs = [learner.run_of(0), learner.run_of(30)]
        estimate_cost.main(estimate_cost.PARSER.parse_args(self.arguments(learner)))
        lines = capsys.readouterr().out.splitlines()
        assert lines[1].split()[:5] == ["learner", "tuned", "gpt-4o-mini", "online", "40"]
        assert lines[2].split()[:6] == ["learner", "tuned:", "jobs", "gpt-4o-mini", "tuning", "30"]
        assert lines[3].startswith("the study")
        assert "training configuration" in lines[4]
        assert table([estimate_of(learner)]).splitlines()[:4] == lines[:4]

    def test_without_a_test_set_there_is_no_estimate(self, learner: Learner) -> None:
        arguments = [argument for argument in self.arguments(learner) if argument != "--test"]
        arguments.remove(str(learner.path("test")))
        with pytest.raises(UserError, match="--test"):
            estimate_cost.main(estimate_cost.PARSER.parse_args(arguments))

    @staticmethod
    def arguments(learner: Learner) -> list[str]:
        shared = learner.shared()
        return shared[shared.index("--learner") :]


class TestPrices:
    """Of trainings and of what they make."""

    def test_openais_models(self) -> None:
        assert training_price("openai", "gpt-4.1-mini-2025-04-14", None, None).usd_per_million == 5
        assert training_price("openai", "gpt-4o-mini", None, None).usd_per_million == 3
        assert training_price("openai", "ft:gpt-4.1-2025-04-14:org::x", None, None).usd_per_million == 25
        assert training_price("openai", "gpt-4.1", "https://api.openai.com/v1", None).usd_per_million == 25
        assert "from memory" in training_price("openai", "gpt-4.1-nano", None, None).source

    @pytest.mark.parametrize(("model", "base_url"), [("gpt-5.1", None), ("gpt-4.1", "http://localhost:8000/v1")])
    def test_others_are_refused_without_a_price(self, model: str, base_url: str | None) -> None:
        with pytest.raises(UnknownPrice, match="training_price"):
            training_price("openai", model, base_url, None)
        assert training_price("openai", model, base_url, 0).usd_per_million == 0

    def test_fine_tuned_models(self) -> None:
        known = price_of("openai", "ft:gpt-4o-mini-2024-07-18:org::x", None, None, False)
        assert known.steps[0][1:3] == (0.3, 1.2)
        assert "genai-prices" in known.source
        ours = price_of("openai", "ft:gpt-4.1-mini:::", None, None, False)
        batch = price_of("openai", "ft:gpt-4.1-mini-2025-04-14:o::x", None, None, True)
        assert ours.steps == (prices.Rates(0, 0.8, 3.2, 0.2),)
        assert batch.steps[0][1:3] == (0.4, 1.6)
        with pytest.raises(UnknownPrice):
            price_of("openai", "ft:gpt-9:o::x", None, None, False)

    def test_when_it_closes(self) -> None:
        assert prices.tuning_closes("openai") == date(2027, 1, 6)
        assert prices.tuning_prices("openai", "gpt-4o") and prices.tuning_prices("openai", "o3") is None

    def test_dates_are_said_at_openais_address(self, learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
        said: list[str] = []
        monkeypatch.setattr(finetune_hosted, "say", said.append)
        monkeypatch.setattr(finetune_hosted, "is_own_address", lambda provider, base_url: True)
        learner.execution = {"shutdown_notice": 10_000}
        learner.finetune()
        notes = [line for line in said if line.startswith("WARNING")]
        assert any("gpt-4o-mini WILL BE SHUT DOWN on 2027-01-14" in note or "WAS SHUT DOWN" in note for note in notes)
        assert any("2027-01-06" in note for note in notes)

    def test_epochs(self) -> None:
        assert [epochs_of("auto", number) for number in (10, 20, 40, 9000)] == [10, 5, 3, 3]
        assert epochs_of(2, 10) == 2

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("see https://example.org/a", ["address"]),
            ("write to me@example.org", ["e-mail"]),
            ("call +49 30 123456 78", ["telephone number"]),
            ("2 + 3 = 5, 1990-2020", []),
        ],
    )
    def test_notable_rows(self, text: str, found: list[str]) -> None:
        assert notable(text) == found


class TestHostedModels:
    """The command that lists and deletes."""

    def test_nothing_yet(self, learner: Learner) -> None:
        Journal(learner.folder / "journal.sqlite", "results", "gpt").close()
        assert "no hosted model was ever fine-tuned" in tool(learner, "models").stdout
        for command in ("forget", "cancel"):
            assert "no fine-tuning job 'x'" in tool(learner, command, "x").stdout

    def test_nothing_in_a_journal_that_is_older_than_fine_tuning(self, learner: Learner) -> None:
        Journal(learner.folder / "journal.sqlite", "results", "gpt").close()
        with contextlib.closing(sqlite3.connect(learner.folder / "journal.sqlite")) as db:
            for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                if table.startswith("tuning"):
                    db.execute(f"DROP TABLE {table}")
            db.commit()
        assert "there is nothing to delete" in tool(learner, "delete").stdout

    def test_list_and_delete(self, learner: Learner, server: Server) -> None:
        for seed in (1, 2):
            learner.finetune(learner.run_of(30, seed=seed))
        listed = tool(learner, "models").stdout
        one, two = learner.tunings()
        assert one.name in listed and str(two.tuned_model) in listed
        assert "results tuned/human/30/1" in listed
        assert "2 jobs, 2 files that were not deleted" in listed
        assert "  yes  " in listed
        would = tool(learner, "delete").stdout
        assert f"would delete model {one.tuned_model}" in would and "--yes" in would
        assert server.stats()["files"] == 4
        part = tool(learner, "delete", "--yes", "--job", one.name)
        assert part.returncode == 0, part.stdout
        assert learner.states() == ["forgotten", "succeeded"]
        assert server.stats()["files"] == 4  # the other job's, too
        assert tool(learner, "delete", "--yes").returncode == 0
        assert learner.states() == ["forgotten", "forgotten"]
        assert server.stats()["files"] == 2  # the jobs' own metrics
        assert "there is nothing to delete" in tool(learner, "delete", "--yes").stdout
        learner.finetune()
        assert server.stats()["total"]["jobs"] == 3
        learner.check_money()

    def test_cancel_forget_and_the_journals_tool(self, learner: Learner, server: Server) -> None:
        server.faults(tuning=60)
        process = learner.start()
        wait_until(lambda: server.stats()["total"]["jobs"] == 1, process)
        wait_until(lambda: learner.states() == ["created"], process)
        (tuning,) = learner.tunings()
        refused = tool(learner, "forget", tuning.name, "--yes")
        assert refused.returncode == 1 and "a process works on job" in refused.stdout
        assert "  validating_files  " in tool(learner, "models").stdout
        assert "is under way" in tool(learner, "delete", "--yes").stdout
        assert "is cancelled at the provider" in tool(learner, "cancel", tuning.name).stdout
        printed = process.communicate(timeout=30)[0]
        assert "was cancelled at the provider" in printed
        assert learner.states() == ["cancelled"]
        assert tool(learner, "cancel", tuning.name).returncode == 1
        server.faults(tuning={"seconds": 0.05, "modelless": 1})
        with pytest.raises(UserError, match="tools/journal forget"):
            learner.finetune()
        name = learner.tunings()[1].name
        assert "add --yes" in tool(learner, "forget", name).stdout
        assert learner.states() == ["cancelled", "succeeded"]
        assert "is given up" in tool(learner, "forget", name, "--yes").stdout
        server.faults(tuning=0.05)
        learner.finetune()
        assert learner.states() == ["cancelled", "forgotten", "succeeded"]
        shown = tool(learner, "show").stdout
        assert all(word in shown for word in ("trained tokens", "forgotten", "succeeded", "learner tuned", "given up"))
        learner.check_money()

    def test_a_wrong_key_is_said(self, learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
        learner.finetune()
        monkeypatch.setenv("BAD", "bad-key")
        listed = tool(learner, "models", key="BAD")
        assert listed.returncode == 0 and "not found out: " in listed.stdout
        deleted = tool(learner, "delete", "--yes", key="BAD")
        assert deleted.returncode == 1 and "Incorrect API key" in deleted.stdout
        assert learner.states() == ["succeeded"]
        assert tool(learner, "models", key="NOT_SET").returncode == 1

    def test_a_key_in_the_place_of_a_variable_is_not_repeated(self, learner: Learner) -> None:
        learner.finetune()
        for command, *arguments in (("models",), ("delete", "--yes")):
            result = tool(learner, command, *arguments, key="sk-made-up-123QWERTY")
            assert result.returncode == 1 and "--api-key-env" in result.stdout
            assert "made-up" not in result.stdout + result.stderr
        assert learner.states() == ["succeeded"]


def test_a_study_counts_learners_beside_generators(learner: Learner, tmp_path: Path) -> None:
    folder = tmp_path / "generator"
    folder.mkdir()
    journal = {"journal": str(tmp_path / "journal.sqlite")}
    generator = Generator(folder, None, ["Das Haus ist alt."], llm=journal)
    arguments: list[Any] = generator.parsed().generator[0]
    learner.generators = ["--generator", *arguments]
    found = study_estimates(finetune_hosted.PARSER.parse_args(learner.tuning_arguments(learner.all_runs[0])))
    assert [one.execution.generator for one in found] == ["gpt", "learner tuned"]
    assert "learner tuned: jobs" in table(found)
