"""LLMs that run on this machine or cluster, as generators and as base models of learners."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from models.causal_lm import MODEL_FILES, TOKENIZER_FILES
from planning.settings import JsonObject, compact, read_settings

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+|[A-Za-z0-9][\w-]*")


@dataclass(frozen=True)
class LocalLLM:
    """A causal language model in a folder or at the hub."""

    key: tuple[str, str]  # section and name in the configuration, such as ``("learners", "llama")``
    model: str  # a folder, or a name at the hub
    revision: str  # branch, tag or commit at the hub
    precision: str
    prompts: Mapping[str, str]  # the files that its prompts are written from, by what they are
    settings: str  # how it translates, as JSON for one command-line argument
    minutes: int  # wall time of each of its jobs
    memory_mb: int  # memory of each of its jobs, in MB

    @cached_property
    def is_at_hub(self) -> bool:
        """Whether it is fetched: its name has the form of one at the hub, and no folder here begins like it."""
        return bool(_HUB_NAME.fullmatch(self.model)) and Path(self.model).parts[0] not in os.listdir()

    @property
    def hub_folder(self) -> str:
        """Name of the folder of a model from the hub: ``ORGANISATION--NAME@REVISION``, safe for a path."""
        revision = re.sub(r"[^\w.-]", "-", self.revision)
        return f"{self.model.replace('/', '--')}@{revision}"

    @property
    def folder(self) -> str:
        """Folder of the model."""
        return f"<downloads>/models/{self.hub_folder}" if self.is_at_hub else self.model

    @cached_property
    def files(self) -> list[str]:
        """What a job needs of the model: its folder from the hub, or the files in the user's folder, sorted."""
        if self.is_at_hub:
            return [self.folder]
        patterns = (*MODEL_FILES, *TOKENIZER_FILES)
        return sorted({str(path) for pattern in patterns for path in Path(self.model).glob(pattern)})


def read_local_llm(config: JsonObject, section: str, name: str) -> LocalLLM:
    """The local LLM at ``section.name`` of a completed configuration."""
    given, training = config[section][name], config["training"]
    system = {"system": given["system_prompt"]} if given["system_prompt"] else {}
    decoding = {
        **given["decoding"],
        "precision": given["precision"],
        "device": training["device"],
        "languages": config["languages"],
    }
    return read_settings(
        LocalLLM,
        given,
        key=(section, name),
        prompts={"prompt": given["prompt"], **system},
        settings=compact(decoding),
        minutes=given["minutes"] or training["minutes"],
        memory_mb=given["memory_mb"] or training["memory_mb"],
    )
