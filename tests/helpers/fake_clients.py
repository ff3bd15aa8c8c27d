"""What tests of the fake LLM provider ask it through the official SDKs."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from typing import Any

import anthropic
import openai

SENTENCE = "Ein Mann in einem blauen Hemd steht auf der Straße."
TRANSLATION = "A man in a blue shirt stands on the street."
PROMPT = "Translate the following text from German into English. Answer with the translation only.\n\n{}"


def chat(client: openai.OpenAI, text: str = SENTENCE, model: str = "fake-strong", **options: Any) -> Any:
    """One chat completion that asks for a translation of ``text``."""
    messages = [{"role": "user", "content": PROMPT.format(text)}]
    return client.chat.completions.create(model=model, messages=messages, **options)


def message(client: anthropic.Anthropic, text: str = SENTENCE, **options: Any) -> Any:
    """One message that asks for a translation of ``text``."""
    asked: dict[str, Any] = {"model": "claude-fake", "max_tokens": 100, **options}
    return client.messages.create(messages=[{"role": "user", "content": PROMPT.format(text)}], **asked)


def body(text: str, model: str = "fake-strong", **options: Any) -> dict[str, Any]:
    """The body of such a request."""
    return {"model": model, "messages": [{"role": "user", "content": PROMPT.format(text)}], **options}


def until(ask: Callable[[], Any], done: Callable[[Any], bool]) -> Any:
    """Ask again and again until ``done``, twenty seconds at most."""
    for _ in range(1000):
        if done(value := ask()):
            return value
        time.sleep(0.02)
    raise AssertionError(f"still {value}")


def upload(client: openai.OpenAI, entries: list[Any], purpose: str = "batch") -> str:
    """Upload JSON lines and return the file's id."""
    content = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
    return client.files.create(file=("in.jsonl", io.BytesIO(content.encode())), purpose=purpose).id
