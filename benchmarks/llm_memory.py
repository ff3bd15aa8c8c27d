"""Measure how much memory the command that asks an LLM takes for few and for many sources.

Run from the repository root in the workflow's environment; 100,000 sources take some minutes::

    .venv/bin/python benchmarks/llm_memory.py

The script of a study (llm/prompt_llm.py) asks the fake server (fake_llm) for every source of a pool and writes its
files. The benchmark prints the highest resident memory of its process (VmHWM). With --again each run is repeated when
the journal holds every answer, which shows what the export alone takes.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llm_command import Command, add_asking, print_row, write_pool

# The path to the helpers is set by the import above.
from fake_server import Server, fake_llm  # isort: skip

WIDTHS = (9, -8, 9, 11, 9, 10, 8, 7)
HEADER = ("sources", "run", "peak", "over first", "bar", "journal", "time", "status")
BAR_MB = 50
LOOK_SECONDS = 0.05


def peak_of(process: subprocess.Popen[bytes]) -> float:
    """The highest resident memory of a process until it ends, in MB (10^6 bytes)."""
    peak = 0
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        # A process that has ended but was not waited for has no memory.
        lines = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        peak = max([peak, *(int(line.split()[1]) for line in lines)])
        time.sleep(LOOK_SECONDS)
    return peak * 1024 / 1e6


def measure(server: Server, folder: Path, sizes: list[int], settings: dict[str, Any], again: bool) -> Iterator[tuple]:
    """The lines of the table."""
    first: dict[str, float] = {}
    for size in sizes:
        server.reset()
        command = Command(folder / str(size), write_pool(folder / f"{size}.tsv", size), server, settings)
        for run in ("asking", "again")[: 1 + again]:
            start = time.perf_counter()
            process = command.start()
            peak = peak_of(process)
            first.setdefault(run, peak)
            yield (
                *(f"{size:,}", run, f"{peak:.0f} MB", f"{peak - first[run]:+.1f} MB", f"< {BAR_MB} MB"),
                *(f"{command.journal.stat().st_size / 1e6:.0f} MB", f"{time.perf_counter() - start:.0f} s"),
                process.returncode,
            )
        if process.returncode:
            print(command.log.read_text(encoding="utf-8")[-2000:])


def main() -> None:
    """Print a line for each number of sources."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_asking(parser)
    parser.add_argument(
        "--sources", type=int, nargs="+", default=[1000, 10_000, 100_000], help="how many, smallest first"
    )
    parser.add_argument("--concurrency", type=int, default=64, help="requests at once (64)")
    parser.add_argument("--per-request", type=int, default=1, help="sentences in one request (1)")
    parser.add_argument("--again", action="store_true", help="run each a second time, with nothing left to ask")
    arguments = parser.parse_args()
    settings = {
        "provider": arguments.provider,
        "mode": arguments.mode,
        "concurrency": arguments.concurrency,
        "sentences_per_request": arguments.per_request,
        "batch": {"poll_seconds": 0.5},
    }
    with tempfile.TemporaryDirectory() as name, fake_llm(latency=0.01, batch=1.0) as server:
        print_row(HEADER, WIDTHS)
        for line in measure(server, Path(name), arguments.sources, settings, arguments.again):
            print_row(line, WIDTHS)


if __name__ == "__main__":
    main()
