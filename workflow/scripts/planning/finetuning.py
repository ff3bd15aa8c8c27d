"""What the configuration says of learners that are LLMs already, and of LLMs that run here."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from models.causal_lm import MODEL_FILES, TOKENIZER_FILES
from planning.asking import asked_execution, asked_shaping

Config = dict[str, Any]

TUNING_KEYS = ("n_epochs", "batch_size", "learning_rate_multiplier", "validation", "max_tokens", "unusable")
# What says how a learner is fine-tuned; the rest says what its base model is and how that translates.
FINETUNING_KEYS = {
    "local": ("kind", "conditions", "method", "lora", "options", "max_tokens", "unusable"),
    "openai": ("kind", "conditions", "max_usd", *TUNING_KEYS, "suffix", "training_price", "poll_seconds"),
}
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+|[A-Za-z0-9][\w-]*")


def is_hosted(learner: Config) -> bool:
    """Whether a learner is fine-tuned behind an API."""
    return learner["kind"] == "openai"


def is_local(settings: Config) -> bool:
    """Whether these are the settings of a learner or generator that is an LLM on this machine or cluster."""
    return "local" in (settings.get("kind"), settings.get("provider"))


def is_at_hub(settings: Config) -> bool:
    """Whether a local LLM is fetched from the hub: its ``model`` does not begin as a path here, but may be a name."""
    model = settings["model"]
    return bool(_HUB_NAME.fullmatch(model)) and Path(model).parts[0] not in os.listdir()


def hub_folder(settings: Config) -> str:
    """What the folder of a model from the hub is called: ``ORGANISATION--NAME@REVISION``, safe for a path."""
    revision = re.sub(r"[^\w.-]", "-", settings["revision"])
    return f"{settings['model'].replace('/', '--')}@{revision}"


def weight_files(folder: str) -> list[str]:
    """What is read of a model's folder, sorted."""
    patterns = (*MODEL_FILES, *TOKENIZER_FILES)
    return sorted({str(path) for pattern in patterns for path in Path(folder).glob(pattern)})


def local_prompts(settings: Config) -> dict[str, str]:
    """The files that the prompts of a local LLM are written from, by what they are."""
    system = {"system": settings["system_prompt"]} if settings["system_prompt"] else {}
    return {"prompt": settings["prompt"], **system}


def local_decoding(config: Config, settings: Config) -> Config:
    """How a local LLM translates."""
    return {
        **settings["decoding"],
        "precision": settings["precision"],
        "device": config["training"]["device"],
        "languages": config["languages"],
    }


def local_training(config: Config, learner: Config, seed: int) -> Config:
    """What shapes the training of a local LLM besides its data."""
    training = config["training"]
    shaping = ("method", "options", "max_tokens", "unusable", "precision")
    return {
        **{key: learner[key] for key in shaping},
        **({"lora": learner["lora"]} if learner["method"] == "lora" else {}),
        **{key: training[key] for key in ("device", "save_every")},
        "languages": config["languages"],
        "seed": seed,
    }


def hosted_settings(config: Config, name: str) -> Config:
    """What shapes a hosted learner besides its data and seed, and its translations, one a source."""
    learner = {**config["learners"][name], "provider": "openai", "samples": 1, "sentences_per_request": 1}
    tuning = {key: learner[key] for key in TUNING_KEYS}
    return {**asked_shaping(config, learner), **tuning, "suffix": learner["suffix"] or _suffix(name)}


def hosted_execution(config: Config, name: str) -> Config:
    """How a hosted learner is asked and fine-tuned: nothing here changes what it becomes."""
    learner = config["learners"][name]
    return {
        **asked_execution(config, {**learner, "provider": "openai"}),
        **{key: learner[key] for key in ("training_price", "poll_seconds")},
        "generator": f"learner {name}",
        "key": f"learners.{name}",
    }


def _suffix(name: str) -> str:
    return re.sub("[^a-z0-9-]", "-", name.lower())
