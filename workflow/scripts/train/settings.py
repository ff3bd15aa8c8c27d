"""What shapes a training with fairseq besides its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FairseqOptions = Mapping[str, Any]  # fairseq-train's options and their values, as the configuration gives them


@dataclass(frozen=True)
class TrainingSettings:
    """The settings of one training.

    Args:
        options: fairseq-train's options.
        seed: of the training.
        languages: codes of ``source`` and ``target``.
        device: ``cpu`` or ``gpu``.
        gpus: GPUs that train together; 0 on a CPU.
        max_pieces: longer texts are cut off there.
        save_every: updates between checkpoints.
        checkpoint: which one becomes the model, ``best`` or ``last``.
    """

    options: FairseqOptions
    seed: int
    languages: Mapping[str, str]
    device: str
    gpus: int
    max_pieces: int
    save_every: int
    checkpoint: str
