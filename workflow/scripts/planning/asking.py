"""What the configuration says of generators behind an API: what shapes their text, and how they are asked.

The two are kept apart, because only what shapes the text may make a study compute anything again.
"""

from __future__ import annotations

import os
from typing import Any

Config = dict[str, Any]

API_PROVIDERS = ("openai", "anthropic")
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


def shaping_settings(config: Config, name: str) -> Config:
    """What shapes the answers of a generator besides its prompts, and what becomes of them."""
    generator = config["generators"][name]
    return {
        **{key: generator[key] for key in _SHAPING if key in generator},
        "languages": config["languages"],
        "language_margin": config["corpus"]["cleaning"]["language_margin"],
    }


def execution_settings(config: Config, name: str) -> Config:
    """How a generator is asked: nothing here changes what it answers."""
    generator = config["generators"][name]
    variable = key_variable(generator)
    account = " ".join(filter(None, [generator["provider"], generator["base_url"], variable]))
    return {
        **{key: generator[key] for key in _EXECUTION},
        "api_key_env": variable,
        "account": generator["account"] or account,
        "journal": journal_path(config),
        "study": os.path.normpath(config["results"]),
        "generator": name,
        "study_max_usd": config["llm"]["max_usd"],
        "shutdown_notice": config["llm"]["shutdown_notice"],
    }


def key_variable(generator: Config) -> str | None:
    """The environment variable that holds a generator's key; None where none is sent.

    A key is never sent to another server than its provider's unless the configuration says so.
    """
    default = None if generator["base_url"] else _KEY_VARIABLES[generator["provider"]]
    return generator.get("api_key_env", default)


def journal_path(config: Config) -> str:
    """The SQLite file in which the study's answers are kept."""
    return config["llm"]["journal"] or f"{config['results']}/journal.sqlite"


def prompt_files(generator: Config) -> dict[str, str]:
    """The files that a generator's requests are written from, by what they are."""
    files = {"prompt": generator["prompt"], "retry": generator["retry_prompt"]}
    if generator["sentences_per_request"] > 1:
        files["prompt_many"] = generator["prompt_many"]
    if generator["system_prompt"]:
        files["system"] = generator["system_prompt"]
    return files


def may_drop(generator: Config) -> bool:
    """Whether a source can be left without a target of this generator."""
    return any(policy[-1] == "drop" for policy in generator["outcomes"].values())
