"""What shapes a training with fairseq besides its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FairseqOptions = Mapping[str, Any]  # fairseq-train's options and their values, as the configuration gives them


@dataclass(frozen=True)
class TrainingSettings:
    """The settings of one training, in the names of the JSON that the rule passes."""

    options: FairseqOptions
    seed: int
    languages: Mapping[str, str]  # codes of source and target
    device: str  # cpu or gpu
    gpus: int  # that train together; 0 on a CPU
    max_pieces: int  # longer texts are cut off there
    save_every: int  # updates between checkpoints
    checkpoint: str  # which one becomes the model, best or last
