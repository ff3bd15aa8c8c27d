"""Fine-tune and translate against npm's @copilotkit/aimock, which speaks OpenAI's files, fine-tuning jobs and chat.

Run it with benchmarks/tuning_peer.sh, which installs the mock. Each line repeats what the tests show with our own fake
server: the whole process, a rerun, a run that continues from a model, kills at each of the first thirty moments, and
deleting (the mock knows files but no models).
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "workflow" / "scripts"), str(ROOT / "tests" / "helpers")]

from batch_study import ended  # noqa: E402
from fake_server import Server  # noqa: E402
from tuning_study import Learner  # noqa: E402

from llm.asking import remote  # noqa: E402
from workbench.cli import UserError  # noqa: E402

MOST_MOMENTS = 30
FIXTURES = {"fixtures": [{"match": {"endpoint": "chat"}, "response": {"content": "The house is old."}}]}


@contextmanager
def mock(program: str, folder: Path) -> Iterator[Server]:
    """A mock on a free port of this machine."""
    (folder / "fixtures").mkdir()
    (folder / "fixtures" / "all.json").write_text(json.dumps(FIXTURES), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [program, "-p", str(port), "-h", "127.0.0.1", "-f", str(folder / "fixtures"), "--log-level", "silent"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = Server(f"http://127.0.0.1:{port}")
    try:
        for _ in range(100):
            try:
                jobs(server)
                break
            except OSError:
                time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait()


def jobs(server: Server) -> int:
    """How many jobs the mock lists."""
    address = f"{server.openai}/fine_tuning/jobs?limit=100"
    request = urllib.request.Request(address, headers={"Authorization": "Bearer test-key"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return len(json.load(response)["data"])


def the_whole_way(learner: Learner) -> str:
    learner.finetune()
    learner.translate()
    model, rows = learner.json("model.json")["model"], learner.table("hypotheses.tsv")
    return f"{model}, {sum(bool(row['text']) for row in rows)} of {len(rows)} translated"


def a_rerun(learner: Learner) -> str:
    before = jobs(learner.server)
    learner.finetune()
    return f"{jobs(learner.server) - before} jobs more"


def going_on(learner: Learner) -> str:
    first = learner.run_of(15)
    learner.finetune(first)
    learner.finetune(learner.run_of(30, new=15, start=first["run"]))
    return str(learner.json("model.json")["start"])


def kills(learner: Learner) -> str:
    """Kill at each moment in turn, each time with a new journal and seed."""
    deaths = more = 0
    for moment in range(1, MOST_MOMENTS + 1):
        folder = learner.folder / str(moment)
        folder.mkdir()
        run = learner.run_of(30, seed=100 + moment)
        one = Learner(folder, learner.server, runs=[run])
        before = jobs(learner.server)
        status = ended(one.process(moment))
        deaths += bool(status)
        if status:
            one.finetune(run)
        more += jobs(learner.server) - before - 1
    return f"{deaths} kills, {more} jobs too many"


def deleting(learner: Learner) -> str:
    learner.finetune()
    done = subprocess.run(
        [
            *(ROOT / "tools" / "journal", "delete", learner.folder / "journal.sqlite"),
            *("--yes", "--api-key-env", "FAKE_KEY"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    said = "; ".join(line.partition(" INFO ")[2] for line in done.stdout.splitlines())
    return f"status {done.returncode}: {said}"


CHECKS: dict[str, Callable[[Learner], str]] = {
    "the whole way": the_whole_way,
    "a rerun": a_rerun,
    "going on with a model": going_on,
    "kills": kills,
    "deleting": deleting,
}


def main() -> None:
    """Print a line for each check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mock", required=True, help="path of the mock's program `llmock`")
    arguments = parser.parse_args()
    os.environ["FAKE_KEY"] = "test-key"
    remote.SETTLE_SECONDS = 1.0  # the mock lists a job as soon as it has it
    remote.FIRST_POLL_SECONDS = 0.05
    with tempfile.TemporaryDirectory() as name, mock(arguments.mock, Path(name)) as server:
        shared = Path(name) / "study"
        shared.mkdir()
        for what, check in CHECKS.items():
            folder = shared
            if what not in ("the whole way", "a rerun"):
                folder = Path(name) / what.replace(" ", "-")
                folder.mkdir()
            try:
                found = check(Learner(folder, server))
            except UserError as error:
                found = f"ended: {error}"
            print(f"{what:24} {found}", flush=True)


if __name__ == "__main__":
    main()
