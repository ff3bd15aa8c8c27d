"""Fixtures that tests of the whole workflow share."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest
from workspace import Workspace


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
