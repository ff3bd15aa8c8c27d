"""Compare the online executor with bespokelabs-curator on the same fake server, in the regimes of llm_rate.py.

Run it with benchmarks/llm_peer.sh, which sets up curator's own environment, or with the path of its Python::

    .venv/bin/python benchmarks/llm_peer.py --python /path/to/environment/bin/python

Each regime has one fresh fake server. Curator and the workbench ask it for the same sentences, one after the other, on
an otherwise idle machine. Imports are not counted, and neither is curator's first request, which imports more. Curator
keeps its answers in files, the workbench in its journal. Both know the same limit of requests per minute, or none. Bar:
the workbench is at least as fast and loses nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from llm_command import print_row
from llm_rate import MODEL, REGIMES, Outcome, Regime, ask, timed

# The path to the helpers is set by the imports above.
from fake_server import Server, fake_llm  # isort: skip
from llm.providers import open_api  # isort: skip

CLIENT = Path(__file__).with_name("llm_peer_curator.py")
REGIMES_OF_PEER = ("flat", "fast", "tail", "limited", "not told")
WIDTHS = (-10, -10, 9, 10, 8, 6, 6, 7)
HEADER = ("regime", "client", "time", "rate", "CPU", "429", "lost", "ratio")


def ask_curator(python: str, server: Server, regime: Regime, prompts: list[str]) -> Outcome:
    """Ask with curator in its own environment.

    Raises:
        SystemExit: it failed.
    """
    order = {
        "prompts": prompts,
        "model": MODEL,
        "base_url": server.openai,
        "at_once": regime.at_once,
        "per_minute": regime.per_minute,
    }
    with tempfile.TemporaryDirectory() as home:
        # It looks for settings and keeps answers below the home directory.
        environment = {**os.environ, "HOME": home, "CURATOR_DISABLE_RICH_DISPLAY": "1", "TELEMETRY_ENABLED": "0"}
        done = subprocess.run(
            [python, str(CLIENT)], input=json.dumps(order), env=environment, capture_output=True, text=True
        )
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"seconds"')]
    if done.returncode or not lines:
        raise SystemExit(f"curator failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return Outcome(**json.loads(lines[-1]))


def ask_workbench(server: Server, regime: Regime, prompts: list[str]) -> Outcome:
    """Ask with the online executor and an empty journal."""
    settings = {
        "provider": "openai",
        "model": MODEL,
        "base_url": server.openai,
        "api_key_env": None,
        "timeout": 60,
        "concurrency": regime.at_once,
        "temperature": 0,
    }
    api = open_api(settings)
    calls = [api.call(None, prompt, 60, 0, 0) for prompt in prompts]
    with tempfile.TemporaryDirectory() as folder:
        return timed(lambda: ask(settings, regime, calls, Path(folder)))


def measure(name: str, python: str) -> Iterator[tuple[object, ...]]:
    """The lines of the table for one regime."""
    regime = REGIMES[name]
    prompts = [
        f"Translate from German into English:\n\nSatz {number}: das Haus ist alt." for number in range(regime.requests)
    ]
    seconds = 0.0
    with fake_llm(**regime.faults()) as server:
        for client in ("curator", "workbench"):
            server.reset()
            if client == "curator":
                outcome = ask_curator(python, server, regime, prompts)
            else:
                outcome = ask_workbench(server, regime, prompts)
            throttled = server.stats()["total"]["statuses"].get("429", 0)
            ratio = f"{seconds / outcome.seconds:.2f}" if seconds else "-"
            seconds = outcome.seconds
            yield (
                *(name, client, f"{outcome.seconds:.2f} s", f"{regime.requests / outcome.seconds:.1f}/s"),
                *(f"{outcome.cpu:.2f} s", throttled, regime.requests - outcome.answers, ratio),
            )


def main() -> None:
    """Print two lines for each regime."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True, help="the Python of the environment with bespokelabs-curator")
    parser.add_argument("--regime", choices=REGIMES, action="append", help="only this one; may be repeated")
    arguments = parser.parse_args()
    print_row(HEADER, WIDTHS)
    print_row(("bar", "", "", "", "", "", "0", ">= 1"), WIDTHS)
    for name in arguments.regime or REGIMES_OF_PEER:
        for line in measure(name, arguments.python):
            print_row(line, WIDTHS)


if __name__ == "__main__":
    main()
