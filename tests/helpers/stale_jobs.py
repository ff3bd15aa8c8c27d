"""Edits of a study that has been run, and jobs that many of them have run again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workspace import Workspace

Edit = Callable[[Workspace], None]

REPORT = {
    "collect_scores",
    "collect_comparisons",
    "summarise_conditions",
    "contrast_conditions",
    "plot_learning_curve",
    "plot_conditions",
    "write_report",
}
# What the learners write at the largest size is analysed.
ANALYSED = {"collect_run_errors", "collect_run_diversity", "plot_errors:test", "plot_diversity:test"}


def configured(*changes: tuple[str, str]) -> Edit:
    """An edit of the configuration: each change replaces the one place of its text."""

    def edit(workspace: Workspace) -> None:
        for old, new in changes:
            workspace.edit("study.yaml", old, new)

    return edit


def planned_after(edit: Edit, study: Workspace, folder: Path, *targets: str) -> set[str]:
    """The jobs that are planned, for all or for some files, after the edit of a copy of the study in ``folder``."""
    workspace = study.copy(folder)
    edit(workspace)
    return workspace.planned(*targets)
