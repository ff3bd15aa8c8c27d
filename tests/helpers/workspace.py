"""A checkout of the workflow in its own folder, in which tests run Snakemake as a user does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from paths import ROOT
from toy_corpus import toy_corpus
from warm_python import python

PARTS = ["Snakefile", "workflow", "config", "envs", "profiles", "slurm", "kubernetes", "resources"]
# Results that differ from run to run, by their paths in the results folder.
LEFT_OUT = r"^(logs|benchmarks)/|^timings\.tsv$|training\.json$|(^|/)\.|/state/"

STUDY = """\
languages: {source: de, target: en}
corpus:
  kind: files
  files: {train: {source: text/train.de, target: text/train.en}}
splits: {pretrain: 400, pool: 400, valid: 60, test: 60}
vocab: {size: 160}
generators:
  weak: {provider: fairseq, pairs: 150}
  garbled: {provider: files, targets: text/garbled.en}
  second: {provider: fairseq, from_run: {condition: weak, size: 400}}
conditions:
  human: {mixture: {human: 1}}
  weak: {mixture: {weak: 1}}
  mixed: {mixture: {human: 0.5, garbled: 0.5}}
  second: {mixture: {second: 1}}
sizes: [400]
seeds: [1]
learners:
  transformer:
    kind: fairseq
    options:
      arch: transformer
      encoder-layers: 1
      decoder-layers: 1
      encoder-embed-dim: 64
      decoder-embed-dim: 64
      encoder-ffn-embed-dim: 128
      decoder-ffn-embed-dim: 128
      encoder-attention-heads: 2
      decoder-attention-heads: 2
      share-all-embeddings: true
      optimizer: adam
      lr: 0.01
      lr-scheduler: inverse_sqrt
      warmup-updates: 20
      criterion: label_smoothed_cross_entropy
      max-tokens: 512
      max-update: 100
training: {save_every: 20, minutes: 5, memory_mb: 2000}
analysis: {diversity: {swaps: 100}}
evaluation: {samples: 200}
"""


class Workspace:
    """A folder with the workflow, a small corpus and a study on it.

    Args:
        folder: where; must not exist or be empty.
        study: text of the configuration, written to ``study.yaml``.
    """

    def __init__(self, folder: Path, study: str = STUDY) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.is_file():
                shutil.copy2(source, folder / part)
        self.configuration = folder / "study.yaml"
        self.configuration.write_text(study, encoding="utf-8")
        pairs = toy_corpus(1000)
        (folder / "text").mkdir()
        self.write_lines("text/train.de", [german for german, _ in pairs])
        self.write_lines("text/train.en", [english for _, english in pairs])
        self.write_lines("text/garbled.en", [" ".join(reversed(e.split())) for _, e in pairs])

    def write_lines(self, name: str, lines: list[str]) -> Path:
        """Write a text file below the folder, one line each."""
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace the one place where ``old`` occurs in a file."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name}: {text.count(old)} times {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def command(self, *arguments: str) -> list[str]:
        """The Snakemake command on this study."""
        return [python(), "-m", "snakemake", "--configfile", "study.yaml", *arguments]

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a user's shell, in which Python keeps what it compiles next to the workspace's modules."""
        shell = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {**shell, **(extra or {})}

    def snakemake(self, *arguments: str, check: bool = True, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake and return what it printed; with ``check`` a failure fails the test."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(extra),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        assert not check or done.returncode == 0, done.stdout[-5000:]
        return done

    def wait_for_end(self) -> None:
        """Wait until no Snakemake holds the results: what a killed command has started ends a moment later."""
        subprocess.run(["flock", self.folder / "results/.lock", "true"], check=True)

    def planned(self, *targets: str) -> set[str]:
        """The jobs that Snakemake would run now, for all or for some files; see :func:`jobs`."""
        return jobs(self.snakemake("--dry-run", "--cores", "1", *targets).stdout)

    def results(self) -> dict[str, bytes]:
        """Every result that must repeat byte for byte: all but logs, timings and what a running job keeps."""
        folder = self.folder / "results"
        return {
            name: path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not re.search(LEFT_OUT, name := str(path.relative_to(folder)))
        }

    def copy(self, folder: Path) -> Workspace:
        """This workspace with its results and Snakemake's memory of them, in another folder."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return self.there(folder)

    @classmethod
    def there(cls, folder: Path) -> Workspace:
        """The workspace that was made in a folder before."""
        found = object.__new__(cls)
        found.folder = folder
        found.configuration = folder / "study.yaml"
        return found


def jobs(output: str) -> set[str]:
    """The jobs that Snakemake announced in what it printed, as ``rule`` or ``rule:wildcard/wildcard…``."""
    found = set()
    for block in re.split(r"\n(?=\[\w{3} \w{3} )", output):
        rule = re.search(r"^(?:local)?rule (\w+):$", block, re.MULTILINE)
        if rule and rule[1] != "all":
            values = re.search(r"^    wildcards: (.*)$", block, re.MULTILINE)
            parts = re.findall(r"\w+=((?:(?!, \w+=).)*)", values[1]) if values else []
            found.add(":".join([rule[1], "/".join(parts)] if parts else [rule[1]]))
    return found
