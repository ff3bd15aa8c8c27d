"""A generator behind an API, put together from its settings: API, journal, price, dialogue.

Settings are those of the configuration, parted into what shapes the text and how it is asked (:mod:`planning.asking`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from generate.providers import Source
from llm.apis import Api, open_api
from llm.dialogue import Dialogue
from llm.journal import Journal, Limits
from llm.prices import Price, price_of
from llm.prompts import Templates, load_templates
from workbench.tables import read_rows

Settings = Mapping[str, Any]


class Pool:
    """The sources of a split, read from its table anew each time: they are never all in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            self._rows = sum(1 for _ in file) - 1

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Iterator[Source]:
        return (Source(*row) for row in read_rows(self._path, ["id", "source"]))


@dataclass(frozen=True)
class Asking:
    """Everything that it takes to ask for a generator's targets or to read them from the journal."""

    name: str
    settings: Settings
    execution: Settings
    api: Api
    journal: Journal
    price: Price
    dialogue: Dialogue
    templates: Templates

    @property
    def limits(self) -> Limits:
        """What the study and this generator may spend, in US dollars."""
        return Limits(self.execution["study_max_usd"], self.execution["max_usd"])


def sdk_name(provider: str) -> str:
    """Name and version of the client library of a provider."""
    return f"{provider} {version(provider)}"


def put_together(
    settings: Settings, execution: Settings, prompts: Mapping[str, Path], journal: Journal, with_key: bool
) -> Asking:
    """The parts of one generator.

    Args:
        settings: what shapes its text.
        execution: how it is asked.
        prompts: the files that its requests are written from: ``prompt``, ``retry`` and perhaps ``system``.
        journal: where answers are.
        with_key: whether requests will be sent; without, the API only writes and reads them.

    Raises:
        UserError: the key is missing, a prompt cannot be used, or the price is unknown.
    """
    variable = execution["api_key_env"] if with_key else None
    api = open_api({**settings, **execution, "api_key_env": variable})
    price = price_of(
        settings["provider"],
        settings["model"],
        settings["base_url"],
        execution["price"],
        execution["mode"] == "batch",
        settings["service_tier"],
    )
    templates = load_templates(prompts, settings["languages"])
    dialogue = Dialogue(api, journal, settings, price, templates)
    return Asking(execution["generator"], settings, execution, api, journal, price, dialogue, templates)
