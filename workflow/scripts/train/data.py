"""Encode a dataset for fairseq: text to pieces to fairseq's memory-mapped binary format."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.settings import TrainingSettings

TextPair = tuple[str, str]  # source and target
_BLOCK = 10_000  # texts that are encoded at a time


@dataclass(frozen=True)
class EncodedData:
    """fairseq's data folder, and how many texts were cut off."""

    folder: Path
    truncated: int


def encode_dataset(
    train: Sequence[TextPair],
    valid: Sequence[TextPair],
    spm: Path,
    dictionary: Path,
    settings: TrainingSettings,
    folder: Path,
) -> EncodedData:
    """Write both parts in fairseq's ``mmap`` format with the shared dictionary, texts cut off at ``max_pieces``."""
    from fairseq.data import Dictionary

    folder.mkdir(parents=True, exist_ok=True)
    source, target = settings.languages["source"], settings.languages["target"]
    for language in (source, target):
        shutil.copyfile(dictionary, folder / f"dict.{language}.txt")
    encoder = _Encoder(spm, Dictionary.load(str(dictionary)), settings.max_pieces)
    for part, pairs in (("train", train), ("valid", valid)):
        stem = f"{folder}/{part}.{source}-{target}"
        encoder.write(pairs, 0, f"{stem}.{source}")
        encoder.write(pairs, 1, f"{stem}.{target}")
    return EncodedData(folder, encoder.truncated)


class _Encoder:
    """Turns text into fairseq's numbers and counts the texts that were cut off."""

    def __init__(self, spm: Path, dictionary: Any, max_pieces: int) -> None:
        import sentencepiece

        self._processor = sentencepiece.SentencePieceProcessor(model_file=str(spm))
        pieces = range(self._processor.get_piece_size())
        self._number = [dictionary.index(self._processor.id_to_piece(piece)) for piece in pieces]
        self._dictionary = dictionary
        self._max_pieces = max_pieces
        self.truncated = 0

    def write(self, pairs: Sequence[TextPair], side: int, stem: str) -> None:
        """Write one side of ``pairs`` to ``stem.bin`` and ``stem.idx``."""
        import torch
        from fairseq.data import indexed_dataset

        builder = indexed_dataset.make_builder(f"{stem}.bin", "mmap", vocab_size=len(self._dictionary))
        for start in range(0, len(pairs), _BLOCK):
            texts = [pair[side] for pair in pairs[start : start + _BLOCK]]
            for encoded in self._processor.encode(texts):
                self.truncated += len(encoded) > self._max_pieces
                numbers = [self._number[piece] for piece in encoded[: self._max_pieces]]
                numbers.append(self._dictionary.eos())
                builder.add_item(torch.IntTensor(numbers))
        builder.finalize(f"{stem}.idx")
