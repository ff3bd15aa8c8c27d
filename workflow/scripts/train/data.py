"""Encode a dataset for fairseq: text to pieces to fairseq's memory-mapped binary format."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from models.engines import load_sentencepiece
from train.settings import TrainingSettings
from workbench.files import checked

TextPair = tuple[str, str]  # source and target
_BLOCK = 10_000  # texts that are encoded at a time


def encode_dataset(
    train: Sequence[TextPair],
    valid: Sequence[TextPair],
    spm: Path,
    dictionary: Path,
    settings: TrainingSettings,
    folder: Path,
) -> int:
    """Write both parts in fairseq's ``mmap`` format with the shared dictionary, texts cut off at ``max_pieces``.

    Returns:
        The number of texts that were cut off.
    """
    import torch
    from fairseq.data import Dictionary, indexed_dataset

    folder.mkdir(parents=True, exist_ok=True)
    words = Dictionary.load(str(checked(dictionary)))
    processor = load_sentencepiece(spm)
    number = [words.index(processor.id_to_piece(piece)) for piece in range(processor.get_piece_size())]
    source, target = settings.languages["source"], settings.languages["target"]
    truncated = 0
    for side, language in enumerate((source, target)):
        shutil.copyfile(dictionary, folder / f"dict.{language}.txt")
        for part, pairs in (("train", train), ("valid", valid)):
            stem = f"{folder}/{part}.{source}-{target}.{language}"
            builder = indexed_dataset.make_builder(f"{stem}.bin", "mmap", vocab_size=len(words))
            for pieces in _encoded(processor, pairs, side):
                truncated += len(pieces) > settings.max_pieces
                numbers = [number[piece] for piece in pieces[: settings.max_pieces]]
                builder.add_item(torch.IntTensor([*numbers, words.eos()]))
            builder.finalize(f"{stem}.idx")
    return truncated


def _encoded(processor: Any, pairs: Sequence[TextPair], side: int) -> Iterator[list[int]]:
    """Yield the SentencePiece numbers of one side of every pair."""
    for start in range(0, len(pairs), _BLOCK):
        yield from processor.encode([pair[side] for pair in pairs[start : start + _BLOCK]])
