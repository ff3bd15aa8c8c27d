"""A file that is no longer what the workflow wrote is refused by its reader, which says how to replace it."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import sentencepiece
import torch

from corpus.raw_table import SentencePair, read_raw, write_raw
from corpus.split_corpus import LinkedRows
from models.engines import Model, encode, has_ctranslate2, load_sentencepiece
from models.fairseq_checkpoints import load_checkpoint
from report.page import figure
from report.study import read_study
from vocab.train_vocab import dictionary
from workbench.cli import UserError
from workbench.columns import read_by_id
from workbench.files import atomic_folder, atomic_path, checksum_file, file_digest, write_json, write_text
from workbench.generated import Generated, read_targets, write_generated
from workbench.pairs import read_training_pairs
from workbench.records import write_records
from workbench.runs import Run, read_runs
from workbench.tables import count_rows, write_rows

PAIRS = [(f"train:{n}", f"Quelle {n}", f"target {n}") for n in range(1, 41)]
CHECKPOINT = {"cfg": argparse.Namespace(), "model": {"w": torch.ones(999)}, "optimizer_history": [], "extra_state": {}}


def vocabulary() -> bytes:
    model = Path("trained")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text for pair in PAIRS for text in pair),
        model_prefix=str(model),
        vocab_size=30,
        minloglevel=2,
    )
    return model.with_suffix(".model").read_bytes()


def write_vocabulary(path: Path) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(vocabulary())


def write_checkpoint(path: Path) -> None:
    with atomic_path(path) as temporary:
        torch.save(CHECKPOINT, temporary)


def write_ctranslate2(path: Path) -> None:
    with atomic_folder(path) as folder:
        (folder / "config.json").write_text("{}\n", encoding="utf-8")
        (folder / "model.bin").write_bytes(bytes(range(256)) * 9)


def read_dictionary(path: Path) -> None:
    encode(Model(path, path, path, path), argparse.Namespace(encode=lambda texts, **_: []), [], 9, "sources")


RUNS = [Run("base", "human", 10, seed, "human.random") for seed in range(1, 9)]
STUDY = {"baseline": "human", "conditions": {}}
WRITE_PAIRS: Callable[[Path], object] = lambda path: write_rows(path, ["id", "source", "target"], PAIRS)  # noqa: E731
KINDS: dict[str, tuple[Callable[[Path], object], Callable[[Path], object]]] = {
    "files.tsv.gz": (lambda path: write_raw(path, map(SentencePair._make, PAIRS)), lambda path: list(read_raw(path))),
    "clean.tsv": (WRITE_PAIRS, lambda path: LinkedRows(path, 1)),
    "pool.tsv": (WRITE_PAIRS, lambda path: read_by_id(path, ["source"])),
    "counted.tsv": (WRITE_PAIRS, count_rows),
    "dataset.tsv": (WRITE_PAIRS, lambda path: list(read_training_pairs(path, 10))),
    "generated.tsv": (lambda path: write_generated(path, [Generated(*p[:2]) for p in PAIRS]), read_targets),
    "runs.tsv": (lambda path: write_records(path, Run, RUNS), read_runs),
    "study.json": (lambda path: write_json(path, STUDY), read_study),
    "spm.model": (write_vocabulary, load_sentencepiece),
    "dict.txt": (lambda path: write_text(path, dictionary(vocabulary())), read_dictionary),
    "model.pt": (write_checkpoint, load_checkpoint),
    "ctranslate2": (write_ctranslate2, lambda path: has_ctranslate2(Model(path, path, path, path))),
    "figure.svg": (lambda path: write_text(path, "<svg>\n<g/>\n</svg>\n"), lambda path: figure(path, "a", "Plot", "b")),
}


def edit_lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def put_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


WAYS: dict[str, Callable[[Path], object]] = {
    "cut at a line": edit_lines(lambda lines: lines[: max(len(lines) // 2, 1)]),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "a row twice": edit_lines(lambda lines: [*lines, lines[-1]]),
    "a row moved": edit_lines(lambda lines: [lines[0], *lines[2:], lines[1]] if len(lines) > 2 else [*lines, b"x"]),
    "a folder": put_folder,
}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for files with checksums, as in a rule's job."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKFLOW_CHECKSUMS", "1")
    return tmp_path


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_is_refused_by_its_reader(name: str, kept: Path) -> None:
    write, read = KINDS[name]
    path = kept / name
    for way, damage in WAYS.items():
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        write(path)
        read(path)
        target = path / "model.bin" if path.is_dir() else path
        if way == "cut at a line" and len(target.read_bytes().splitlines()) < 2:
            continue
        damage(target)
        with pytest.raises(UserError, match=rf"{name} is damaged: .*; delete it .*: rm (-r )?\S*{name}$"):
            read(path)


@pytest.mark.parametrize("name", ["files.tsv.gz", "pool.tsv", "runs.tsv", "study.json", "spm.model", "model.pt"])
def test_without_a_checksum_what_cannot_be_read_is_damaged(name: str, tmp_path: Path, monkeypatch) -> None:
    """Object storage keeps no checksums beside files."""
    monkeypatch.chdir(tmp_path)
    write, read = KINDS[name]
    path = tmp_path / name
    for way in ("cut", "empty", "zeros"):
        write(path)
        assert not checksum_file(path).exists()
        if way != "cut" or path.suffix != ".tsv":  # a table that was cut after a field, or in the last, looks whole
            WAYS[way](path)
            with pytest.raises(UserError, match=f"{name} is damaged"):
                read(path)


def test_a_planted_checkpoint_is_refused(kept: Path) -> None:
    for planted in ({"weights": torch.ones(2)}, [1], os.getcwd):
        torch.save(planted, kept / "checkpoint_last.pt")
        with pytest.raises(UserError, match=r"checkpoint_last\.pt is damaged: it is not a checkpoint of fairseq"):
            load_checkpoint(kept / "checkpoint_last.pt")


def test_checksums_are_in_the_format_of_sha256sum_and_follow_their_file(kept: Path) -> None:
    path = kept / "table.tsv"
    for number in (3, 4):
        WRITE_PAIRS(path) if number == 3 else write_rows(path, ["id"], [])
        assert checksum_file(path).read_text(encoding="utf-8") == f"{file_digest(path)}  table.tsv\n"
    assert {file.name for file in kept.iterdir()} == {"table.tsv", ".table.tsv.sha256"}


def test_a_file_that_is_written_outside_a_job_has_no_checksum(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(kept / "a", "in a job")
    monkeypatch.delenv("WORKFLOW_CHECKSUMS")
    write_text(kept / "a", "by hand")
    assert not checksum_file(kept / "a").exists()
