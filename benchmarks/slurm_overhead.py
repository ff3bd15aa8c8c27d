"""Measure what a job through Slurm takes longer than the same job where Snakemake runs.

Starts a Slurm of one node on this machine, as the tests do (root, Debian's slurm-wlm and munge), and makes the datasets
of a small study one job after the other, locally and through ``--profile slurm``. What Slurm and Snakemake wait for,
the queue and the interval between two looks at it, is separated from the extra time of a job itself: two starts of
Snakemake. Run from the repository root, on an idle machine::

    .venv/bin/python benchmarks/slurm_overhead.py
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from slurm_cluster import Cluster, why_not  # noqa: E402
from workspace import Workspace, jobs  # noqa: E402

TARGETS = ["results/datasets/human.random.tsv", "results/vocab/spm.model", "results/generators/weak/train.tsv"]
SLURM = ["--profile", "slurm", "--jobs", "1", "--slurm-status-command", "squeue"]
SLURM += ["--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1"]


def seconds(workspace: Workspace, *options: str) -> tuple[float, int]:
    """The wall time of a study's first jobs, and how many there are."""
    started = time.monotonic()
    said = workspace.snakemake(*options, "--", *TARGETS).stdout
    return time.monotonic() - started, len(jobs(said))


def main() -> None:
    """Print both times a job and the difference."""
    if reason := why_not():
        sys.exit(reason)
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    cluster = Cluster(folder)
    try:
        cluster.start()
        local, count = seconds(Workspace(folder / "local"), "--cores", "1")
        through, same = seconds(Workspace(folder / "slurm"), *SLURM)
        done = cluster.jobs()
    finally:
        cluster.stop()
        shutil.rmtree(folder)
    assert count == same == len(done), (count, same, len(done))
    running = sum((job.end - job.start).total_seconds() for job in done if job.start and job.end)
    more = (through - local) / count
    waiting = (through - running) / count
    print(f"{count} jobs one by one: locally {local / count:.1f} s a job, through Slurm {through / count:.1f} s")
    print(f"more through Slurm: {more:.1f} s a job, of which {waiting:.1f} s in the queue and between two looks at it")
    print(f"beyond that: {more - waiting:.1f} s a job")


if __name__ == "__main__":
    main()
