"""Fine-tunings and translations of a tiny language model, on a small corpus, as the rules call the scripts."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paths import SCRIPTS
from tiny_llm import tiny_llm
from toy_corpus import toy_corpus
from warm_python import python

from finetune import finetune_local
from generate import generate_targets

LANGUAGES = {"source": "de", "target": "en"}
OPTIONS: dict[str, Any] = {
    "num_train_epochs": 5,
    "max_steps": None,
    "batch_size": 16,
    "learning_rate": 0.004,
    "lr_scheduler_type": "linear",
    "warmup_ratio": 0.05,
    "weight_decay": 0.0,
    "max_grad_norm": 1.0,
}
LORA = {"r": 8, "lora_alpha": 16, "lora_dropout": 0.1, "target_modules": "all-linear"}
SETTINGS: dict[str, Any] = {
    "languages": LANGUAGES,
    "method": "full",
    "lora": LORA,
    "options": OPTIONS,
    "max_tokens": 100,
    "unusable": "stop",
    "precision": "auto",
    "seed": 1,
    "device": "cpu",
    "save_every": 20,
}
DECODING: dict[str, Any] = {
    "languages": LANGUAGES,
    "num_beams": 1,
    "batch_size": 16,
    "max_output_factor": 2,
    "precision": "auto",
    "device": "cpu",
}
Row = tuple[str, str]


def write_table(path: Path, rows: Sequence[Row], origin: str = "human") -> Path:
    """Write pairs as a dataset."""
    lines = [f"s{number}\t{origin}\t{source}\t{target}" for number, (source, target) in enumerate(rows)]
    path.write_text("\n".join(["id\torigin\tsource\ttarget", *lines, ""]), encoding="utf-8")
    return path


def other_order(target: str) -> str:
    """A target that a model has to learn from scratch: its first word last."""
    first, _, rest = target.rstrip(".").partition(" ")
    return f"{rest} {first}."


@dataclass(frozen=True)
class Corpus:
    """Tables, a prompt, an untrained model with a chat template and one without."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, train: int = 500) -> Corpus:
        """Write them all."""
        pairs = toy_corpus(train + 80)
        write_table(folder / "train.tsv", pairs[:train])
        write_table(folder / "other.tsv", [(source, other_order(target)) for source, target in pairs[:train]])
        write_table(folder / "valid.tsv", pairs[train : train + 30])
        write_table(folder / "test.tsv", pairs[train + 30 :])
        (folder / "prompt.txt").write_text("{source_language} to {target_language}: {source}\n", encoding="utf-8")
        texts = ["German to English: ", *(text for pair in pairs for text in pair)]
        tiny_llm(folder / "base", texts)
        tiny_llm(folder / "plain", texts, chat=False, family="gpt2")
        return cls(folder)

    @property
    def test(self) -> list[Row]:
        """Sources and targets that no training sees."""
        lines = (self.folder / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]
        return [(line.split("\t")[2], line.split("\t")[3]) for line in lines]


class Finetuning:
    """``finetune_local.py`` in its own folder.

    Args:
        corpus: shared by fine-tunings.
        name: of the folder.
        settings: what differs from :data:`SETTINGS`; its ``options`` are merged.
        base: folder of the base model (default: the corpus' with a chat template).
        dataset: name of the table in the corpus.
        more: arguments.
    """

    def __init__(
        self,
        corpus: Corpus,
        name: str,
        settings: Mapping[str, Any] | None = None,
        base: Path | None = None,
        dataset: str = "train.tsv",
        more: Sequence[object] = (),
    ) -> None:
        self.folder = corpus.folder / name
        changed = dict(settings or {})
        changed["options"] = {**OPTIONS, **changed.get("options", {})}
        self.settings = {**SETTINGS, **changed}
        self.model = self.folder / "model"
        self.arguments = [
            *("--dataset", corpus.folder / dataset, "--valid", corpus.folder / "valid.tsv"),
            *("--base", base or corpus.folder / "base", "--prompt", "prompt", corpus.folder / "prompt.txt"),
            *("--settings", json.dumps(self.settings), "--threads", 1, "--code", "code", "--label", name),
            *("--state", self.folder / "state", "--model", self.model, "--report", self.folder / "training.json"),
            *more,
        ]

    def here(self) -> Finetuning:
        """Train to the end in this process."""
        finetune_local.main(finetune_local.PARSER.parse_args([str(word) for word in self.arguments]))
        return self

    def start(self, before: str = "") -> subprocess.Popen[str]:
        """Start or resume in a new process, which runs the Python code ``before`` first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        script = self.folder / "finetune_local.py"
        main = "from finetune import finetune_local as f\nfrom workbench.cli import run_script\n"
        script.write_text(f"{main}{before}\nrun_script(f.PARSER, f.main)\n", encoding="utf-8")
        command = [python(), script, *map(str, self.arguments), "--log", self.folder / "log"]
        environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
        return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)

    def run(self, before: str = "") -> tuple[int, str]:
        """The status of a process that trains, and what the terminal showed."""
        process = self.start(before)
        said = process.communicate(timeout=120)[1]
        return process.returncode, said

    @property
    def report(self) -> dict[str, Any]:
        """``training.json``."""
        return json.loads((self.folder / "training.json").read_text(encoding="utf-8"))

    @property
    def content(self) -> dict[str, bytes]:
        """The files of the model."""
        return {path.name: path.read_bytes() for path in sorted(self.model.iterdir())}


def translations(
    corpus: Corpus, base: Path, model: Path | None, settings: Mapping[str, Any] | None = None, test: Path | None = None
) -> list[str]:
    """The lines of the table of translations, without its header."""
    output = corpus.folder / "hypotheses.tsv"
    arguments = [
        *("--provider", "local", "--input", "base", base, "--input", "prompt", corpus.folder / "prompt.txt"),
        *("--settings", json.dumps({**DECODING, **(settings or {})}), "--split", test or corpus.folder / "test.tsv"),
        *(("--input", "model", model) if model else ()),
        *("--empty", "keep", "--threads", 1, "--output", output),
    ]
    generate_targets.main(generate_targets.PARSER.parse_args([str(word) for word in arguments]))
    return output.read_text(encoding="utf-8").splitlines()[1:]


def accuracy(corpus: Corpus, lines: Sequence[str], other: bool = False) -> float:
    """The share of words of the test targets at the same place in the translations."""
    right = words = 0
    for line, (_, target) in zip(lines, corpus.test, strict=True):
        wanted = (other_order(target) if other else target).split()
        right += sum(a == b for a, b in zip(wanted, line.split("\t")[1].split(), strict=False))
        words += len(wanted)
    return right / words
