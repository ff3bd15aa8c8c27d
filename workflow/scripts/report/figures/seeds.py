"""The scores of single runs, as the figures show them beside the means."""

from __future__ import annotations

from pathlib import Path

from workbench.tables import read_rows

Seeds = dict[tuple[str, str, int], list[float]]


def read_seeds(path: Path, metric: str) -> Seeds:
    """The scores of single runs by learner, condition and size."""
    seeds: Seeds = {}
    columns = ["learner", "condition", "size", metric]
    for learner, condition, size, score in read_rows(path, columns):
        seeds.setdefault((learner, condition, int(size)), []).append(float(score))
    return seeds
