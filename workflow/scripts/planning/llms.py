"""LLMs that run here or behind an API, as generators, judges and learners.

What shapes their answers is kept apart from how they are asked, which must not make a study compute anything again.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from llm.settings import ExecutionSettings, ShapingSettings
from models.causal_lm import MODEL_FILES, TOKENIZER_FILES
from planning.settings import JsonObject, compact, field_names, picked, read_settings

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+|[A-Za-z0-9][\w-]*")
_KEY_VARIABLES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
# What shapes answers besides the fields of ShapingSettings: what an API takes.
_SAMPLING = ("temperature", "top_p", "seed")
_REQUEST = (*_SAMPLING, "log_probabilities", "reasoning_effort", "effort", "max_tokens_field", "body")


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


@dataclass(frozen=True)
class HostedLLM:
    """An LLM behind an API."""

    key: tuple[str, str]  # section and name in the configuration, such as ``("generators", "gpt")``
    provider: str
    model: str
    base_url: str | None
    mode: str
    service_tier: str | None
    price: JsonObject | None  # of a million tokens; None if it is looked up
    key_variable: str | None  # environment variable that holds the API key; None if none is sent
    prompts: Mapping[str, str]  # the files that its requests are written from, by what they are
    outcomes: Mapping[str, Sequence[str]]  # what is done about each kind of answer
    body: JsonObject  # additional fields of a request
    allow_http: bool  # whether its key may be sent over plain HTTP across networks
    shaping: JsonObject  # what shapes its answers besides the prompts
    asking: JsonObject  # how it is asked, except what differs between its jobs

    @property
    def place(self) -> str:
        """Its key, such as ``generators.gpt``."""
        return ".".join(self.key)

    @property
    def settings(self) -> str:
        """What shapes its answers, as JSON for one command-line argument."""
        return compact(self.shaping)

    def execution(self, account_name: str, **more: str) -> str:
        """How a job asks it, as JSON, with what only this job has (``more``): nothing here changes its answers."""
        return compact({**self.asking, "generator": account_name, "key": self.place, **more})

    @property
    def may_drop(self) -> bool:
        """Whether it can leave a source without a target."""
        return any(policy[-1] == "drop" for policy in self.outcomes.values())


def read_hosted_llm(config: JsonObject, section: str, name: str, shaping: JsonObject) -> HostedLLM:
    """The LLM behind an API at ``section.name`` of a completed configuration.

    ``shaping`` is what shapes its answers besides the keys that all have.
    """
    given = {"provider": "openai", **config[section][name]}  # a learner has a kind instead
    # A key is sent to its provider's server only, unless the configuration names another.
    default = None if given["base_url"] else _KEY_VARIABLES[given["provider"]]
    variable = given.get("api_key_env", default)
    shaping_keys = (*field_names(ShapingSettings), *_REQUEST)
    account = " ".join(filter(None, [given["provider"], given["base_url"], variable]))
    asking = {
        **picked(given, field_names(ExecutionSettings)),
        "api_key_env": variable,
        "account": given["account"] or account,
        "journal": journal_path(config),
        "study": os.path.normpath(config["results"]),
        "study_max_usd": config["llm"]["max_usd"],
        "shutdown_notice": config["llm"]["shutdown_notice"],
    }
    return read_settings(
        HostedLLM,
        given,
        key=(section, name),
        key_variable=variable,
        prompts=_prompt_files(given),
        shaping={**picked(given, shaping_keys), "languages": config["languages"], **shaping},
        asking=asking,
    )


def _prompt_files(given: JsonObject) -> dict[str, str]:
    files: dict[str, Any] = {
        "judge" if "metric" in given else "prompt": given["prompt"],
        "retry": given["retry_prompt"],
    }
    if given.get("sentences_per_request", 1) > 1:
        files["prompt_many"] = given["prompt_many"]
    if given["system_prompt"]:
        files["system"] = given["system_prompt"]
    return files


def journal_path(config: JsonObject) -> str:
    """The SQLite file in which the study's answers are kept."""
    return config["llm"]["journal"] or f"{config['results']}/journal.sqlite"


def missing_keys(llms: Iterable[HostedLLM], environment: Mapping[str, str]) -> list[str]:
    """One line for each API key that ``environment`` lacks, with what needs it."""
    users: dict[str, list[HostedLLM]] = {}
    for llm in llms:
        if llm.key_variable and not environment.get(llm.key_variable):
            users.setdefault(llm.key_variable, []).append(llm)
    return [
        f"{asked[0].place}.api_key_env: the environment has no {variable}, which "
        f"{' and '.join(llm.key[1] for llm in asked)} need{'s' if len(asked) == 1 else ''}: "
        f"export {variable}=…, or set api_key_env"
        for variable, asked in users.items()
    ]
