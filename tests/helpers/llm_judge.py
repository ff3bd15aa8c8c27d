"""A judge that asks the fake server, by its script alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from fake_server import Server
from llm_study import PROMPTS, Generator
from study_file import SCHEMA

from llm import prompt_judge
from planning.load_study import load_study
from workbench.tables import write_rows

TRANSLATING = ("prompt_many",)


class Judge(Generator):
    """A judge of a generator's targets, run as its rule runs it, in a folder.

    Args:
        folder: where pool, targets, journal and results are.
        server: whom to ask; None for one that is never asked.
        pairs: sources and the targets that are judged.
        provider: ``openai`` or ``anthropic``.
        llm: the section ``llm`` of the configuration.
        settings: keys of the judge's configuration.
    """

    module: ModuleType = prompt_judge
    judged = "strong"

    def __init__(
        self,
        folder: Path,
        server: Server | None,
        pairs: Sequence[tuple[str, str]],
        provider: str = "openai",
        llm: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(folder, server, [source for source, _ in pairs], provider, llm, **settings)
        self.generator = {
            "metric": "llm_judge",
            **{name: value for name, value in self.generator.items() if name not in TRANSLATING},
            "prompt": str(PROMPTS / "judge.txt"),
            "retry_prompt": str(PROMPTS / "judge_retry.txt"),
            **settings,
        }
        self.study = str(folder / "results")
        self.write(pairs)

    @property
    def targets(self) -> Path:
        """The targets that are judged."""
        return Path(self.study) / "generators" / self.judged / "generated.tsv"

    def write(self, pairs: Sequence[tuple[str, str]], prefix: str = "train") -> None:
        """Write what is judged."""
        self.targets.parent.mkdir(parents=True, exist_ok=True)
        ids = [f"{prefix}:{number}" for number in range(len(pairs))]
        rows = [(name, source, f"human {source}") for name, (source, _) in zip(ids, pairs, strict=True)]
        write_rows(self.pool, ["id", "source", "target"], rows)
        texts = [(name, target, "", "{}") for name, (_, target) in zip(ids, pairs, strict=True)]
        write_rows(self.targets, ["id", "text", "logprob", "metadata"], texts)

    def config(self) -> dict[str, Any]:
        """The configuration of the study that the judge is in."""
        lines = self.folder / "lines.txt"
        lines.write_text("a line\n", encoding="utf-8")
        strong = {"provider": "files", "targets": str(lines), "aligned_with": "pool"}
        return {
            **super().config(),
            "generators": {self.judged: strong},
            "conditions": {"human": {"mixture": {"human": 1}}, "synthetic": {"mixture": {self.judged: 1}}},
            "quality": {"judge": self.generator},
        }

    def arguments(self) -> list[str]:
        """The command line of the script, without its name and log."""
        study = load_study(self.config(), [], {}, SCHEMA)
        judge = study.quality["judge"]
        settings, execution, files = judge.llm.settings, judge.execution(self.judged), judge.llm.prompts
        return [
            *("--label", "judge", "--settings", settings, "--execution", execution),
            *(argument for role, path in files.items() for argument in ("--prompt", role, path)),
            *("--generator", settings, execution, json.dumps(files)),
            *("--pool", str(self.pool), "--generated", str(self.targets)),
            *(argument for name in ("scores", "answers", "rejects") for argument in (f"--{name}", self._out(name))),
            *("--ledger", str(self.folder / "ledger.json")),
        ]

    def scores(self) -> dict[str, int | None]:
        """The score of each target."""
        return {row["id"]: int(row["score"]) if row["score"] else None for row in self.table("scores")}
