"""Settings of LLMs behind an API as the workflow passes them to scripts, for tests to start from."""

from __future__ import annotations

from typing import Any

from llm.asking.setup import LLMSetup
from llm.journal import Journal
from llm.prices import Price
from llm.providers.api import Api
from llm.settings import ExecutionSettings, ShapingSettings

OUTCOMES = ("refusal", "content_filter", "length", "empty", "malformed", "obeyed", "copy", "wrong_language", "failed")
SHAPING: dict[str, Any] = {
    "provider": "openai",
    "model": "fake-strong",
    "languages": {"source": "de", "target": "en"},
    "temperature": 0,
    "service_tier": None,
    "sentences_per_request": 1,
    "samples": 1,
    "max_output_factor": 3,
    "reasoning_tokens": 0,
    "retries": 1,
    "language_margin": None,
    "outcomes": {name: ["drop"] for name in OUTCOMES},
}
EXECUTION: dict[str, Any] = {
    "mode": "online",
    "concurrency": 8,
    "requests_per_minute": None,
    "tokens_per_minute": None,
    "timeout": 20,
    "attempts": 3,
    "patience": 5,
    "max_usd": None,
    "price": {"input": 1, "output": 2},
    "batch": {"max_requests": 100, "max_bytes": 1_000_000, "max_enqueued_tokens": None, "poll_seconds": 0.1},
    "api_key_env": "FAKE_KEY",
    "account": "account",
    "journal": "journal.sqlite",
    "study": "results",
    "study_max_usd": None,
    "shutdown_notice": 30,
    "generator": "gpt",
    "key": "generators.gpt",
}


def llm_setup(api: Api, journal: Journal, price: Price, dialogue: Any, **changes: Any) -> LLMSetup:
    """What executors need, with a dialogue of the test's; ``changes`` are keys of either settings."""
    shaping = ShapingSettings.read({**SHAPING, **changes})
    execution = ExecutionSettings.read({**EXECUTION, **changes})
    return LLMSetup(shaping, execution, api, journal, price, dialogue=dialogue, task=None)  # type: ignore[arg-type]
