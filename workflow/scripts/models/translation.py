"""Translate with a trained fairseq model, through CTranslate2 or through fairseq itself.

Both engines get the same pieces, the same beam and the same length limit; CTranslate2 is several times faster on a CPU.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.devices import in_memory
from models.engines import batches, encode, open_network, open_translator

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
    pieces = encode(processor, model.dictionary, texts, settings["max_pieces"], "sources")
    engine = {"ctranslate2": _with_ctranslate2, "fairseq": _with_fairseq}[settings["engine"]]
    for tokens, logprob in engine(model, pieces, settings, threads):
        yield Translation(processor.decode([t for t in tokens if t != "<unk>"]), len(tokens), logprob)


def _most_tokens(pieces: Sequence[str], settings: Mapping[str, Any]) -> int:
    """Longest output for a source; fairseq counts the end of the source as a piece, so both engines do."""
    return int(settings["max_length_factor"] * (len(pieces) + 1)) + _EXTRA_LENGTH


Output = tuple[list[str], float]


def _with_ctranslate2(
    model: Model, sources: Sequence[Sequence[str]], settings: Mapping[str, Any], threads: int
) -> Iterator[Output]:
    import ctranslate2

    ctranslate2.set_random_seed(settings["seed"])
    translator = open_translator(model.ctranslate2, settings, threads)
    search = {"beam_size": settings["beam"], "length_penalty": settings["length_penalty"]}
    if settings["sampling"]:
        search = {"beam_size": 1, "sampling_topk": 0, "sampling_temperature": settings["temperature"]}
    outputs: dict[int, Output] = {}

    def translate_batch(places: list[int]) -> Any:
        return translator.translate_batch(
            [list(sources[place]) for place in places],
            max_decoding_length=max(_most_tokens(sources[place], settings) for place in places),
            max_batch_size=0,
            return_scores=True,
            **search,
        )

    planned = batches([len(source) for source in sources], settings["batch_tokens"])
    for batch, results in in_memory(planned, translate_batch):
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
    from fairseq import utils

    torch.manual_seed(settings["seed"])
    network = open_network(model.checkpoint, model.dictionary, settings, threads)
    models, task = [network.model], network.task
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

    def translate_batch(places: list[int]) -> list[tuple[int, Any]]:
        sample = dataset.collater([dataset[place] for place in places])
        sample = utils.move_to_cuda(sample) if settings["device"] == "gpu" else sample
        return list(zip(sample["id"].tolist(), task.inference_step(generator, models, sample), strict=True))

    planned = batches([len(source) for source in sources], settings["batch_tokens"])
    for _, hypotheses in in_memory(planned, translate_batch):
        for place, best in hypotheses:
            tokens = [task.target_dictionary[n] for n in best[0]["tokens"].tolist() if n != dictionary.eos()]
            outputs[place] = tokens, float(best[0]["positional_scores"].mean())
    yield from (outputs[place] for place in range(len(sources)))
