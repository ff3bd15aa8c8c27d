"""Providers of LLMs: one module for each, which writes requests, sends them and reads the answers.

:class:`llm.providers.api.Api` is what all of them offer and share. :mod:`llm.providers.protocol` holds the types that
it takes and returns.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llm.providers.protocol import ModelSettings

if TYPE_CHECKING:
    from llm.providers.api import Api

_CLASSES = {"openai": "OpenAIApi", "anthropic": "AnthropicApi"}


def open_api(settings: Mapping[str, Any]) -> Api:
    """The API of a generator, judge or learner; ``settings`` are ``provider`` and those of :class:`ModelSettings`.

    Raises:
        UserError: the environment lacks the key, or the address is invalid.
    """
    provider = settings["provider"]
    module = importlib.import_module(f"llm.providers.{provider}")  # importing an SDK takes a second
    api: Api = getattr(module, _CLASSES[provider])(ModelSettings.read(settings))
    return api
