"""What stands around the workflow: set-up, benchmarks and make."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from paths import ROOT


@pytest.mark.parametrize(("folder", "command"), [(".", "tools/setup.sh"), ("tools", "./setup.sh"), ("..", "")])
def test_a_finished_set_up_has_nothing_to_do_wherever_it_is_called_from(
    tmp_path: Path, folder: str, command: str
) -> None:
    copy = (tmp_path / "copy").resolve()
    shutil.copytree(ROOT / "requirements", copy / "requirements")
    (copy / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "setup.sh", copy / "tools")
    pins = {path.stem: path.read_text() for path in (copy / "requirements").glob("*.txt")}
    lines = pins["main"].splitlines(keepends=True)
    compiled_with = "".join(x for x in lines if x.startswith(("cython==", "numpy==", "setuptools==", "wheel==")))
    torch = f"cpu {pins['torch']}{pins['uv']}".strip()
    records = {
        "torch-build": "cpu",
        "record-venv": str(copy),
        "record-main": pins["main"],
        "record-torch": torch,
        "record-fairseq": f"{torch} {compiled_with.strip()} {pins['fairseq']}",
    }
    (copy / ".venv" / "bin").mkdir(parents=True)
    (copy / ".venv" / "bin" / "python").symlink_to("/bin/false")
    for name, record in records.items():
        (copy / ".venv" / name).write_text(f"{record.strip()}\n")
    environment = {name: value for name, value in os.environ.items() if name not in ("TORCH", "PYTHON")}
    done = subprocess.run(
        ["bash", "-c", command or f"{copy.name}/tools/setup.sh"],
        cwd=copy / folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_benchmark_leaves_nothing_outside_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("training_speed", ROOT / "benchmarks" / "training_speed.py")
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> SimpleNamespace:
        commands.append(command)
        return SimpleNamespace(returncode=0, stdout="", stderr='"train_wpb": "10.5"')

    monkeypatch.setattr(benchmark.subprocess, "run", run)
    arguments = argparse.Namespace(layers=1, width=8, max_tokens=100)
    assert benchmark.train(tmp_path / "bin", 2, arguments, [], {})[1] == 21
    folder = Path(commands[0][commands[0].index("--save-dir") + 1])
    assert folder.is_relative_to(tmp_path)
    assert "results/corpus/pretrain.tsv" in benchmark.__doc__


def test_lint_and_format_see_every_folder_with_python() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git repository")
    folders = {path.split("/")[0] for path in listed.stdout.split()}
    formatted = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("FORMATTED :="))
    assert folders == set(formatted.removeprefix("FORMATTED :=").split())
