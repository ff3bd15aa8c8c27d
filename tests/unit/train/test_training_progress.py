"""Early stopping counts across a kill, and a finished training is not resumed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from train.processes import _restore_early_stopping
from train.progress import is_finished, read_entries, rewind, target_tokens

ENTRIES = [
    {"updates": 10, "loss": 5.0},
    {"updates": 20, "loss": 4.0},
    {"updates": 25, "tokens_per_update": 100.0},
    {"updates": 30, "loss": 4.0},
    {"updates": 40, "loss": 4.5},
]


@pytest.fixture
def progress(tmp_path: Path) -> Path:
    path = tmp_path / "progress.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in ENTRIES) + '{"updates": 5', encoding="utf-8")
    return path


def test_what_came_after_the_checkpoint_is_dropped(progress: Path) -> None:
    assert rewind(progress, 30) == ENTRIES[:4]
    assert read_entries(progress) == ENTRIES[:4]


def test_the_count_of_early_stopping_is_restored() -> None:
    def stop() -> None: ...

    _restore_early_stopping(stop, ENTRIES)
    assert (stop.best, stop.num_runs) == (4.0, 2)
    _restore_early_stopping(stop, [])
    assert not hasattr(stop, "best")


@pytest.mark.parametrize(
    ("options", "finished"),
    [
        ({"max-update": 40}, True),
        ({"max-update": 41}, False),
        ({"patience": 2}, True),
        ({"patience": 3}, False),
        ({"max-epoch": 3}, False),
    ],
)
def test_a_training_at_its_end_is_finished(options: dict[str, int], finished: bool) -> None:
    assert is_finished(options, 40, ENTRIES) is finished


def test_tokens_are_counted_epoch_by_epoch() -> None:
    assert target_tokens([*ENTRIES, {"updates": 45, "tokens_per_update": 50.0}]) == 25 * 100 + 20 * 50
