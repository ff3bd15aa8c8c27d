"""How transformers are trained with fairseq and how they translate."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from planning.settings import JsonObject, compact

# fairseq options that count updates.
SCALED_OPTIONS = ("max-update", "total-num-update", "warmup-updates")


@dataclass(frozen=True)
class Training:
    """The section ``training`` with the languages: all that trainings with fairseq have in common."""

    languages: Mapping[str, str]
    equal: str
    device: str
    gpus: int
    threads: int
    max_pieces: int
    checkpoint: str
    save_every: int
    state: str | None
    minutes: int
    memory_mb: int
    tensorboard: bool
    wandb: str | None

    @property
    def gpus_used(self) -> int:
        """GPUs that one training uses; 0 on a CPU."""
        return self.gpus if self.device == "gpu" else 0

    def settings(self, options: JsonObject, seed: int, backwards: bool = False) -> str:
        """What shapes a training with ``options`` of fairseq-train, besides its data, as JSON for one argument.

        ``backwards``: it translates from the target language into the source language.
        """
        source, target = self.languages["source"], self.languages["target"]
        return compact(
            {
                "options": options,
                "seed": seed,
                "languages": {"source": target, "target": source} if backwards else self.languages,
                "device": self.device,
                "gpus": self.gpus_used,
                "max_pieces": self.max_pieces,
                "save_every": self.save_every,
                "checkpoint": self.checkpoint,
            }
        )

    def decoding(self, decoding: JsonObject) -> dict[str, object]:
        """How a model translates, with what does not depend on the model."""
        return {**decoding, "device": self.device, "max_pieces": self.max_pieces}


def model_files(folder: str, prefix: str = "") -> dict[str, str]:
    """The files that a trained model in ``folder`` translates with, its vocabulary included, by what they are."""
    return {
        f"{prefix}checkpoint": f"{folder}/model.pt",
        f"{prefix}ctranslate2": f"{folder}/ctranslate2",
        f"{prefix}spm": "<results>/vocab/spm.model",
        f"{prefix}dictionary": "<results>/vocab/dict.txt",
    }


def scaled(options: JsonObject, share: float) -> JsonObject:
    """fairseq options of a training that is ``share`` as long, with a schedule of the same shape; 0 sets no limit."""
    given = {name: number(options[name]) for name in SCALED_OPTIONS if name in options}
    updates = {name: max(1, round(value * share)) for name, value in given.items() if value is not None and value > 0}
    return {**options, **updates}


def number(value: object) -> float | None:
    """``value`` as a finite number, written as text or not; None if it is not a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
