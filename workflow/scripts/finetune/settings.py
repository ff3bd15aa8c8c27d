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
class FinetuningSettings:
    """The settings of one fine-tuning, in the names of the JSON that the rule passes."""

    languages: Mapping[str, str]  # codes of source and target
    method: str  # lora or full
    options: TrainerOptions
    max_tokens: int  # most tokens of an instance, prompt and target together
    unusable: str  # drop instances that cannot be learnt, or stop
    precision: str  # auto, float32, bf16 or fp16
    seed: int
    device: str  # cpu or gpu
    save_every: int  # updates between checkpoints
    lora: Mapping[str, Any] | None = None  # peft's options of the adapter; None for full

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        """Take the settings from a JSON object."""
        lora = given["lora"] if given["method"] == "lora" else None
        return cls(**{**given, "options": TrainerOptions(**given["options"]), "lora": lora})
