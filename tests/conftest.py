"""Fixtures that tests of the whole workflow share."""

from __future__ import annotations

from pathlib import Path

import pytest
from workspace import Workspace


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A small study that has run to its end, with real trainings. Tests read it or work on a copy."""
    workspace = Workspace(tmp_path_factory.mktemp("finished") / "study")
    workspace.snakemake("--cores", "2")
    return workspace


@pytest.fixture
def copy(finished: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the finished study that a test may change."""
    return finished.copy(tmp_path / "study")
