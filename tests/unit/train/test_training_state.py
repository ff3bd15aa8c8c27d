"""A killed training never resumes from another configuration's checkpoint, nor from a damaged one."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
import torch

from train.state import TrainingState, fingerprint
from workbench.cli import UserError

DATA = [("ein Satz", "a sentence"), ("noch einer", "another")]


def checkpoint(path: Path, updates: int = 100, **missing: object) -> None:
    """Write what fairseq keeps of a training, less its weights."""
    extra = {"train_iterator": {"epoch": 1}, "previous_training_time": 1.0}
    torch.save({"cfg": {}, "model": {}, "optimizer_history": [updates], "extra_state": extra} | missing, path)


def test_the_fingerprint_covers_settings_and_every_text() -> None:
    base = fingerprint({"options": {"lr": 0.1}}, DATA, DATA)
    assert base == fingerprint({"options": {"lr": 0.1}}, DATA, DATA)
    others = [
        fingerprint({"options": {"lr": 0.2}}, DATA, DATA),
        fingerprint({"options": {"lr": 0.1}}, DATA[:1], DATA),
        fingerprint({"options": {"lr": 0.1}}, DATA, DATA[:1]),
        fingerprint({"options": {"lr": 0.1}}, [("ein Satz", "a sentence "), DATA[1]], DATA),
        fingerprint({"options": {"lr": 0.1}}, DATA[::-1], DATA),
    ]
    assert len({base, *others}) == 6


def test_states_of_other_configurations_are_removed(tmp_path: Path) -> None:
    with TrainingState(tmp_path / "state", "old") as state:
        checkpoint(state.checkpoint("last"))
    with TrainingState(tmp_path / "state", "new") as state:
        assert not state.checkpoint("last").exists()
    assert [path.name for path in (tmp_path / "state").iterdir() if path.is_dir()] == ["new"]


def test_a_damaged_checkpoint_is_replaced_by_the_newest_complete_one(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "same"
    folder.mkdir(parents=True)
    checkpoint(folder / "checkpoint_1_90.pt", 90)
    checkpoint(folder / "checkpoint_2_100.pt", 100)
    checkpoint(folder / "checkpoint_last.pt")
    whole = (folder / "checkpoint_last.pt").read_bytes()
    (folder / "checkpoint_last.pt").write_bytes(whole[: len(whole) // 2])
    with TrainingState(tmp_path / "state", "same") as state:
        assert state.checkpoint("last").read_bytes() == (folder / "checkpoint_2_100.pt").read_bytes()


def test_a_planted_checkpoint_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "same"
    folder.mkdir(parents=True)
    checkpoint(folder / "checkpoint_last.pt", extra_state={"train_iterator": {}})  # a model, as kept after training
    torch.save(os.getcwd, folder / "checkpoint_best.pt")
    with TrainingState(tmp_path / "state", "same"):
        assert not list(folder.iterdir())


@pytest.mark.parametrize("is_done", [True, False])
def test_a_training_waits_for_one_that_outlived_its_snakemake(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, is_done: bool
) -> None:
    caplog.set_level("INFO")
    entered = threading.Event()

    def second() -> None:
        with TrainingState(tmp_path / "state", "x") as state:
            assert (state.root / "lock").read_text().startswith(f"process {os.getpid()} on ")
            entered.set()

    with TrainingState(tmp_path / "state", "x") as state:
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.5)
        if is_done:
            state.discard()
    thread.join(10)
    assert entered.is_set()
    assert f"process {os.getpid()} on" in caplog.text


def test_an_error_for_people_that_quotes_a_full_memory_starts_nothing_again(tmp_path: Path) -> None:
    def attempt(halvings: int) -> None:
        raise UserError("the memory of the GPU does not hold a single text: CUDA out of memory")

    with TrainingState(tmp_path / "state", "x") as state:
        checkpoint(state.checkpoint("last"))
        with pytest.raises(UserError, match="a single text"):
            state.train_halving_batches(lambda halvings: halvings, attempt)
        assert state.checkpoint("last").exists()
        assert state.halvings == 0
