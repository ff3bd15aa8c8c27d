"""What watches a training is asked for by name, and missed in one line."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from train.monitors import monitor_arguments
from workbench.cli import UserError


def test_nothing_is_watched_unless_asked() -> None:
    assert monitor_arguments(None, None, "run") == []


@pytest.mark.parametrize("package", ["tensorboard", "wandb"])
def test_a_missing_package_is_said(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    asked = {"tensorboard": (Path("curves"), None), "wandb": (None, ("project", "folder"))}[package]
    with pytest.raises(UserError, match=rf"training\.{package}: .*requirements/monitors\.txt"):
        monitor_arguments(*asked, "run")


def test_tensorboard_gets_its_folder() -> None:
    pytest.importorskip("tensorboard", reason="requirements/monitors.txt is not installed")
    assert monitor_arguments(Path("curves"), None, "run") == ["--tensorboard-logdir", "curves"]


def test_weights_and_biases_wants_a_login_or_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="requirements/monitors.txt is not installed")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    with pytest.raises(UserError, match="nobody is logged in"):
        monitor_arguments(None, ("project", str(tmp_path)), "run")
