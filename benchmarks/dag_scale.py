"""Measure how long Snakemake plans a large study, against a trivial workflow with as many jobs.

Run from the repository root in the workflow's environment, on an idle machine::

    .venv/bin/python benchmarks/dag_scale.py --conditions 500 --seeds 5

The study mixes human text with a generator's in as many shares as there are conditions; nothing of it runs. The trivial
workflow has one rule with one output and no input. Both are planned in turn, and the medians compared.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

TRIVIAL = """\
rule all:
    input: expand("out/{{number}}.txt", number=range({jobs}))

rule one:
    output: "out/{{number}}.txt"
    shell: "touch {{output}}"
"""


def study(conditions: int, seeds: int, results: Path) -> dict[str, object]:
    """A study with so many conditions and seeds; its results folder stays empty."""
    shares = [number / (10 * conditions) for number in range(1, conditions)]
    mixed = {f"mixed-{share:.6f}"[:12]: {"mixture": {"human": 1 - share, "strong": share}} for share in shares}
    return {
        "results": str(results),
        "languages": {"source": "de", "target": "en"},
        "corpus": {"kind": "catalogues"},
        "splits": {"pretrain": 3000, "pool": 6400, "valid": 300, "test": 800},
        "vocab": {"size": 6000},
        "generators": {"strong": {"provider": "fairseq", "pairs": 3000}},
        "conditions": {"human": {"mixture": {"human": 1}}, **mixed},
        "sizes": [6400],
        "seeds": list(range(1, seeds + 1)),
    }


def plan(*arguments: str) -> tuple[float, int]:
    """Seconds that a dry run takes, and its number of jobs."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules", *arguments],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    seconds = time.monotonic() - started
    if done.returncode:
        sys.exit(done.stdout[-3000:])
    jobs = re.findall(r"^total +(\d+)$", done.stdout, re.MULTILINE)
    return seconds, int(jobs[-1])


def main() -> None:
    """Print both times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conditions", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configuration = folder / "study.yaml"
        configuration.write_text(yaml.safe_dump(study(arguments.conditions, arguments.seeds, folder / "results")))
        ours, trivial = [], []
        jobs = 0
        for _ in range(arguments.rounds):
            seconds, jobs = plan("--configfile", str(configuration))
            ours.append(seconds)
            (folder / "Snakefile").write_text(TRIVIAL.format(jobs=jobs - 1))
            arguments_of_trivial = ["--snakefile", str(folder / "Snakefile"), "--directory", str(folder)]
            trivial.append(plan(*arguments_of_trivial, "--workflow-profile", "none")[0])
    print(f"study, {jobs:,} jobs: {statistics.median(ours):.1f} s")
    print(f"trivial workflow, as many: {statistics.median(trivial):.1f} s")
    print(f"ratio: {statistics.median(ours) / statistics.median(trivial):.2f}")


if __name__ == "__main__":
    main()
