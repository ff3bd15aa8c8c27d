"""A trained fairseq model in memory, for CTranslate2 or for fairseq itself, and text as the pieces that it reads."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from models.checkpoint import load_checkpoint
from models.devices import take_gpus
from workbench.cli import UserError, progress, say

Pieces = list[str]


def encode(processor: Any, dictionary: Path, texts: Sequence[str], most: int, kind: str) -> list[Pieces]:
    """The pieces of every text, cut after ``most``; a piece that fairseq's dictionary lacks is ``<unk>``.

    Args:
        processor: the SentencePiece processor.
        dictionary: fairseq's ``dict.txt``.
        texts: one line each.
        most: ``training.max_pieces``; says how many texts are longer.
        kind: what the texts are called then, such as ``sources``.
    """
    known = {line.rsplit(" ", 1)[0] for line in dictionary.read_text(encoding="utf-8").split("\n") if line}
    encoded = processor.encode(list(texts), out_type=str)
    cut = sum(len(pieces) > most for pieces in encoded)
    if cut:
        say(f"{cut:,} of {len(encoded):,} {kind} are longer than training.max_pieces, {most}, and cut off there")
    return [[piece if piece in known else "<unk>" for piece in pieces[:most]] for pieces in encoded]


def batches(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Positions of texts of similar length, longest first, at most ``most`` padded pieces a batch.

    Args:
        lengths: pieces of each text, the end of the sentence not counted.
        most: ``decoding.batch_tokens``; a longer text is a batch of its own. No texts are no batches.
    """
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    found: list[list[int]] = []
    for place in order:
        if not found or (len(found[-1]) + 1) * (lengths[found[-1][0]] + 1) > most:
            found.append([])
        found[-1].append(place)
    return progress(found, len(found), "batches of sources")


def has_ctranslate2(folder: Path) -> bool:
    """Whether a model could be converted for CTranslate2."""
    return (folder / "model.bin").is_file()


def open_translator(folder: Path, settings: Mapping[str, Any], threads: int) -> Any:
    """The ``ctranslate2.Translator`` of a converted model.

    Raises:
        UserError: the model could not be converted, or there is no GPU where there ought to be one.
    """
    import ctranslate2

    if not has_ctranslate2(folder):
        raise UserError(
            "CTranslate2 cannot run this model's architecture (the log of its training says why); "
            "set decoding.engine: fairseq"
        )
    device = "cpu"
    if settings["device"] == "gpu":
        device = "cuda"
        take_gpus(1)
        if ctranslate2.get_cuda_device_count() == 0:
            raise UserError(
                f"torch sees a GPU, but CTranslate2 {ctranslate2.__version__} does not: it needs a driver for CUDA 12 "
                "or later; set decoding.engine: fairseq"
            )
    return ctranslate2.Translator(str(folder), device=device, compute_type="float32", intra_threads=threads)


class Network(NamedTuple):
    """fairseq's model, ready for inference, its configuration and its task."""

    model: Any
    config: Any
    task: Any


def open_network(checkpoint: Path, dictionary: Path, settings: Mapping[str, Any], threads: int) -> Network:
    """A fairseq model and its task, both sides with the shared dictionary.

    Raises:
        UserError: there is no GPU where there ought to be one.
    """
    import torch
    from fairseq import checkpoint_utils

    gpu = settings["device"] == "gpu"
    if gpu:
        take_gpus(1)
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        languages = load_checkpoint(checkpoint)["cfg"]["task"]
        for side in ("source_lang", "target_lang"):
            shutil.copyfile(dictionary, Path(folder) / f"dict.{languages[side]}.txt")
        models, config, task = checkpoint_utils.load_model_ensemble_and_task(
            [str(checkpoint)], arg_overrides={"data": folder}
        )
    model = models[0].eval()
    model.prepare_for_inference_(config)
    if gpu:
        model.cuda()
    return Network(model, config, task)
