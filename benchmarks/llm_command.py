"""Run the script that asks an LLM (``llm/prompt_llm.py``) as the workflow runs it, for benchmarks.

Settings come from the configuration's schema, so a benchmark measures what a study does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "workflow" / "scripts"
sys.path[:0] = [str(SCRIPTS), str(ROOT), str(ROOT / "tests" / "helpers")]

import yaml  # noqa: E402
from fake_server import Server  # noqa: E402

from planning.load_study import load_study  # noqa: E402
from planning.study import Study  # noqa: E402

NAME = "fake"
MODEL = "fake-strong"
OUTPUTS = {"generated": "generated.tsv", "answers": "answers.tsv", "rejects": "rejects.tsv", "ledger": "ledger.json"}
_PRICE = {"input": 0.15, "output": 0.6, "batch": 0.5}
_WHO = (
    "Der alte Mann",
    "Die junge Frau",
    "Ein Kind",
    "Der Lehrer",
    "Meine Schwester",
    "Das kleine Mädchen",
    "Ein Hund",
)
_DOES = ("sieht", "kauft", "findet", "sucht", "nimmt", "braucht", "hat")
_WHAT = ("ein rotes Auto", "das alte Haus", "zwei neue Bücher", "den großen Ball", "eine kleine Katze")
_WHERE = ("in der Stadt", "am Morgen", "auf der Straße", "hinter dem Haus", "ohne ein Wort", "vor der Schule")


def sentence(number: int) -> str:
    """A short German sentence, a different one for each number."""
    rest, words = number, []
    for part in (_WHO, _DOES, _WHAT, _WHERE):
        rest, place = divmod(rest, len(part))
        words.append(part[place])
    return f"{' '.join(words)} und zählt bis {number}."


def write_pool(path: Path, sources: int) -> Path:
    """Write a pool of ``sources`` sources."""
    with path.open("w", encoding="utf-8") as file:
        file.write("id\tsource\ttarget\n")
        file.writelines(f"s{number}\t{sentence(number)}\t-\n" for number in range(sources))
    return path


@dataclass
class Command:
    """One generator asked for the targets of a pool, with its files in a folder.

    Attributes:
        folder: of journal, outputs and log; created if missing.
        pool: the sources.
        server: answers the requests.
        settings: of the generator, as in the configuration; others have their defaults.
    """

    folder: Path
    pool: Path
    server: Server
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def journal(self) -> Path:
        """The SQLite file of all answers."""
        return self.folder / "journal.sqlite"

    @property
    def log(self) -> Path:
        """Everything that the command prints."""
        return self.folder / "prompt_llm.log"

    def output(self, name: str) -> Path:
        """One of the four files that the command writes: ``generated``, ``answers``, ``rejects``, ``ledger``."""
        return self.folder / OUTPUTS[name]

    def start(self) -> subprocess.Popen[bytes]:
        """Start it as a separate process; what it prints is appended to the log."""
        with self.log.open("ab") as log:
            environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
            return subprocess.Popen(self.arguments(), cwd=ROOT, env=environment, stdout=log, stderr=log)

    def run(self, seconds: float | None = None) -> int:
        """Run it to its end, or kill it after ``seconds``; returns the exit status."""
        process = self.start()
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def arguments(self) -> list[str]:
        """The command line, as ``workflow/rules/llm.smk`` writes it."""
        study = self._study()
        generator = study.generators[NAME]
        shaping, execution, prompts = generator.settings, generator.execution, generator.llm.prompts
        return [
            *(sys.executable, str(SCRIPTS / "llm" / "prompt_llm.py"), "--label", NAME),
            *("--settings", shaping, "--execution", execution),
            *(argument for role, path in prompts.items() for argument in ("--prompt", role, path)),
            *("--generator", shaping, execution, json.dumps(prompts), "--pool", str(self.pool)),
            *(argument for name in OUTPUTS for argument in (f"--{name}", str(self.output(name)))),
        ]

    def _study(self) -> Study:
        provider = self.settings.get("provider", "openai")
        base_url = self.server.openai if provider == "openai" else self.server.url
        given = {"provider": provider, "model": MODEL, "base_url": base_url, "price": _PRICE}
        generator = {**given, **self.settings}
        if provider == "openai":
            generator.setdefault("temperature", 0)
        config = {
            "results": str(self.folder),
            "languages": {"source": "de", "target": "en"},
            "corpus": {"kind": "catalogues"},
            # Nobody makes these splits, but they must satisfy the defaults of what else the study does with them.
            "splits": dict.fromkeys(("pretrain", "pool", "valid", "test"), 1000),
            "vocab": {"size": 100},
            "llm": {"max_usd": 1000, "journal": str(self.journal)},
            "generators": {NAME: generator},
            "conditions": {"human": {"mixture": {"human": 1}}, NAME: {"mixture": {NAME: 1}}},
            "sizes": [10],
        }
        path = self.folder / "study.yaml"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return load_study(config, [str(path)], {}, ROOT / "workflow" / "schemas" / "config.schema.yaml")


def add_asking(parser: Any) -> None:
    """``--provider`` and ``--mode`` of a benchmark's command line."""
    parser.add_argument("--provider", choices=("openai", "anthropic"), default="openai", help="protocol (openai)")
    parser.add_argument("--mode", choices=("online", "batch"), default="online", help="how it is asked (online)")


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a table."""
    with path.open(encoding="utf-8") as file:
        header = file.readline().rstrip("\n").split("\t")
        return [dict(zip(header, line.rstrip("\n").split("\t"), strict=True)) for line in file]


def print_row(cells: Iterable[object], widths: Iterable[int]) -> None:
    """A line of a table; a negative width aligns to the left."""
    line = [
        f"{cell!s:<{-width}}" if width < 0 else f"{cell!s:>{width}}" for cell, width in zip(cells, widths, strict=True)
    ]
    print("  ".join(line), flush=True)
