"""A cluster for the tests of this folder; without Slurm they are skipped and say how to get it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from slurm_cluster import Cluster, clear_leftovers, new_folder, why_not


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A real Slurm of one node with two GPU slots."""
    clear_leftovers()
    if reason := why_not():
        pytest.skip(reason)
    folder = new_folder()
    found = Cluster(folder)
    try:
        found.start()
        yield found
    finally:
        found.stop()
        shutil.rmtree(folder)
