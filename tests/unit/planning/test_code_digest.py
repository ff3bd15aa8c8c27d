"""A change of meaning changes the digest of exactly the scripts that run the code; a comment changes none."""

from __future__ import annotations

from pathlib import Path

import pytest
from paths import SCRIPTS

from planning.code_digest import CodeDigest

FILES = {
    "train/train.py": "from shared import files\nimport train.data\n\ndef main():\n    '''Doc.'''\n    return 1\n",
    "train/data.py": "import shared.text\n\ndef encode():\n    return shared.text.one()\n",
    "shared/__init__.py": "",
    "shared/files.py": "VALUE = 1\n",
    "shared/text.py": "def one():\n    return 1\n",
    "shared/text.yaml": "- one\n",
    "report/report.py": "import json\nfrom shared.files import VALUE\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def digests(root: Path) -> dict[str, str]:
    code = CodeDigest(root)
    return {script: code.of(script) for script in ("train/train.py", "report/report.py")}


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("train/train.py", "return 1", "return 2", {"train/train.py"}),
        ("train/train.py", "return 1", "return 1  # one", set()),
        ("train/train.py", "Doc.", "Another docstring.", set()),
        ("train/train.py", "    return 1", "\n\n    return (\n        1\n    )", set()),
        ("shared/text.py", "return 1", "return 2", {"train/train.py"}),
        ("shared/files.py", "VALUE = 1", "VALUE = 2", {"train/train.py", "report/report.py"}),
        ("shared/text.yaml", "- one", "- two", {"train/train.py"}),
        ("shared/__init__.py", "", "SIDE_EFFECT = 1\n", {"train/train.py", "report/report.py"}),
        ("report/report.py", "import json", "import csv", {"report/report.py"}),
    ],
)
def test_what_an_edit_changes(root: Path, file: str, old: str, new: str, changed: set[str]) -> None:
    before = digests(root)
    text = (root / file).read_text(encoding="utf-8")
    assert old in text
    (root / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    after = digests(root)
    assert {script for script in before if before[script] != after[script]} == changed


def test_the_real_scripts_are_followed_into_the_shared_package() -> None:
    scripts = SCRIPTS
    files = {str(path) for path in CodeDigest(scripts).files("train/train_model.py")}
    assert {"train/state.py", "train/data.py", "workbench/tables.py", "workbench/cli.py"} <= files
    assert not any(path.startswith("report/") for path in files)
