"""Monitors of a training are requested by name, and a missing one is reported in one line."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from train.monitors import Monitors
from workbench.cli import UserError


def test_there_are_no_monitors_unless_requested() -> None:
    assert Monitors().fairseq_arguments() == Monitors().trainer_names() == []


@pytest.mark.parametrize("package", ["tensorboard", "wandb"])
def test_a_missing_package_is_an_error(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monitors = Monitors(**{package: {"tensorboard": Path("curves"), "wandb": ("project", "folder")}[package]})
    with pytest.raises(UserError, match=rf"training\.{package}: .*requirements/monitors\.txt"):
        monitors.fairseq_arguments()


def test_tensorboard_gets_its_folder() -> None:
    pytest.importorskip("tensorboard", reason="requirements/monitors.txt is not installed")
    assert Monitors(tensorboard=Path("curves")).fairseq_arguments() == ["--tensorboard-logdir", "curves"]


def test_weights_and_biases_needs_a_login_or_offline_mode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="requirements/monitors.txt is not installed")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    with pytest.raises(UserError, match="nobody is logged in"):
        Monitors(wandb=("project", str(tmp_path))).fairseq_arguments()
