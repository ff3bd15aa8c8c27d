"""Fixtures that unit tests of several stages share: the scripts, run as a rule runs them; the fake LLM provider."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import anthropic
import openai
import pytest
from fake_server import Server, fake_llm
from paths import SCRIPTS
from warm_python import python

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run_script(tmp_path: Path) -> Run:
    """Runs a script of the workflow in ``tmp_path``, with ``log.txt`` there as its log.

    Positional arguments are the script and its arguments, named ones its environment's additions.
    """

    def run(script: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python(), SCRIPTS / script, "--log", "log.txt", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(SCRIPTS), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


@pytest.fixture
def refusal(run_script: Run, tmp_path: Path) -> Callable[..., str]:
    """Runs a script that must refuse its input and returns what it says.

    It must say so in one line on the terminal, end with 1 and leave no file behind, except its log
    and what a library keeps in the folder ``cache``.
    """

    def files() -> set[Path]:
        ours = (path for path in tmp_path.rglob("*") if tmp_path / "cache" not in path.parents)
        return {path for path in ours if path.is_file() and path.name != "log.txt"}

    def run(script: str, *arguments: object, **environment: str) -> str:
        before = files()
        done = run_script(script, *arguments, **environment)
        lines = done.stderr.splitlines()
        assert done.returncode == 1, done.stderr
        assert len(lines) == 1, done.stderr
        start = f"[{Path(script).stem}] ERROR: "
        assert lines[0].startswith(start)
        assert "unexpected" not in lines[0]
        assert "Traceback" not in (tmp_path / "log.txt").read_text(encoding="utf-8")
        assert files() == before
        return lines[0].removeprefix(start)

    return run


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    """One fake LLM provider for all tests of a file."""
    with fake_llm() as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    """The fake LLM provider with nothing counted and no faults."""
    running.reset(faults=True)
    return running


@pytest.fixture(scope="module")
def gpt(running: Server) -> Iterator[openai.OpenAI]:
    """OpenAI's client without retries."""
    with openai.OpenAI(base_url=running.openai, api_key="test-key", max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def claude(running: Server) -> Iterator[anthropic.Anthropic]:
    """Anthropic's client without retries."""
    with anthropic.Anthropic(base_url=running.url, api_key="test-key", max_retries=0, timeout=20) as client:
        yield client
