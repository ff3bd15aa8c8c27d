"""The workbench: texts on one line, atomic files, and failures reported in one line."""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from paths import SCRIPTS

from workbench.cli import UserError
from workbench.files import atomic_path, write_text
from workbench.pairs import TrainingPair, read_training_pairs
from workbench.tables import write_rows
from workbench.text import one_line

# Letters and marks that compose, white space, controls, invisible characters and halves of surrogate pairs.
telling = st.sampled_from(
    "aeo\u0301\u0323\u030a \t\n\r\x0b\x1c\x85\u2028\u00a0\x00\x01\x7f\u200b\u00ad\ufeff\ud800\udc00\u1100\u1161"
)


@given(st.text(telling | st.characters()))
@example("a \x01 b")
@example("e\x01\u0301")
@example("e\ud800\u0301")
def test_one_line_is_one_line_and_final(text: str) -> None:
    line = one_line(text)
    assert one_line(line) == line
    assert unicodedata.is_normalized("NFC", line)
    assert len(line.splitlines()) <= 1
    assert line == " ".join(line.split())
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in line)


def test_every_control_character_is_a_blank_or_gone() -> None:
    for character in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(character) in ("Cc", "Cs"):
            assert one_line(f"a{character}b") == ("a b" if character.isspace() else "ab"), hex(ord(character))


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    output = tmp_path / "clean.tsv"
    code = """
import os, signal, sys
from pathlib import Path
from workbench.files import atomic_path
with atomic_path(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", code, output], env={**os.environ, "PYTHONPATH": str(SCRIPTS)})
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    write_text(output, "whole\n")
    assert [path.name for path in tmp_path.iterdir()] == ["clean.tsv"]
    assert output.read_text() == "whole\n"


def test_only_abandoned_files_are_removed(tmp_path: Path) -> None:
    others = {".clean.tsv.swp", ".clean.tsv.gz.abcdefgh.tmp", ".clean.tsv.notes.tmp", "clean.tsv.abcdefgh.tmp"}
    for name in others:
        (tmp_path / name).touch()
    with atomic_path(tmp_path / "clean.tsv") as first:
        first.write_text("first")
        write_text(tmp_path / "clean.tsv", "second")
        assert first.read_text() == "first"
    assert (tmp_path / "clean.tsv").read_text() == "first"
    assert {path.name for path in tmp_path.iterdir()} == {*others, "clean.tsv"}


@pytest.mark.parametrize("log", ["file/log.txt", "file/deeper/log.txt", "folder"])
def test_a_log_that_cannot_be_written_is_reported_in_one_line(tmp_path: Path, run_script: Callable, log: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    arguments = ["--raw", "raw", "--output", "out", "--table", "table", "--languages", "de", "en", "--rules", "{}"]
    done = run_script("corpus/clean_corpus.py", *arguments, "--log", log)
    said = (done.stdout + done.stderr).splitlines()
    assert done.returncode == 1
    assert len(said) == 1, said
    assert f"{log}: the log cannot be written: " in said[0]


def test_pairs_of_datasets_and_splits(tmp_path: Path) -> None:
    dataset, split = tmp_path / "dataset.tsv", tmp_path / "valid.tsv"
    write_rows(dataset, ["id", "origin", "source", "target"], [(n, "gpt", f"Satz {n}.", f"{n}.") for n in range(5)])
    write_rows(split, ["id", "source", "target"], [("a", "Satz.", "Sentence.")])
    assert [pair.id for pair in read_training_pairs(dataset, 4, 1)] == ["1", "2", "3"]
    assert next(read_training_pairs(dataset)) == TrainingPair("0", "gpt", "Satz 0.", "0.")
    assert list(read_training_pairs(split)) == [TrainingPair("a", "human", "Satz.", "Sentence.")]
    with pytest.raises(UserError, match=r"5 instances, but the run's size is 6: lower `sizes`.*`fallback`"):
        list(read_training_pairs(dataset, 6, 2))
    write_rows(split, ["id", "source", "target"], [])
    with pytest.raises(UserError, match="the table has no pairs"):
        list(read_training_pairs(split))


@pytest.mark.parametrize("script", ["llm.finetune_hosted", "llm.prompt_learner", "llm.accounts.command_line"])
def test_hosted_learners_need_no_package_for_local_ones(script: str) -> None:
    code = f"import sys, {script}; print({{'torch', 'transformers', 'peft'}} & set(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout == "set()\n"


def test_attributes_that_are_documented_are_there() -> None:
    missing = []
    for path in sorted(SCRIPTS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            section = re.search(r"^Attributes:\n((?: +.*\n?)+)", documentation(node), re.MULTILINE)
            told = re.findall(r"^    (\w+(?:, \w+)*):", section[1], re.MULTILINE) if section else []
            has = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
            has |= {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
            missing += [f"{path.name}: {name}" for names in told for name in names.split(", ") if name not in has]
    assert not missing


def documentation(node: ast.AST) -> str:
    """The docstring of a class, empty for others."""
    return (ast.get_docstring(node) or "") if isinstance(node, ast.ClassDef) else ""
