"""Generators that ask the fake server: a whole study in a workspace, or one generator by its script alone."""

from __future__ import annotations

import argparse
import base64
import csv
import json
import os
import signal
import sqlite3
import subprocess
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from fake_server import Server
from paths import ROOT
from study_file import SCHEMA
from toy_corpus import toy_corpus
from warm_python import python

from llm import prompt_llm
from planning.load_study import load_study
from workbench.tables import write_rows

SCRIPTS = ROOT / "workflow" / "scripts"
PROMPTS = ROOT / "resources" / "prompts"
PRICE = {"input": 1, "output": 2}

Row = dict[str, str]


def read_table(path: Path) -> list[Row]:
    """The rows of a table of the results."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


class Generator:
    """A generator with its own pool, run as its rule runs it, in a folder.

    Args:
        folder: where pool, journal and results are.
        server: whom to ask; None for one that is never asked.
        sources: of the pool.
        provider: ``openai`` or ``anthropic``.
        llm: the section ``llm`` of the configuration.
        settings: keys of the generator's configuration.
    """

    name = "gpt"
    module: ModuleType = prompt_llm

    def __init__(
        self,
        folder: Path,
        server: Server | None,
        sources: Sequence[str],
        provider: str = "openai",
        llm: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.folder = folder
        self.pool = folder / "pool.tsv"
        write_rows(self.pool, ["id", "source", "target"], [(f"train:{n}", text, "-") for n, text in enumerate(sources)])
        self.corpus = folder / "corpus.tsv"
        self.corpus.write_text("eine Zeile\ta line\n" * 23, encoding="utf-8")
        url = "http://127.0.0.1:9" if server is None else server.url
        self.generator = {
            "provider": provider,
            "model": "fake-strong",
            "base_url": f"{url}/v1" if provider == "openai" else url,
            "price": PRICE,
            "prompt": str(PROMPTS / "translate.txt"),
            "prompt_many": str(PROMPTS / "translate_many.txt"),
            "retry_prompt": str(PROMPTS / "retry.txt"),
            **settings,
        }
        self.llm = {"journal": str(folder / "journal.sqlite"), **(llm or {})}
        self.study = "results"

    def config(self) -> dict[str, Any]:
        """The configuration of the study that the generator is in."""
        return {
            "results": self.study,
            "languages": {"source": "de", "target": "en"},
            "corpus": {"kind": "files", "files": {"train": {"tsv": str(self.corpus)}}},
            "splits": {"pretrain": 1, "pool": 20, "valid": 1, "test": 1},
            "llm": self.llm,
            "generators": {self.name: self.generator},
            "conditions": {"human": {"mixture": {"human": 1}}, "synthetic": {"mixture": {self.name: 1}}},
            "sizes": [1],
        }

    def arguments(self) -> list[str]:
        """The command line of the script, without its name and log."""
        study = load_study(self.config(), [], {}, SCHEMA)
        generator = study.generators[self.name]
        settings, execution, files = generator.settings, generator.execution, generator.llm.prompts
        return [
            *("--label", self.name, "--settings", settings, "--execution", execution),
            *(argument for role, path in files.items() for argument in ("--prompt", role, path)),
            *("--generator", settings, execution, json.dumps(files), "--pool", str(self.pool)),
            *(argument for name in ("generated", "answers", "rejects") for argument in (f"--{name}", self._out(name))),
            *("--ledger", str(self.folder / "ledger.json")),
        ]

    def _out(self, name: str) -> str:
        return str(self.folder / f"{name}.tsv")

    def run(self) -> None:
        """Run the script in this process."""
        self.module.main(self.parsed())

    def parsed(self) -> argparse.Namespace:
        """The script's arguments."""
        return self.module.PARSER.parse_args(self.arguments())

    def start(self, **environment: str) -> subprocess.Popen[str]:
        """The script in its own process group; its log is ``log.txt``."""
        return subprocess.Popen(
            [python(), str(SCRIPTS / "llm/prompt_llm.py"), "--log", "log.txt", *self.arguments()],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(SCRIPTS), **environment},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def script(self, **environment: str) -> tuple[int, list[str]]:
        """Run the script to its end: its status and the lines on the terminal."""
        process = self.start(**environment)
        printed = process.communicate()[0]
        return process.returncode, printed.splitlines()

    @property
    def log(self) -> str:
        """What the script wrote to its log."""
        return (self.folder / "log.txt").read_text(encoding="utf-8")

    def table(self, name: str) -> list[Row]:
        """``generated``, ``answers`` or ``rejects``."""
        return read_table(self.folder / f"{name}.tsv")

    @property
    def ledger(self) -> dict[str, Any]:
        return json.loads((self.folder / "ledger.json").read_text(encoding="utf-8"))

    def check_accounts(self) -> None:
        """Every sample of every source has one row, a target or a row among the rejects; the ledger adds up."""
        answers, ledger = self.table("answers"), self.ledger
        ids = {row["id"] for row in read_table(self.pool)}
        samples = self.generator.get("samples", 1)
        assert len(answers) == len({(row["id"], row["sample"]) for row in answers}) == len(ids) * samples
        targets = {row["id"] for row in self.table("generated")}
        rejects = {(row["id"], row["sample"]) for row in self.table("rejects")}
        assert {row["id"] for row in answers} == ids
        assert all(row["outcome"] == "ok" or (row["id"], row["sample"]) in rejects for row in answers)
        assert ids == targets | {identifier for identifier, _ in rejects}
        assert ledger["sources"] == len(ids)
        assert ledger["targets"] == len(targets) == ledger["sources"] - ledger["left_out"]
        assert sum(ledger["outcomes"].values()) == sum(ledger["actions"].values()) == len(answers)
        assert ledger["requests"] == ledger["answered"] + ledger["failed"] + ledger["lost"] + ledger["in_flight"]
        assert sum(ledger["failures"].values()) == ledger["failed"]
        assert ledger["in_flight"] == 0
        assert sum(ledger["models"].values()) == ledger["answered"]


def toy_sources(number: int) -> list[str]:
    """German sentences, all different."""
    return [german for german, _ in toy_corpus(number)]


def traces(key: str) -> dict[str, bytes]:
    """How a key would look in a file: as it is, in JSON, in an address, in base64 at each of its three offsets."""
    forms = {
        "as it is": key.encode(),
        "in JSON": json.dumps(key)[1:-1].encode(),
        "in an address": urllib.parse.quote(key, safe="").encode(),
        "in an address, slashes kept": urllib.parse.quote(key).encode(),
        "as a Python string": repr(key)[1:-1].encode(),
    }
    for offset in range(3):
        # What comes before and after the key changes the first and last characters.
        packed = base64.b64encode(b"\0" * offset + key.encode())
        forms[f"in base64 ({offset})"] = packed[4 if offset else 0 : -4]
        forms[f"in base64 for addresses ({offset})"] = forms[f"in base64 ({offset})"].translate(
            bytes.maketrans(b"+/", b"-_")
        )
    return forms


def find_keys(folder: Path, keys: Sequence[str]) -> list[str]:
    """Where below ``folder`` a key stands, in names and contents of files and in every cell of a SQLite file."""
    forms = [(form, pattern) for key in keys for form, pattern in traces(key).items()]
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = str(path).encode() + b"\n" + path.read_bytes() + cells(path)
            found += [f"{path}: {form}" for form, pattern in forms if pattern in content]
    return found


def cells(path: Path) -> bytes:
    """All text and bytes of a SQLite file, which in the file itself may be cut by pages; nothing for other files."""
    with path.open("rb") as file:
        if not file.read(16).startswith(b"SQLite format 3"):
            return b""
    db = sqlite3.connect(path)
    try:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [row for name in tables for row in db.execute(f'SELECT * FROM "{name}"')]
    finally:
        db.close()
    return b"\n".join(cell if isinstance(cell, bytes) else str(cell).encode() for row in rows for cell in row)


def wait_until(done: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 120.0) -> None:
    """Wait for ``done`` while ``process`` runs."""
    deadline = time.monotonic() + seconds
    while not done():
        assert process.poll() is None, "it ended before that"
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal to a process started in its own session and to all that it started, as a terminal does."""
    os.killpg(process.pid, number)
