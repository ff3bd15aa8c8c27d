"""Encode text for fairseq."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from toy_corpus import toy_corpus

from train import data
from train.settings import TrainingSettings
from workbench.tables import write_rows

SETTINGS = TrainingSettings(
    options={},
    seed=1,
    languages={"source": "de", "target": "en"},
    device="cpu",
    gpus=0,
    max_pieces=8,
    save_every=100,
    checkpoint="last",
)


def test_encoded_text_does_not_depend_on_how_many_texts_are_encoded_at_a_time(
    tmp_path: Path, run_script: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = toy_corpus(300)
    write_rows(tmp_path / "pretrain.tsv", ["id", "source", "target"], ((n, *pair) for n, pair in enumerate(pairs)))
    kind = ["--model-type", "unigram", "--size", 160, "--character-coverage", 1]
    written = ["--model", "spm.model", "--dictionary", "dict.txt"]
    done = run_script("vocab/train_vocab.py", "--pretrain", "pretrain.tsv", *written, *kind)
    assert done.returncode == 0, done.stderr

    def encoded(block: int) -> tuple[int, dict[str, bytes]]:
        monkeypatch.setattr(data, "_BLOCK", block)
        vocabulary = (tmp_path / "spm.model", tmp_path / "dict.txt")
        folder = tmp_path / str(block)
        truncated = data.encode_dataset(pairs[:100], pairs[100:103], *vocabulary, SETTINGS, folder)
        return truncated, {path.name: path.read_bytes() for path in folder.iterdir()}

    whole = encoded(1000)
    assert whole[0] > 0
    assert {"train.de-en.de.bin", "valid.de-en.en.idx"} <= whole[1].keys()
    assert all(encoded(block) == whole for block in (1, 7, 50, 100))
