"""Measure the default study: wall time, how well it uses two cores, the plan's time, BLEU of the human condition.

Run from the repository root in the workflow's environment, on an idle machine; takes as long as the study::

    .venv/bin/python benchmarks/default_study.py --cores 2

Results go to a temporary folder; what is downloaded stays in ``downloads``. The share of the wall time in which all
cores train or decode is taken from the times at which Snakemake starts and ends jobs, to the second.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BUSY = {"train_model", "train_generator", "generate_targets", "translate_test"}
_EVENT = re.compile(
    r"^\[(?P<time>\w{3} \w{3} [ \d]\d [\d:]{8} \d{4})\]\n"
    r"(?:(?:local)?rule (?P<rule>\w+):(?P<rest>(?:\n    .*)*)|Finished jobid: (?P<done>\d+))",
    re.MULTILINE,
)


def snakemake(*arguments: str) -> tuple[str, float]:
    """Run Snakemake; return what it printed and the wall time in seconds."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    seconds = time.monotonic() - started
    if done.returncode:
        sys.exit(done.stdout[-3000:])
    return done.stdout, seconds


def busy_jobs(output: str) -> list[tuple[float, float]]:
    """Start and end, in seconds since the epoch, of every job that trains or decodes."""
    started: dict[str, float] = {}
    intervals = []
    for event in _EVENT.finditer(output):
        when = datetime.datetime.strptime(event["time"], "%a %b %d %H:%M:%S %Y").timestamp()
        if event["rule"] in BUSY:
            job = re.search(r"jobid: (\d+)", event["rest"])
            assert job
            started[job[1]] = when
        elif event["done"] in started:
            intervals.append((started[event["done"]], when))
    return intervals


def share(intervals: list[tuple[float, float]], cores: int, wall: float) -> float:
    """Share of ``wall`` seconds in which at least ``cores`` of the intervals overlap."""
    edges = sorted([(start, 1) for start, _ in intervals] + [(end, -1) for _, end in intervals])
    running, full, last = 0, 0.0, 0.0
    for when, change in edges:
        full += (when - last) * (running >= cores)
        running, last = running + change, when
    return full / wall


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, default=2)
    cores = parser.parse_args().cores
    _, planning = snakemake("--dry-run", "--quiet", "--forceall")
    with tempfile.TemporaryDirectory(prefix="results-", dir=".") as folder:
        output, wall = snakemake("--cores", str(cores), "--config", f"results={Path(folder).name}")
        with (Path(folder) / "scores.tsv").open(encoding="utf-8", newline="") as file:
            scores = list(csv.DictReader(file, delimiter="\t"))
        answer = (Path(folder) / "answer.txt").read_text(encoding="utf-8").strip()
    largest = max(int(row["size"]) for row in scores)
    print(f"snakemake -n: {planning:.1f} s")
    print(f"study on {cores} cores: {wall / 60:.1f} minutes")
    print(f"all cores train or decode: {share(busy_jobs(output), cores, wall):.0%} of the wall time")
    for row in scores:
        if int(row["size"]) == largest:
            print(f"{row['condition']}, {largest} instances, seed {row['seed']}: BLEU {float(row['bleu']):.1f}")
    print(answer)


if __name__ == "__main__":
    main()
