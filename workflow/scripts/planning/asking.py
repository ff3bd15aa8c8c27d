"""What the configuration says of LLMs behind an API, generators and judges: what shapes answers, how they are asked.

The two are kept apart, because only what shapes answers may make a study compute anything again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

Config = dict[str, Any]

API_PROVIDERS = ("openai", "anthropic")
JUDGE_METRIC = "llm_judge"
_KEY_VARIABLES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
_SHAPING = (
    "provider",
    "model",
    "base_url",
    "temperature",
    "top_p",
    "seed",
    "log_probabilities",
    "reasoning_effort",
    "effort",
    "service_tier",
    "max_tokens_field",
    "body",
    "sentences_per_request",
    "samples",
    "max_output_factor",
    "reasoning_tokens",
    "retries",
    "outcomes",
)
_EXECUTION = (
    "mode",
    "concurrency",
    "requests_per_minute",
    "tokens_per_minute",
    "timeout",
    "attempts",
    "patience",
    "max_usd",
    "price",
    "batch",
)


def is_asked(generator: Config) -> bool:
    """Whether a generator's text comes from an LLM's API."""
    return generator["provider"] in API_PROVIDERS


def is_judge(asked: Config) -> bool:
    """Whether these are the settings of a quality score that an LLM gives."""
    return asked.get("metric") == JUDGE_METRIC


def shaping_settings(config: Config, name: str) -> Config:
    """What shapes the answers of a generator besides its prompts, and what becomes of them."""
    return asked_shaping(config, config["generators"][name])


def asked_shaping(config: Config, asked: Config) -> Config:
    """What shapes translations besides the prompts, and what becomes of them."""
    cleaning = config["corpus"]["cleaning"]
    return {**_shaping(config, asked), "language_margin": cleaning["language_margin"]}


def judge_settings(config: Config, quality: str) -> Config:
    """What shapes the answers of a judge besides its prompts, and what becomes of them: one for each target."""
    return {**_shaping(config, config["quality"][quality]), "samples": 1, "sentences_per_request": 1}


def _shaping(config: Config, asked: Config) -> Config:
    return {**{key: asked[key] for key in _SHAPING if key in asked}, "languages": config["languages"]}


def execution_settings(config: Config, name: str) -> Config:
    """How a generator is asked: nothing here changes what it answers.

    ``generator`` is the name that its requests are accounted for under, ``key`` its place in the configuration.
    """
    return {**asked_execution(config, config["generators"][name]), "generator": name, "key": f"generators.{name}"}


def judge_execution(config: Config, quality: str, generator: str) -> Config:
    """How a judge is asked about a generator's targets, which stand in the table ``judged``; see above."""
    return {
        **asked_execution(config, config["quality"][quality]),
        "generator": f"judge {quality} of {generator}",
        "key": f"quality.{quality}",
        "judged": f"{config['results']}/generators/{generator}/generated.tsv",
    }


def asked_execution(config: Config, asked: Config) -> Config:
    """How an LLM is asked, but for the name that its requests are accounted for under."""
    variable = key_variable(asked)
    account = " ".join(filter(None, [asked["provider"], asked["base_url"], variable]))
    return {
        **{key: asked[key] for key in _EXECUTION},
        "api_key_env": variable,
        "account": asked["account"] or account,
        "journal": journal_path(config),
        "study": os.path.normpath(config["results"]),
        "study_max_usd": config["llm"]["max_usd"],
        "shutdown_notice": config["llm"]["shutdown_notice"],
    }


def key_variable(asked: Config) -> str | None:
    """The environment variable that holds a generator's or judge's key; None where none is sent.

    A key is never sent to another server than its provider's unless the configuration says so.
    """
    default = None if asked["base_url"] else _KEY_VARIABLES[asked["provider"]]
    return asked.get("api_key_env", default)


def missing_keys(asked: Mapping[str, Config], environment: Mapping[str, str]) -> list[str]:
    """What is wrong with the environment for asking: one line for each key that is not there.

    Args:
        asked: settings of generators and judges, by their places in the configuration such as ``generators.gpt``.
        environment: variables and their values.
    """
    users: dict[str, list[str]] = {}
    for place, settings in asked.items():
        variable = key_variable(settings)
        if variable and not environment.get(variable):
            users.setdefault(variable, []).append(place)
    return [
        f"{places[0]}.api_key_env: the environment has no {variable}, which "
        f"{' and '.join(place.partition('.')[2] for place in places)} need{'s' if len(places) == 1 else ''}: "
        f"export {variable}=…, or set api_key_env"
        for variable, places in users.items()
    ]


def journal_path(config: Config) -> str:
    """The SQLite file in which the study's answers are kept."""
    return config["llm"]["journal"] or f"{config['results']}/journal.sqlite"


def prompt_files(asked: Config) -> dict[str, str]:
    """The files that a generator's or judge's requests are written from, by what they are."""
    files = {"judge" if is_judge(asked) else "prompt": asked["prompt"], "retry": asked["retry_prompt"]}
    if asked.get("sentences_per_request", 1) > 1:
        files["prompt_many"] = asked["prompt_many"]
    if asked["system_prompt"]:
        files["system"] = asked["system_prompt"]
    return files


def may_drop(generator: Config) -> bool:
    """Whether a source can be left without a target of this generator."""
    return any(policy[-1] == "drop" for policy in generator["outcomes"].values())
