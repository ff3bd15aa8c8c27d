"""Monitors of a training are requested by name, and a missing one is reported in one line."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from train.monitors import prepare_monitors
from workbench.cli import UserError


def test_there_are_no_monitors_unless_requested() -> None:
    assert prepare_monitors(None, None, None) == {}


@pytest.mark.parametrize("package", ["tensorboard", "wandb"])
def test_a_missing_package_is_an_error(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    wanted = (Path("curves"), None) if package == "tensorboard" else (None, ("project", "folder"))
    with pytest.raises(UserError, match=rf"training\.{package}: .*requirements/monitors\.txt"):
        prepare_monitors(*wanted, None)


def test_tensorboard_gets_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", "")  # restored after the test
    pytest.importorskip("tensorboard", reason="requirements/monitors.txt is not installed")
    assert prepare_monitors(Path("curves"), None, None) == {"tensorboard": "curves"}


def test_weights_and_biases_needs_a_login_or_offline_mode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="requirements/monitors.txt is not installed")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("WANDB_PROJECT", "")
    with pytest.raises(UserError, match="nobody is logged in"):
        prepare_monitors(None, ("project", str(tmp_path)), None)
