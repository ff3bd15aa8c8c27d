"""Translate with a trained fairseq model, through CTranslate2 or through fairseq itself.

Both engines get the same pieces, the same beam and the same length limit; CTranslate2 is several times faster on a CPU.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.checkpoint import load_checkpoint
from workbench.cli import UserError, progress, say

_EXTRA_LENGTH = 10  # pieces that every output may have beyond max_length_factor times the source's


@dataclass(frozen=True)
class Model:
    """The files of a model: fairseq checkpoint, its CTranslate2 form (a folder), SentencePiece model, dictionary."""

    checkpoint: Path
    ctranslate2: Path
    spm: Path
    dictionary: Path


@dataclass(frozen=True)
class Translation:
    """One output: its text, its number of pieces and their mean log-probability (natural, end of sentence included)."""

    text: str
    tokens: int
    logprob: float


def translate(model: Model, texts: Sequence[str], settings: Mapping[str, Any], threads: int) -> Iterator[Translation]:
    """Yield the translation of every text, in order.

    Args:
        model: the trained model.
        texts: sources, one line each.
        settings: ``decoding`` of the configuration, plus ``device`` and ``max_pieces``.
        threads: CPU threads.

    Raises:
        UserError: the engine cannot run this model or finds no device.
    """
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_file=str(model.spm))
    known = {line.rsplit(" ", 1)[0] for line in model.dictionary.read_text(encoding="utf-8").split("\n") if line}
    most = settings["max_pieces"]
    encoded = processor.encode(list(texts), out_type=str)
    pieces = [[piece if piece in known else "<unk>" for piece in source[:most]] for source in encoded]
    cut = sum(len(source) > most for source in encoded)
    if cut:
        say(f"{cut:,} of {len(encoded):,} sources are longer than training.max_pieces, {most}, and cut off there")
    engine = {"ctranslate2": _with_ctranslate2, "fairseq": _with_fairseq}[settings["engine"]]
    for tokens, logprob in engine(model, pieces, settings, threads):
        yield Translation(processor.decode([t for t in tokens if t != "<unk>"]), len(tokens), logprob)


def _most_tokens(pieces: Sequence[str], settings: Mapping[str, Any]) -> int:
    """Longest output for a source; fairseq counts the end of the source as a piece, so both engines do."""
    return int(settings["max_length_factor"] * (len(pieces) + 1)) + _EXTRA_LENGTH


def _batches(sources: Sequence[Sequence[str]], settings: Mapping[str, Any]) -> Iterator[list[int]]:
    """Positions of sources of similar length, longest first, at most ``batch_tokens`` padded pieces a batch."""
    order = sorted(range(len(sources)), key=lambda place: -len(sources[place]))
    batches: list[list[int]] = [[]]
    for place in order:
        batch = batches[-1]
        if batch and (len(batch) + 1) * (len(sources[batch[0]]) + 1) > settings["batch_tokens"]:
            batches.append([])
        batches[-1].append(place)
    return progress(batches, len(batches), "batches of sources")


Output = tuple[list[str], float]


def _with_ctranslate2(
    model: Model, sources: Sequence[Sequence[str]], settings: Mapping[str, Any], threads: int
) -> Iterator[Output]:
    import ctranslate2

    if not (model.ctranslate2 / "model.bin").is_file():
        raise UserError(
            "CTranslate2 cannot run this model's architecture (the log of its training says why); "
            "set decoding.engine: fairseq"
        )
    device = "cuda" if settings["device"] == "gpu" else "cpu"
    if device == "cuda" and ctranslate2.get_cuda_device_count() == 0:
        raise UserError("training.device is gpu, but CTranslate2 sees none; check CUDA_VISIBLE_DEVICES and the driver")
    ctranslate2.set_random_seed(settings["seed"])
    translator = ctranslate2.Translator(
        str(model.ctranslate2), device=device, compute_type="float32", intra_threads=threads
    )
    search = {"beam_size": settings["beam"], "length_penalty": settings["length_penalty"]}
    if settings["sampling"]:
        search = {"beam_size": 1, "sampling_topk": 0, "sampling_temperature": settings["temperature"]}
    outputs: dict[int, Output] = {}
    for batch in _batches(sources, settings):
        results = translator.translate_batch(
            [list(sources[place]) for place in batch],
            max_decoding_length=max(_most_tokens(sources[place], settings) for place in batch),
            max_batch_size=0,
            return_scores=True,
            **search,
        )
        for place, result in zip(batch, results, strict=True):
            tokens = result.hypotheses[0]
            # CTranslate2 divides the sum by the length, end of the sentence included, to the power of the penalty.
            length = len(tokens) + 1
            outputs[place] = tokens, result.scores[0] * length ** (search.get("length_penalty", 1.0) - 1)
    yield from (outputs[place] for place in range(len(sources)))


def _with_fairseq(
    model: Model, sources: Sequence[Sequence[str]], settings: Mapping[str, Any], threads: int
) -> Iterator[Output]:
    import torch
    from fairseq import checkpoint_utils, utils

    torch.set_num_threads(threads)
    torch.manual_seed(settings["seed"])
    with tempfile.TemporaryDirectory() as folder:
        languages = load_checkpoint(model.checkpoint)["cfg"]["task"]
        for side in ("source_lang", "target_lang"):
            shutil.copyfile(model.dictionary, Path(folder) / f"dict.{languages[side]}.txt")
        models, config, task = checkpoint_utils.load_model_ensemble_and_task(
            [str(model.checkpoint)], arg_overrides={"data": folder}
        )
    gpu = settings["device"] == "gpu"
    if gpu and not torch.cuda.is_available():
        raise UserError("training.device is gpu, but torch sees no GPU; check CUDA_VISIBLE_DEVICES and the driver")
    network = models[0].eval()
    network.prepare_for_inference_(config)
    if gpu:
        network.cuda()
    generator = task.build_generator(
        models,
        argparse.Namespace(
            beam=1 if settings["sampling"] else settings["beam"],
            nbest=1,
            max_len_a=settings["max_length_factor"],
            max_len_b=_EXTRA_LENGTH,
            lenpen=settings["length_penalty"],
            sampling=settings["sampling"],
            temperature=settings["temperature"],
        ),
    )
    dictionary = task.source_dictionary
    numbers = [
        torch.LongTensor([*(dictionary.index(piece) for piece in pieces), dictionary.eos()]) for pieces in sources
    ]
    dataset = task.build_dataset_for_inference(numbers, [len(n) for n in numbers])
    outputs: dict[int, Output] = {}
    for places in _batches(sources, settings):
        sample = dataset.collater([dataset[place] for place in places])
        sample = utils.move_to_cuda(sample) if gpu else sample
        hypotheses = task.inference_step(generator, models, sample)
        for place, best in zip(sample["id"].tolist(), hypotheses, strict=True):
            tokens = [task.target_dictionary[n] for n in best[0]["tokens"].tolist() if n != dictionary.eos()]
            outputs[place] = tokens, float(best[0]["positional_scores"].mean())
    yield from (outputs[place] for place in range(len(sources)))
