"""A dialogue over its own journal, with models that are functions."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from paths import PROMPTS

from llm.asking.dialogue import Dialogue, Target
from llm.asking.tasks import Translation
from llm.calls import Call, Failure, Reply, Work
from llm.journal import Journal, Stored
from llm.prices import price_of
from llm.prompts import Templates
from llm.providers import open_api
from llm.providers.api import Api
from llm.settings import ShapingSettings
from workbench.pairs import Source

POLICY = {
    "refusal": ["retry", "drop"],
    "content_filter": ["drop"],
    "length": ["retry", "drop"],
    "empty": ["retry", "drop"],
    "malformed": ["repair", "retry", "drop"],
    "obeyed": ["retry", "drop"],
    "copy": ["keep"],
    "wrong_language": ["keep"],
    "failed": ["stop"],
}
SETTINGS: dict[str, Any] = {
    "provider": "openai",
    "model": "m-1",
    "base_url": "http://127.0.0.1:9/v1",
    "api_key_env": None,
    "timeout": 5,
    "concurrency": 4,
    "samples": 1,
    "sentences_per_request": 1,
    "max_output_factor": 2,
    "reasoning_tokens": 0,
    "retries": 2,
    "outcomes": POLICY,
    "language_margin": 20,
}
GERMAN_ENGLISH = {"source": "de", "target": "en"}
PRICE = price_of("openai", "m-1", "http://127.0.0.1:9/v1", {"input": 1.0, "output": 2.0}, batch=False)
HOUSE, DOG, CAT = (
    Source(f"pool:{place}", text)
    for place, text in enumerate(["Das Haus ist sehr alt.", "Der Hund schläft heute.", "Die Katze trinkt ihre Milch."])
)
ENGLISH = {
    HOUSE.text: "The house is very old.",
    DOG.text: "The dog is asleep today.",
    CAT.text: "The cat drinks its milk.",
}

Model = Callable[[Call], "str | dict[str, Any] | Failure"]


def spoken(call: Call) -> str:
    """The user's message of a call."""
    return str(call.body["messages"][-1]["content"])


def source_of(call: Call) -> str:
    """What a call wants translated: the last paragraph of its prompt."""
    return spoken(call).rpartition("\n\n")[2]


def is_retry(call: Call) -> bool:
    return spoken(call).startswith("An earlier answer")


def english(text: str) -> str:
    """A translation of sorts, which keeps the source's numbers."""
    return ENGLISH.get(text, f"This is another sentence {''.join(re.findall('[0-9]', text))}")


def good(call: Call) -> str:
    """A model that translates everything, one by one or several at once."""
    asked = source_of(call)
    if asked.startswith("{"):
        return json.dumps({key: [text[:20], english(text)] for key, text in json.loads(asked).items()})
    return english(asked)


class Study:
    """A dialogue over its own journal, with models as functions."""

    def __init__(self, path: Path, **changes: Any) -> None:
        self.journal = Journal(path, "study", "gpt")
        self.prompts = {
            "prompt": PROMPTS / "translate.txt",
            "prompt_many": PROMPTS / "translate_many.txt",
            "retry": PROMPTS / "retry.txt",
        }
        self.asked: list[Work] = []
        self.dialogue = self.with_settings(**changes)

    def with_settings(self, **changes: Any) -> Dialogue:
        settings = {**SETTINGS, **changes}
        self.api: Api = open_api(settings)
        shaping = ShapingSettings.read({**settings, "languages": GERMAN_ENGLISH})
        task = Translation(Templates(self.prompts, GERMAN_ENGLISH), shaping)
        self.dialogue = Dialogue(self.api, self.journal, shaping, PRICE, task)
        return self.dialogue

    def run(self, model: Model, sources: Iterable[Source]) -> list[Target]:
        """Ask for everything, as executors do, and return the targets."""
        sources = list(sources)
        for _ in range(self.dialogue.passes):
            asyncio.run(self._run(model, sources))
        return self.targets(sources)

    def targets(self, sources: Iterable[Source]) -> list[Target]:
        return [target for item in self.dialogue.items(sources) for target in self.dialogue.outcome(item)]

    async def _run(self, model: Model, sources: Iterable[Source]) -> None:
        for item in self.dialogue.items(sources):
            work = self.dialogue.start(item)
            while work:
                self.asked.append(work)
                await self._ask(model, work)
                work = self.dialogue.follow(work)

    async def _ask(self, model: Model, work: Work) -> None:
        ticket = await self.journal.begin(work.call, work.worst_usd)
        assert not isinstance(ticket, Stored), "asked although it is answered"
        said = model(work.call)
        if isinstance(said, Failure):
            await self.journal.fail(ticket, said, 0.0)
            return
        choice = {"finish_reason": "stop", "message": {"content": said}} if isinstance(said, str) else said
        body = {"model": "m-1", "choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 7}}
        raw = json.dumps(body)
        await self.journal.finish(ticket, Reply(raw, {}), self.api.read(raw), 0.1)


def in_turn(*answers: str | dict[str, Any] | Failure) -> Model:
    """A model that gives these answers one after the other."""
    left = list(answers)
    return lambda call: left.pop(0)


MANY = [Source(f"pool:{number}", f"Das ist der Satz mit der Nummer {number}.") for number in range(60)]


def keys(study: Study, sources: Iterable[Source]) -> Counter[str]:
    """How often each key is among the first calls."""
    works = (study.dialogue.start(item) for item in study.dialogue.items(sources))
    return Counter(work.call.key for work in works if work)
