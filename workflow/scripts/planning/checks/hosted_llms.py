"""Checks of LLMs behind an API and of prompts."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from planning.configuration.errors import Key, Problem
from planning.llms import HostedLLM
from workbench.cli import UserError

_FINAL = ("keep", "drop", "stop")
_PROMPT_KEYS = {
    "prompt": "prompt",
    "judge": "prompt",
    "prompt_many": "prompt_many",
    "retry": "retry_prompt",
    "system": "system_prompt",
}


def prompt_problems(key: Key, files: Mapping[str, str], languages: Mapping[str, str]) -> Iterator[Problem]:
    """Files of prompts must be there and have their placeholders."""
    missing = [role for role, path in files.items() if not Path(path).is_file()]
    for role in missing:
        yield Problem((*key, _PROMPT_KEYS[role]), f"{files[role]!r} is not a file (looked for it in {Path.cwd()})")
    if not missing:
        from llm.prompts import Templates  # only studies that ask an LLM pay for the import

        try:
            Templates({role: Path(path) for role, path in files.items()}, languages)
        except UserError as error:
            yield Problem(key, str(error))


def hosted_llm_problems(llm: HostedLLM, languages: Mapping[str, str], is_asked: bool = True) -> Iterator[Problem]:
    """Everything that is wrong with an LLM behind an API; one that is not asked needs no price."""
    yield from prompt_problems(llm.key, llm.prompts, languages)
    if is_asked:
        yield from _price_problems(llm)
    yield from _policy_problems(llm)
    yield from _address_problems(llm)


def _price_problems(llm: HostedLLM) -> Iterator[Problem]:
    """What an answer costs must be known."""
    from llm.prices import price_of  # only studies that ask an LLM pay for the import

    try:
        price_of(llm.provider, llm.model, llm.base_url, llm.price, llm.mode == "batch", llm.service_tier)
    except UserError as error:
        yield Problem((*llm.key, "model"), str(error))


def _policy_problems(llm: HostedLLM) -> Iterator[Problem]:
    """What is done about an answer must end, in something that can be done."""
    for outcome, policy in llm.outcomes.items():
        where = (*llm.key, "outcomes", outcome)
        if policy[-1] not in _FINAL or any(action in _FINAL for action in policy[:-1]):
            yield Problem(where, f"{', '.join(policy)}: the last action, and only the last, is keep, drop or stop")
        if "repair" in policy and (outcome != "malformed" or policy[0] != "repair"):
            yield Problem(where, "repair belongs to malformed answers, and comes first")
        if policy[-1] == "keep" and (outcome in ("failed", "empty", "content_filter") or llm.key[0] == "quality"):
            yield Problem(where, "keep: there is nothing to keep; allowed at the end: drop, stop")
        if "retry" in policy and outcome in ("failed", "content_filter"):
            reason = {"failed": "attempts says how often it is tried", "content_filter": "the filter stays as it is"}
            yield Problem(where, f"retry: {reason[outcome]}; allowed: drop, stop")


def _address_problems(llm: HostedLLM) -> Iterator[Problem]:
    """A key must not be readable on its way to the server."""
    from llm.addresses import exposes_key

    if llm.key_variable and not llm.allow_http and exposes_key(llm.base_url):
        reason = f"plain http:// sends the key in {llm.key_variable} readable across networks"
        yield Problem((*llm.key, "base_url"), f"{reason}; use https://, or set allow_http: true if you accept that")
