"""A hosted learner in its own folder, fine-tuned and asked at the fake server as its rules do it."""

from __future__ import annotations

import json
import os
import subprocess
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batch_study import Doomed
from fake_server import Server
from llm_settings import EXECUTION, SHAPING
from llm_study import PROMPTS, SCRIPTS, Row, read_table
from toy_corpus import toy_corpus
from warm_python import python

from llm import finetune_hosted, prompt_learner
from llm.asking import remote
from llm.journal import Journal, tunings
from llm.journal.tunings import Tuning
from llm.providers.connection import Connection
from llm.tuning import job
from llm.tuning.examples import Run
from workbench.tables import write_rows

RECIPE = "human"
SETTINGS = {
    **SHAPING,
    "model": "gpt-4o-mini",
    "n_epochs": "auto",
    "batch_size": "auto",
    "learning_rate_multiplier": "auto",
    "validation": True,
    "suffix": None,
    "max_tokens": 1000,
    "unusable": "stop",
}
LEARNER_EXECUTION = {
    **EXECUTION,
    "training_price": 3.0,
    "poll_seconds": 0.05,
    "generator": "learner tuned",
    "key": "learners.tuned",
}


@dataclass
class Learner:
    """A learner with its runs; each script runs as in a new process."""

    folder: Path
    server: Server
    instances: int = 30
    settings: dict[str, Any] = field(default_factory=dict)
    execution: dict[str, Any] = field(default_factory=dict)
    runs: Sequence[dict[str, Any]] | None = None
    generators: Sequence[str] = ()

    def __post_init__(self) -> None:
        pairs = toy_corpus(self.instances + 32)
        self.write("dataset", pairs[: self.instances], "human")
        self.write("pool", pairs[: self.instances])
        self.write("valid", pairs[-32:-20])
        self.write("test", pairs[-20:])

    def write(self, name: str, pairs: Sequence[tuple[str, str]], origin: str | None = None) -> None:
        """Write a table of pairs."""
        origins = [] if origin is None else [origin]
        columns = ["id", *(["origin"] if origins else []), "source", "target"]
        write_rows(self.path(name), columns, [(f"{name}:{n}", *origins, *pair) for n, pair in enumerate(pairs)])

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.tsv"

    @property
    def all_settings(self) -> dict[str, Any]:
        return {**SETTINGS, "base_url": self.server.openai, **self.settings}

    @property
    def all_execution(self) -> dict[str, Any]:
        return {**LEARNER_EXECUTION, "journal": str(self.folder / "journal.sqlite"), **self.execution}

    @property
    def prompts(self) -> dict[str, str]:
        return {"prompt": str(PROMPTS / "translate.txt"), "retry": str(PROMPTS / "retry.txt")}

    def shared(self) -> list[str]:
        """What both scripts take."""
        settings, execution = json.dumps(self.all_settings), json.dumps(self.all_execution)
        told = [[run[name] for name in Run._fields] for run in self.all_runs]
        prompts, runs = json.dumps(self.prompts), json.dumps(told)
        return [
            *("--settings", settings, "--execution", execution),
            *(argument for role, path in self.prompts.items() for argument in ("--prompt", role, path)),
            *("--learner", settings, execution, prompts, runs, *self.generators),
            *("--pool", str(self.path("pool")), "--test", str(self.path("test"))),
        ]

    @property
    def all_runs(self) -> list[dict[str, Any]]:
        """The study's runs of this learner."""
        return list(self.runs) if self.runs is not None else [self.run_of(self.instances)]

    @staticmethod
    def run_of(size: int, new: int | None = None, seed: int = 1, start: str | None = None) -> dict[str, Any]:
        name = f"tuned/{RECIPE}/{size}/{seed}"
        return {"run": name, "size": size, "new": size if new is None else new, "seed": seed, "start": start}

    def out(self, run: dict[str, Any], name: str) -> Path:
        return self.folder / "runs" / run["run"] / name

    def tuning_arguments(self, run: dict[str, Any]) -> list[str]:
        """The command line of ``finetune_hosted.py``."""
        start = self.folder / "runs" / run["start"] / "model.json" if run["start"] else None
        return [
            *("--run", run["run"], "--dataset", str(self.path("dataset"))),
            *("--size", str(run["size"]), "--skip", str(run["size"] - run["new"]), "--seed", str(run["seed"])),
            *(("--start", str(start)) if start else ()),
            *("--valid", str(self.path("valid")), *self.shared()),
            *("--model", str(self.out(run, "model.json")), "--report", str(self.out(run, "training.json"))),
            *("--events", str(self.out(run, "events.tsv")), "--losses", str(self.out(run, "losses.tsv"))),
            *("--ledger", str(self.out(run, "tuning.ledger.json"))),
        ]

    def translating_arguments(self, run: dict[str, Any]) -> list[str]:
        """The command line of ``prompt_learner.py``."""
        model = ("--model", str(self.out(run, "model.json"))) if run["size"] else ()
        return [
            *(*self.shared(), "--run", run["run"], *model, "--hypotheses", str(self.out(run, "hypotheses.tsv"))),
            *("--answers", str(self.out(run, "answers.tsv")), "--rejects", str(self.out(run, "rejects.tsv"))),
            *("--ledger", str(self.out(run, "ledger.json"))),
        ]

    def finetune(self, run: dict[str, Any] | None = None) -> None:
        """Run the script in this process."""
        run = run or self.all_runs[0]
        finetune_hosted.main(finetune_hosted.PARSER.parse_args(self.tuning_arguments(run)))

    def translate(self, run: dict[str, Any] | None = None) -> None:
        """Run the script in this process."""
        run = run or self.all_runs[0]
        prompt_learner.main(prompt_learner.PARSER.parse_args(self.translating_arguments(run)))

    def start(self, run: dict[str, Any] | None = None) -> subprocess.Popen[str]:
        """The fine-tuning in its own process group; its log is ``log.txt``."""
        arguments = self.tuning_arguments(run or self.all_runs[0])
        return subprocess.Popen(
            [python(), str(SCRIPTS / "llm/finetune_hosted.py"), "--log", "log.txt", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(SCRIPTS), "FAKE_KEY": "test-key"},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def json(self, name: str, run: dict[str, Any] | None = None) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out(run or self.all_runs[0], name).read_text(encoding="utf-8"))
        return found

    def table(self, name: str, run: dict[str, Any] | None = None) -> list[Row]:
        return read_table(self.out(run or self.all_runs[0], name))

    @property
    def journal(self) -> Journal:
        """To read."""
        return Journal.open_reading(self.folder / "journal.sqlite", "results", "learner tuned")

    def tunings(self) -> list[Tuning]:
        """All jobs in the journal."""
        with self.journal as journal:
            return tunings.TUNINGS.rows(journal)

    def states(self) -> list[str]:
        return [one.state for one in self.tunings()]

    def check_money(self) -> None:
        """What is spent is what jobs and attempts cost."""
        with self.journal as journal:
            (attempts,) = journal.read("SELECT coalesce(sum(coalesce(usd, worst_usd)), 0) FROM attempts")[0]
            (jobs,) = journal.read("SELECT coalesce(sum(coalesce(usd, worst_usd)), 0) FROM tunings")[0]
            (spent,) = journal.read("SELECT coalesce(sum(usd), 0) FROM spend")[0]
        assert abs(spent - attempts - jobs) < 1e-9

    def process(self, die_at: int | None = None) -> int:
        """The id of a new process that fine-tunes and dies at the given moment; wait for it with ``ended``.

        Moments are before each transaction and request and each file that is written; a process that dies before one
        dies after the one before.
        """
        child = os.fork()
        if child:
            return child
        status = 1
        try:
            doom_everything(Doomed(die_at))
            self.finetune()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)


def doom_everything(doom: Doomed) -> None:
    """Count in this process what happens, for good."""
    write, ask = Journal.write, Connection.ask
    write_json, write_table = finetune_hosted.write_json, finetune_hosted.write_rows

    async def doomed_write(self: Journal, function: Any) -> Any:
        doom.tick()
        return await write(self, function)

    async def doomed_ask(self: Connection, *arguments: Any, **more: Any) -> Any:
        doom.tick()
        answer = await ask(self, *arguments, **more)
        doom.tick()
        return answer

    def doomed_json(*arguments: Any) -> None:
        doom.tick()
        write_json(*arguments)

    def doomed_table(*arguments: Any) -> int:
        doom.tick()
        return write_table(*arguments)

    Journal.write = doomed_write  # type: ignore[method-assign]
    Connection.ask = doomed_ask  # type: ignore[method-assign,assignment]
    finetune_hosted.write_json = doomed_json
    finetune_hosted.write_rows = doomed_table


def quick_learner(folder: Path, server: Server, monkeypatch: Any, seconds: float = 0.1, **more: Any) -> Learner:
    """A learner at the fake server, which lists a job as soon as it has it and takes ``seconds`` for it."""
    monkeypatch.setattr(remote, "SETTLE_SECONDS", 0.1)
    monkeypatch.setattr(remote, "FIRST_POLL_SECONDS", 0.02)
    monkeypatch.setattr(job, "HOLD_SECONDS", 0.02)
    monkeypatch.setenv("FAKE_KEY", "test-key")
    server.faults(tuning=seconds)
    return Learner(folder, server, **more)


def jobs(server: Server) -> int:
    """How many jobs the server has created."""
    found: int = server.stats()["total"]["jobs"]
    return found
