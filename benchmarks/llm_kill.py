"""Kill a run that asks an LLM with -9 at random moments, run it again, and count what was paid twice.

Run from the repository root in the workflow's environment; takes about three minutes::

    .venv/bin/python benchmarks/llm_kill.py

First the script of a study (llm/prompt_llm.py) asks the fake server (fake_llm) undisturbed. Then, for each kill, it
starts with an empty journal, is killed at a random moment between its first request and the undisturbed run's end, and
is run again to its end. With --in-a-row, all kills hit one run, which only the last rerun ends. The server counts the
answers that it wrote, including those whose client was gone: "paid twice" are answers to requests that it had answered
before. In batch mode nothing may be paid twice, and there may be no more batches than undisturbed.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm_command import Command, add_asking, print_row, write_pool

# The path to the helpers is set by the import above.
from fake_server import Server, fake_llm  # isort: skip

WIDTHS = (-12, 9, 12, 10, 11, 8, 8, 8, 11, 7)
HEADER = (
    "run",
    "killed at",
    "paid by then",
    "paid twice",
    "bar",
    "lost",
    "batches",
    "targets",
    "same output",
    "status",
)
BATCH = {"max_requests": 250, "poll_seconds": 0.2}


@dataclass
class Trial:
    """What is asked of the server, and what an undisturbed run takes and writes.

    Attributes:
        first, last: when its first request comes and when it ends, in seconds after its start.
        text: what it writes as generated text.
    """

    server: Server
    folder: Path
    pool: Path
    settings: dict[str, Any]
    first: float = 0.0
    last: float = 0.0
    text: bytes = b""

    def command(self, name: str) -> Command:
        """The command with its own folder and therefore its own journal."""
        return Command(self.folder / name, self.pool, self.server, self.settings)

    def undisturbed(self) -> tuple[object, ...]:
        """Run it undisturbed; returns a line of the table."""
        command = self.command("undisturbed")
        start = time.perf_counter()
        process = command.start()
        wait_for_requests(self.server)
        self.first = time.perf_counter() - start
        status = process.wait()
        self.last = time.perf_counter() - start
        if status:
            raise SystemExit(f"the undisturbed run failed:\n{command.log.read_text(encoding='utf-8')}")
        self.text = command.output("generated").read_bytes()
        total = self.server.stats()["total"]
        return (
            "undisturbed",
            "-",
            "-",
            total["paid_again"],
            "-",
            0,
            total["batches"],
            self.text.count(b"\n") - 1,
            "-",
            status,
        )

    def kill(self, command: Command, moment: float) -> tuple[str, int]:
        """Start it and kill it after the share ``moment`` of its time; returns when, and how many answers were paid."""
        before = self.server.stats()["total"]["requests"]
        start = time.perf_counter()
        process = command.start()
        wait_for_requests(self.server, before)
        # Python takes some time to start, so count from the first request.
        began = time.perf_counter()
        time.sleep(moment * (self.last - self.first))
        process.kill()
        process.wait()
        return f"{began - start:.1f}+{time.perf_counter() - began:.2f} s", self.server.stats()["total"]["answers"]

    def ended(self, name: str, command: Command, bar: int, killed: str, paid: int) -> tuple[object, ...]:
        """Run it to its end; returns a line of the table."""
        status = command.run()
        total = self.server.stats()["total"]
        same, targets = "-", 0
        if status == 0:
            text = command.output("generated").read_bytes()
            same, targets = "yes" if text == self.text else "NO", text.count(b"\n") - 1
        missing = self.text.count(b"\n") - 1 - targets
        return name, killed, paid, total["paid_again"], f"<= {bar}", missing, total["batches"], targets, same, status


def wait_for_requests(server: Server, before: int = 0) -> None:
    """Wait until the server was asked for anything beyond what it was ``before``."""
    while server.stats()["total"]["requests"] <= before:
        time.sleep(0.02)


def lines(trial: Trial, moments: list[float], bar: int, in_a_row: bool) -> Iterator[tuple[object, ...]]:
    """The lines of the table."""
    yield trial.undisturbed()
    if in_a_row:
        trial.server.reset()
        command = trial.command("in a row")
        for number, moment in enumerate(moments, start=1):
            # After each kill less is left, so the next one comes sooner.
            killed, paid = trial.kill(command, moment / len(moments))
            again = trial.server.stats()["total"]
            yield (
                f"kill {number}",
                killed,
                paid,
                again["paid_again"],
                f"<= {bar * number}",
                "-",
                again["batches"],
                "-",
                "-",
                "-",
            )
        yield trial.ended("last rerun", command, bar * len(moments), "-", trial.server.stats()["total"]["answers"])
        return
    for number, moment in enumerate(moments, start=1):
        trial.server.reset()
        command = trial.command(f"kill-{number}")
        killed, paid = trial.kill(command, moment)
        yield trial.ended(f"kill {number}", command, bar, killed, paid)


def main() -> None:
    """Print a line for each kill."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_asking(parser)
    parser.add_argument("--requests", type=int, default=2000, help="sources, one request each (2000)")
    parser.add_argument("--concurrency", type=int, default=32, help="requests at once (32)")
    parser.add_argument(
        "--latency", type=float, default=0.1, help="seconds until an answer (0.1); a batch takes 20 times as long"
    )
    parser.add_argument("--kills", type=int, default=10, help="how many (10)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (1)")
    parser.add_argument(
        "--in-a-row", action="store_true", help="kill one run again and again instead of a new one each time"
    )
    arguments = parser.parse_args()
    batch = arguments.mode == "batch"
    settings = {"provider": arguments.provider, "mode": arguments.mode, "concurrency": arguments.concurrency}
    draw = random.Random(arguments.seed)
    moments = [draw.random() for _ in range(arguments.kills)]
    with tempfile.TemporaryDirectory() as name, fake_llm() as server:
        folder = Path(name)
        latency = {"base": arguments.latency, "jitter": arguments.latency / 2}
        server.faults(latency=latency, batch=20 * arguments.latency)
        pool = write_pool(folder / "pool.tsv", arguments.requests)
        trial = Trial(server, folder, pool, settings | ({"batch": BATCH} if batch else {}))
        print_row(HEADER, WIDTHS)
        for line in lines(trial, moments, 0 if batch else arguments.concurrency, arguments.in_a_row):
            print_row(line, WIDTHS)


if __name__ == "__main__":
    main()
