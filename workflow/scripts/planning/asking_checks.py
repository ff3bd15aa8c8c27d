"""What a schema cannot say about generators and judges behind an API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from planning.asking import Config, is_asked, is_judge, may_drop, prompt_files
from planning.configuration import Key, Problem, guess
from planning.runs import own_generator
from planning.scoring import needed_generators
from workbench.cli import UserError
from workbench.generated import HUMAN

_FINAL = ("keep", "drop", "stop")
_PROMPT_KEYS = {
    "prompt": "prompt",
    "judge": "prompt",
    "prompt_many": "prompt_many",
    "retry": "retry_prompt",
    "system": "system_prompt",
}
# Fields of a request that the workflow writes itself, and the key that stands for each.
_OWN_FIELDS = {
    "model": "model",
    "messages": "prompt",
    "system": "system_prompt",
    "max_tokens": "max_output_factor",
    "max_completion_tokens": "max_output_factor",
    "n": "samples",
    "stream": "nothing: answers are read whole",
    "temperature": "temperature (openai)",
    "top_p": "top_p (openai)",
    "seed": "seed (openai)",
    "logprobs": "log_probabilities (openai)",
    "reasoning_effort": "reasoning_effort (openai)",
    "service_tier": "service_tier",
}
# Where a judge has another key.
_JUDGES_FIELDS = {
    "max_tokens": "reasoning_tokens",
    "max_completion_tokens": "reasoning_tokens",
    "n": "nothing: there is one number for each target",
    "logprobs": "nothing: there is one number for each target",
}


def asked_generator_problems(config: Config) -> Iterator[Problem]:
    """Everything that is wrong with the generators and judges behind an API."""
    needed = needed_generators(config)
    own = {own_generator(name) for name in config["learners"]}  # checked with their learners
    for name, generator in config["generators"].items():
        if is_asked(generator) and name not in own:
            key = ("generators", name)
            yield from check_prompts(key, prompt_files(generator), config["languages"])
            if name in needed:
                yield from check_price(key, generator)
            yield from check_body(key, generator)
            yield from _check_samples(key, generator)
            yield from check_policies(key, generator)
            yield from _check_fallback(key, config, name)
    for name, quality in config["quality"].items():
        if is_judge(quality):
            key = ("quality", name)
            yield from check_prompts(key, prompt_files(quality), config["languages"])
            yield from check_price(key, quality)
            yield from check_body(key, quality)
            yield from check_policies(key, quality)


def check_prompts(key: Key, files: Mapping[str, str], languages: Mapping[str, str]) -> Iterator[Problem]:
    """Files of prompts must be there and have their places."""
    missing = [role for role, path in files.items() if not Path(path).is_file()]
    for role in missing:
        yield Problem((*key, _PROMPT_KEYS[role]), f"{files[role]!r} is no file (looked for it in {Path.cwd()})")
    if not missing:
        from llm.prompts import load_templates  # only studies that ask an LLM pay for the import

        try:
            load_templates({role: Path(path) for role, path in files.items()}, languages)
        except UserError as error:
            yield Problem(key, str(error))


def check_price(key: Key, asked: Config) -> Iterator[Problem]:
    """What an answer costs must be known."""
    from llm.prices import price_of  # only studies that ask an LLM pay for the import

    try:
        price_of(
            asked["provider"],
            asked["model"],
            asked["base_url"],
            asked["price"],
            asked["mode"] == "batch",
            asked["service_tier"],
        )
    except UserError as error:
        yield Problem((*key, "model"), str(error))


def check_body(key: Key, asked: Config) -> Iterator[Problem]:
    """What the workflow sets itself in a request is not given beside it."""
    instead = _OWN_FIELDS | (_JUDGES_FIELDS if is_judge(asked) else {})
    for field in asked["body"]:
        if field in instead:
            yield Problem((*key, "body", field), f"the workflow sets this; use {instead[field]}")


def _check_samples(key: Key, generator: Config) -> Iterator[Problem]:
    if generator["samples"] > 1 and generator.get("temperature") == 0:
        yield Problem((*key, "samples"), "more than 1 with temperature 0 is the same answer paid several times")
    if generator["sentences_per_request"] > 1 and generator.get("log_probabilities"):
        yield Problem(
            (*key, "log_probabilities"),
            "with several sentences per request they belong to no sentence; allowed: sentences_per_request 1",
        )


def check_policies(key: Key, asked: Config) -> Iterator[Problem]:
    """What is done about an answer must end, in something that can be done."""
    for outcome, policy in asked["outcomes"].items():
        where = (*key, "outcomes", outcome)
        if policy[-1] not in _FINAL or any(action in _FINAL for action in policy[:-1]):
            yield Problem(where, f"{', '.join(policy)}: the last action, and only the last, is keep, drop or stop")
        if "repair" in policy and (outcome != "malformed" or policy[0] != "repair"):
            yield Problem(where, "repair belongs to malformed answers, and comes first")
        if policy[-1] == "keep" and (outcome in ("failed", "empty", "content_filter") or key[0] == "quality"):
            yield Problem(where, "keep: there is nothing to keep; allowed at the end: drop, stop")
        if "retry" in policy and outcome in ("failed", "content_filter"):
            reason = {"failed": "attempts says how often it is tried", "content_filter": "the filter stays as it is"}
            yield Problem(where, f"retry: {reason[outcome]}; allowed: drop, stop")


def _check_fallback(key: Key, config: Config, name: str) -> Iterator[Problem]:
    generators: Mapping[str, Any] = config["generators"]
    fallback = generators[name]["fallback"]
    if fallback in (None, HUMAN):
        return
    others = [other for other in generators if other != name and not _leaves_gaps(generators[other])]
    if fallback not in others:
        allowed = ", ".join([HUMAN, *others])
        yield Problem(
            (*key, "fallback"),
            f"{fallback!r} is no other origin that has a target for every source; allowed: {allowed}"
            + guess(fallback, others),
        )


def _leaves_gaps(generator: Config) -> bool:
    return is_asked(generator) and may_drop(generator)
