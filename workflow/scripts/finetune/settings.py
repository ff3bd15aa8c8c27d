"""What shapes a fine-tuning besides its data and prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class TrainerOptions:
    """Training settings, named as in transformers; see the schema of the configuration."""

    num_train_epochs: float
    max_steps: int | None  # updates instead of epochs
    batch_size: int  # instances of an update
    learning_rate: float
    lr_scheduler_type: str
    warmup_ratio: float
    weight_decay: float
    max_grad_norm: float


@dataclass(frozen=True)
class LoraOptions:
    """Settings of an adapter, named as in peft."""

    r: int
    lora_alpha: float
    lora_dropout: float
    target_modules: str | list[str]


@dataclass(frozen=True)
class FinetuningSettings:
    """The settings of one fine-tuning.

    Args:
        languages: codes of ``source`` and ``target``.
        method: ``lora`` or ``full``.
        options: of the training.
        max_tokens: most tokens of an instance, prompt and target together.
        unusable: ``drop`` instances that cannot be learnt, or ``stop``.
        precision: ``auto``, ``float32``, ``bf16`` or ``fp16``.
        seed: of the training.
        device: ``cpu`` or ``gpu``.
        save_every: updates between checkpoints.
        lora: of the adapter; None for ``full``.
    """

    languages: Mapping[str, str]
    method: str
    options: TrainerOptions
    max_tokens: int
    unusable: str
    precision: str
    seed: int
    device: str
    save_every: int
    lora: LoraOptions | None = None

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        """Take the settings from a JSON object."""
        lora = LoraOptions(**given["lora"]) if given["method"] == "lora" else None
        return cls(**{**given, "options": TrainerOptions(**given["options"]), "lora": lora})
