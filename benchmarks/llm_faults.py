"""Ask an LLM that fails in every way that the fake server knows, and check that the accounts add up.

Run from the repository root in the workflow's environment; takes about ten minutes::

    .venv/bin/python benchmarks/llm_faults.py

For each fault, the script of a study (llm/prompt_llm.py) asks the fake server (fake_llm) for the targets of a pool of
1,000 sources, with a separate journal. A fifth of the requests fail. Faults of the provider hit a request once ("x1":
its first try) or always. Unusable texts come always, but another prompt is drawn again. If the run must stop (no more
credit), the fault is then removed and the script is run again. The checks:

* Every source has a target or a row in the rejects table, and one row in answers.tsv.
* The ledger's sums are those of the tables. Its attempts are the requests that the server counted. Its answers are
  those that the server wrote and that arrived. Its dollars are those of the attempts in the journal.
* No log holds a traceback, and a run that stops says why in one line.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llm_command import Command, add_asking, print_row, rows_of, write_pool

# The path to the helpers is set by the import above.
from fake_llm.faults import AFTER, BEFORE, TEXT  # isort: skip
from fake_server import Server, fake_llm  # isort: skip

WIDTHS = (-28, 8, 8, 8, 8, 8, 9, 11, 7, -8)
HEADER = ("fault", "status", "targets", "rejects", "no row", "attempts", "answered", "tracebacks", "time", "adds up")
BAR = ("bar", "0", "", "", "0", "", "", "0", "", "yes")


@dataclass
class Case:
    """One way to fail: settings of the server and of the generator, and whether the run must stop at first."""

    faults: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    stops: bool = False


def cases(share: float, mode: str) -> dict[str, Case]:
    """All ways to fail in a mode, by name."""
    every = {"tail": Case({"latency": {"base": 0.02, "tail_share": share, "tail_factor": 20}})}
    for name in (*BEFORE, *AFTER):
        if mode == "batch" and name not in ("too_long", "bad_request", "content_policy"):
            continue
        every[f"{name} x1"] = Case({name: {"share": share, "attempts": 1}})
        # A request without any answer is given up when no other is left and the patience has run out.
        every[name] = Case({name: share}, {"patience": 30})
    for name in TEXT:
        every[name] = Case({name: share}, {"sentences_per_request": 5} if name == "misaligned" else {})
    every["drift"] = Case({"drift": 200})
    every["quota"] = Case({"quota": 800}, stops=True)
    if mode == "online":
        every["rate 200/s"] = Case({"rate": {"per_second": 200, "burst": 20}})
        every["rate 200/s, no hint"] = Case(
            {"rate": {"per_second": 200, "burst": 20, "retry_after": None, "headers": False}}
        )
        every["no usage, no models"] = Case({"local": {"models": 0, "usage": 0}})
        return every
    small = {"batch": {"max_requests": 250, "poll_seconds": 0.2}}
    every["slow batch"] = Case({"batch": {"seconds": 10}}, small)
    every["expired x1"] = Case({"batch": {"seconds": 1, "expired": share, "batches": 4}}, small)
    every["expired"] = Case({"batch": {"seconds": 1, "expired": share}}, small)
    every["half failed x1"] = Case({"batch": {"seconds": 1, "failed": share, "batches": 4}}, small)
    every["half failed"] = Case({"batch": {"seconds": 1, "failed": share}}, small)
    every["creation lost"] = Case({"batch": {"seconds": 1, "lost": 1}}, small)
    every["upload lost"] = Case({"batch": {"seconds": 1, "lost_files": 1}}, small)
    every["enqueued tokens"] = Case({"batch": {"seconds": 1, "enqueued_tokens": 20_000}}, small)
    return every


def measure(name: str, case: Case, server: Server, pool: Path, folder: Path, settings: dict[str, Any]) -> Iterator[Any]:
    """The line of the table for one case, and a line with what is wrong, if anything is."""
    server.reset(faults=True)
    server.faults(**{"latency": 0.02, "batch": 1.0, **case.faults})
    command = Command(folder / name.replace("/", " "), pool, server, settings | case.settings)
    start = time.perf_counter()
    status, runs = command.run(600), 1
    if status and case.stops:
        server.faults(**dict.fromkeys(case.faults))
        status, runs = command.run(600), 2
    seconds = time.perf_counter() - start
    log = command.log.read_text(encoding="utf-8")
    tracebacks = log.count("Traceback")
    if status:
        yield name, status, "-", "-", "-", "-", "-", tracebacks, f"{seconds:.0f} s", "-"
        yield "\n".join(log.splitlines()[-3:])
        return
    tables = {table: rows_of(command.output(table)) for table in ("generated", "answers", "rejects")}
    ledger = json.loads(command.output("ledger").read_text(encoding="utf-8"))
    sources = [row["id"] for row in rows_of(pool)]
    rowless = set(sources) - {row["id"] for table in ("generated", "rejects") for row in tables[table]}
    wrong = differences(ledger, tables, sources, command, server, runs, settings["mode"])
    yield (
        *(name, status, len(tables["generated"]), len(tables["rejects"]), len(rowless), ledger["requests"]),
        *(ledger["answered"], tracebacks, f"{seconds:.0f} s", "NO" if wrong else "yes"),
    )
    if wrong:
        yield "\n".join(f"    {what}: {left} and {right}" for what, left, right in wrong)


def differences(
    ledger: dict[str, Any],
    tables: dict[str, list[dict[str, str]]],
    sources: list[str],
    command: Command,
    server: Server,
    runs: int,
    mode: str,
) -> list[tuple[str, object, object]]:
    """Figures that should be equal and are not: their name, and both."""
    total = server.stats()["total"]
    targets = [row["id"] for row in tables["generated"]]
    with sqlite3.connect(command.journal) as journal:
        ((usd,),) = journal.execute("SELECT sum(coalesce(usd, worst_usd)) FROM attempts").fetchall()
    states = ("answered", "failed", "lost", "in_flight")
    dropped = {row["id"] for row in tables["rejects"] if row["action"] == "dropped"}
    pairs = [
        ("sources", ledger["sources"], len(sources)),
        ("targets", ledger["targets"], len(targets)),
        ("targets and left out", ledger["targets"] + ledger["left_out"], len(sources)),
        ("sources left out", sorted(set(sources) - set(targets)), sorted(dropped)),
        ("answers' ids", [row["id"] for row in sorted(tables["answers"], key=id_of)], sorted(sources, key=len_first)),
        ("outcomes", sum(ledger["outcomes"].values()), len(tables["answers"])),
        ("actions", sum(ledger["actions"].values()), len(tables["answers"])),
        ("attempts by state", sum(ledger[state] for state in states), ledger["requests"]),
        ("failures by kind", sum(ledger["failures"].values()), ledger["failed"]),
        ("answers by model", sum(ledger["models"].values()), ledger["answered"]),
        ("answers", ledger["answered"], total["answers"] - total["lost"]),
        ("dollars", round(abs(ledger["usd"] - usd), 6), 0),
    ]
    if mode == "online":  # each run asks for the model first
        pairs.append(("attempts", ledger["requests"], total["requests"] - runs))
    return [(what, left, right) for what, left, right in pairs if left != right]


def len_first(name: str) -> tuple[int, str]:
    """A sort key that puts s9 before s10."""
    return len(name), name


def id_of(row: dict[str, str]) -> tuple[int, str]:
    """The sort key of a table's row."""
    return len_first(row["id"])


def main() -> None:
    """Print a line for each fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_asking(parser)
    parser.add_argument(
        "--fault", action="append", metavar="NAME", help="only this one, as the table has it; may be repeated"
    )
    parser.add_argument("--share", type=float, default=0.2, help="of the requests (0.2)")
    parser.add_argument("--sources", type=int, default=1000, help="how many (1000)")
    arguments = parser.parse_args()
    every = cases(arguments.share, arguments.mode)
    if unknown := set(arguments.fault or []) - set(every):
        parser.error(f"no fault {', '.join(sorted(unknown))}; there are {', '.join(every)}")
    settings = {
        "provider": arguments.provider,
        "mode": arguments.mode,
        "concurrency": 64,
        "timeout": 3,
        "attempts": 3,
        "outcomes": {"failed": ["drop"]},
        "batch": {"poll_seconds": 0.2},
    }
    with tempfile.TemporaryDirectory() as folder, fake_llm() as server:
        pool = write_pool(Path(folder) / "pool.tsv", arguments.sources)
        print_row(HEADER, WIDTHS)
        print_row(BAR, WIDTHS)
        for name in arguments.fault or every:
            for line in measure(name, every[name], server, pool, Path(folder), settings):
                print(line, flush=True) if isinstance(line, str) else print_row(line, WIDTHS)


if __name__ == "__main__":
    main()
