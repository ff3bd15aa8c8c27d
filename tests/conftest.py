"""Fixtures that tests of the whole workflow share."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path

import pytest
from warm_python import VARIABLE, WarmPython
from workspace import Workspace

_SERVER = pytest.StashKey[tuple[WarmPython, tempfile.TemporaryDirectory[str]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the server of warm processes, one for all processes that run tests."""
    if VARIABLE not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="warm-")  # pytest's own folders are too long for a socket
        config.stash[_SERVER] = (WarmPython(Path(folder.name)), folder)
        os.environ[VARIABLE] = str(config.stash[_SERVER][0].command)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the server."""
    if server := config.stash.get(_SERVER, None):
        server[0].stop()
        server[1].cleanup()
        del os.environ[VARIABLE]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A small study that has run to its end, with real trainings. Tests read it or work on a copy.

    Where several processes run tests, one of them makes it for all.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, done = shared / "finished", shared / "finished.done"
    with (shared / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            assert not folder.exists(), "another process could not make it"
            Workspace(folder).snakemake("--cores", "2")
            done.touch()
    return Workspace.there(folder)


@pytest.fixture
def copy(finished: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the finished study that a test may change."""
    return finished.copy(tmp_path / "study")
