"""Measure how long Snakemake plans a large study, against a trivial workflow with as many jobs.

Run from the repository root in the workflow's environment, on an idle machine::

    .venv/bin/python benchmarks/dag_scale.py --conditions 500 --seeds 5

The study mixes human text with a generator's in as many shares as there are conditions; nothing of it runs. The trivial
workflow has one rule with one output and no input. Both are planned in turn, as ``snakemake --dry-run`` does it under
the profile of the repository, and their ratio is taken round by round. Where others use the machine, too, the processor
time says more than the clock.
"""

from __future__ import annotations

import argparse
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import yaml

PROFILE = Path("profiles/default").resolve()
TRIVIAL = """\
rule all:
    input: expand("out/{{number}}.txt", number=range({jobs}))

rule one:
    output: "out/{{number}}.txt"
    shell: "touch {{output}}"
"""


class Plan(NamedTuple):
    """A dry run: seconds by the clock and of the processor, number of jobs."""

    clock: float
    processor: float
    jobs: int


def study(conditions: int, seeds: int, results: Path) -> dict[str, object]:
    """A study with so many conditions and seeds; its results folder stays empty."""
    shares = {f"mixed-{number}": number / (10 * conditions) for number in range(1, conditions)}
    mixed = {name: {"mixture": {"human": 1 - share, "strong": share}} for name, share in shares.items()}
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


def plan(*arguments: str) -> Plan:
    """A dry run with ``arguments``."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--dry-run", "--workflow-profile", str(PROFILE), *arguments],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    clock, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stdout[-3000:])
    jobs = re.findall(r"^total +(\d+)$", done.stdout, re.MULTILINE)
    return Plan(clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, int(jobs[-1]))


def main() -> None:
    """Print times and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conditions", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    ours: list[Plan] = []
    trivial: list[Plan] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configuration, snakefile = folder / "study.yaml", folder / "Snakefile"
        configuration.write_text(yaml.safe_dump(study(arguments.conditions, arguments.seeds, folder / "results")))
        for _ in range(arguments.rounds):
            ours.append(plan("--configfile", str(configuration)))
            snakefile.write_text(TRIVIAL.format(jobs=ours[-1].jobs - 1))
            trivial.append(plan("--snakefile", str(snakefile), "--directory", name))
    print(f"{ours[0].jobs:,} jobs, trivial workflow {trivial[0].jobs:,}, medians of {arguments.rounds} rounds")
    for what in ("clock", "processor"):
        pairs = [(getattr(a, what), getattr(b, what)) for a, b in zip(ours, trivial, strict=True)]
        seconds = [statistics.median(times) for times in zip(*pairs, strict=True)]
        ratio = statistics.median(first / second for first, second in pairs)
        print(f"{what}: study {seconds[0]:.1f} s, trivial workflow {seconds[1]:.1f} s, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
