"""An interrupted training resumes and ends with the same model; several processes and halved batches train the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from paths import SCRIPTS
from toy_corpus import toy_corpus
from warm_python import python

torch = pytest.importorskip("torch")
pytest.importorskip("fairseq")

OPTIONS: dict[str, Any] = {
    "arch": "transformer",
    "encoder-layers": 1,
    "decoder-layers": 1,
    "encoder-embed-dim": 32,
    "decoder-embed-dim": 32,
    "encoder-ffn-embed-dim": 64,
    "decoder-ffn-embed-dim": 64,
    "encoder-attention-heads": 2,
    "decoder-attention-heads": 2,
    "share-all-embeddings": True,
    "criterion": "fused_label_smoothed_cross_entropy",
    "optimizer": "fused_adamw",
    "lr": 0.002,
    "lr-scheduler": "inverse_sqrt",
    "warmup-updates": 10,
    "max-tokens": 256,
    "update-freq": 2,
    "dropout": 0,
    "required-batch-size-multiple": 1,
    "max-update": 60,
}


class Training:
    """``train_model.py`` on a small corpus, in a separate folder.

    Args:
        folder: of the test; its trainings share the corpus.
        name: of the training's folder.
        settings: what differs from a training with one CPU process.
        before: Python that runs first, in the same process.
        more: further arguments.
    """

    def __init__(
        self, folder: Path, name: str, settings: Mapping[str, Any] | None = None, before: str = "", more: Sequence = ()
    ) -> None:
        self.folder = folder / name
        settings = {
            "options": OPTIONS,
            "seed": 1,
            "languages": {"source": "de", "target": "en"},
            "device": "cpu",
            "gpus": 0,
            "max_pieces": 60,
            "save_every": 20,
            "checkpoint": "last",
            **(settings or {}),
        }
        arguments = [
            *("--label", name, "--threads", "1", "--code", "code", "--settings", json.dumps(settings)),
            *("--dataset", folder / "train.tsv", "--valid", folder / "valid.tsv"),
            *("--spm", folder / "spm.model", "--dictionary", folder / "dict.txt"),
            *("--log", self.folder / "log", "--state", self.folder / "state", "--model", self.folder / "model.pt"),
            *("--ctranslate2", self.folder / "ctranslate2", "--report", self.folder / "training.json"),
            *more,
        ]
        self.script = folder / f"{name}.py"
        self.script.write_text(f"from train.train_model import run\n{before}\nif __name__ == '__main__':\n    run()\n")
        self._command = [python(), self.script, *map(str, arguments)]

    def start(self) -> subprocess.Popen[str]:
        """Start or resume."""
        environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
        return subprocess.Popen(
            self._command, env=environment, stderr=subprocess.PIPE, text=True, cwd=SCRIPTS.parents[1]
        )

    def run(self) -> str:
        """Train to the end and return what the terminal showed."""
        process = self.start()
        said = process.communicate()[1]
        assert process.returncode == 0, said + (self.folder / "log").read_text()[-3000:]
        return said

    @property
    def weights(self) -> dict[str, Any]:
        """Weights of the model."""
        return torch.load(self.folder / "model.pt", weights_only=False)["model"]

    @property
    def report(self) -> dict[str, Any]:
        """``training.json``."""
        return json.loads((self.folder / "training.json").read_text())


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus and its vocabulary."""
    folder = tmp_path_factory.mktemp("training")
    pairs = toy_corpus(460)
    for name, rows in (("train", pairs[:400]), ("valid", pairs[400:])):
        lines = [f"{number}\t{source}\t{target}" for number, (source, target) in enumerate(rows)]
        (folder / f"{name}.tsv").write_text("\n".join(["id\tsource\ttarget", *lines, ""]))
    subprocess.run(
        [
            *(python(), SCRIPTS / "vocab" / "train_vocab.py", "--pretrain", folder / "train.tsv"),
            *("--model-type", "unigram", "--size", "120", "--character-coverage", "1"),
            *("--model", folder / "spm.model", "--dictionary", folder / "dict.txt", "--log", folder / "vocab.log"),
        ],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        check=True,
    )
    return folder


@pytest.fixture(scope="module")
def undisturbed(corpus: Path) -> Training:
    """A finished training with one process."""
    training = Training(corpus, "undisturbed")
    training.run()
    return training


def same(left: dict[str, Any], right: dict[str, Any], tolerance: float = 0) -> bool:
    return left.keys() == right.keys() and all(
        torch.allclose(left[name], right[name], rtol=0, atol=tolerance) for name in left
    )


def stopped_by_a_signal(training: Training) -> str:
    """Send SIGTERM after the first checkpoint and return what the terminal showed."""
    process = training.start()
    deadline = time.monotonic() + 120
    while not list((training.folder / "state").glob("*/checkpoint_last.pt")):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    said = process.communicate()[1]
    assert process.returncode == 1, said
    return said


def test_a_signal_leaves_a_checkpoint_and_the_end_is_the_same(corpus: Path, undisturbed: Training) -> None:
    training = Training(corpus, "signalled")
    said = stopped_by_a_signal(training)
    assert "ended by a signal after update" in said and "Traceback" not in said
    updates = int(said.partition("after update ")[2].partition(";")[0])
    assert 20 <= updates < 60
    assert not (training.folder / "model.pt").exists()
    assert "resuming from" in training.run()
    assert same(training.weights, undisturbed.weights)
    assert not (training.folder / "state").exists()


# Two processes on a CPU run the same code as two GPUs, with gloo instead of NCCL.
TWO = {"gpus": 2, "options": {**OPTIONS, "distributed-backend": "gloo", "ddp-backend": "legacy_ddp"}}


@pytest.fixture(scope="module")
def two(corpus: Path) -> Training:
    """A finished training with two processes."""
    training = Training(corpus, "two", TWO)
    training.run()
    return training


def test_two_processes_train_the_same_model_as_one(two: Training, undisturbed: Training) -> None:
    assert two.report["batch"] == {"max-tokens": 256, "update-freq": "1", "halvings": 0}
    assert two.report["updates"] == undisturbed.report["updates"]
    assert two.report["best_valid_loss"] == pytest.approx(undisturbed.report["best_valid_loss"], abs=0.01)
    assert same(two.weights, undisturbed.weights, tolerance=0.02)


def test_a_signal_ends_two_processes_after_the_same_update(corpus: Path, two: Training) -> None:
    training = Training(corpus, "two-signalled", TWO)
    assert "ended by a signal after update" in stopped_by_a_signal(training)
    training.run()
    assert same(training.weights, two.weights)


# Raises what torch raises if a part of more than 150 tokens does not fit the GPU.
SMALL_MEMORY = """
import torch
from fairseq.models.transformer import TransformerModel
forward = TransformerModel.forward
def limited(self, src_tokens, *rest, **named):
    if self.training and src_tokens.numel() > 150:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total of 1 GiB.")
    return forward(self, src_tokens, *rest, **named)
TransformerModel.forward = limited
"""


def test_a_batch_that_does_not_fit_is_halved_and_the_update_kept(corpus: Path, undisturbed: Training) -> None:
    training = Training(corpus, "small-memory", before=SMALL_MEMORY)
    said = training.run()
    assert "CUDA out of memory. Tried to allocate 2.00 GiB; starting again, computing half as much at a time" in said
    assert training.report["batch"] == {"max-tokens": 128, "update-freq": "4", "halvings": 1}
    assert training.report["updates"] == 60
    assert training.report["best_valid_loss"] == pytest.approx(undisturbed.report["best_valid_loss"], abs=0.1)


def test_a_memory_too_small_for_any_text_is_an_error(corpus: Path) -> None:
    training = Training(corpus, "no-memory", before=SMALL_MEMORY.replace("> 150", "> 15"))
    process = training.start()
    said = process.communicate()[1]
    assert process.returncode == 1
    assert "ERROR: the memory of the GPU does not hold a batch that was halved 2 times, and a smaller part" in said


def test_curves_are_shown_and_the_model_stays_the_same(
    corpus: Path, undisturbed: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "requirements/monitors.txt is not installed"
    loading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason=reason)
    pytest.importorskip("wandb", reason=reason)
    monkeypatch.setenv("WANDB_MODE", "offline")
    curves = corpus / "curves"
    training = Training(corpus, "watched", more=["--tensorboard", curves, "--wandb", "project", corpus])
    training.run()
    events = loading.EventAccumulator(str(curves / "valid")).Reload()
    assert {20, 40, 60} <= {event.step for event in events.Scalars("loss")}
    assert list((corpus / "wandb").glob("offline-run-*/*.wandb"))
    assert same(training.weights, undisturbed.weights)
