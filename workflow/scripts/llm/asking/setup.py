"""A generator or judge behind an API, put together from its settings: API, journal, price, task, dialogue.

Settings are those of the configuration, parted into what shapes answers and how it is asked (:mod:`planning.hosted_llms`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm.answers.scores import Judgement, Pairs
from llm.asking.dialogue import Dialogue
from llm.asking.tasks import Task, Translation
from llm.journal import Journal, Limits
from llm.prices import Price, price_of
from llm.prompts import JUDGE, load_templates
from llm.providers import Api, open_api
from workbench.pairs import Source
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


Subjects = Pool | Pairs
"""What is asked about: sources, or pairs of a source and the target that is judged."""


@dataclass(frozen=True)
class Asking:
    """Everything that it takes to ask for a generator's targets, or their scores, or to read them from the journal."""

    name: str
    settings: Settings
    execution: Settings
    api: Api
    journal: Journal
    price: Price
    task: Task
    dialogue: Dialogue

    @property
    def limits(self) -> Limits:
        """What the study and this generator or judge may spend, in US dollars."""
        return Limits(self.execution["study_max_usd"], self.execution["max_usd"])


def api_of(settings: Settings, execution: Settings, with_key: bool) -> Api:
    """The API of a generator or judge; without its key it only writes calls and reads answers.

    Raises:
        UserError: the key is missing, or the address is none.
    """
    variable = execution["api_key_env"] if with_key else None
    return open_api({**settings, **execution, "api_key_env": variable})


def put_together(
    settings: Settings, execution: Settings, prompts: Mapping[str, Path], journal: Journal, api: Api
) -> Asking:
    """The parts of one generator or judge.

    Args:
        settings: what shapes its answers.
        execution: how it is asked.
        prompts: the files that its requests are written from: ``prompt`` (a judge's is called ``judge``), ``retry`` and
            perhaps ``prompt_many`` and ``system``.
        journal: where answers are.
        api: writes calls and reads answers.

    Raises:
        UserError: a prompt cannot be used, or the price is unknown.
    """
    price = price_of(
        settings["provider"],
        settings["model"],
        settings["base_url"],
        execution["price"],
        execution["mode"] == "batch",
        settings["service_tier"],
    )
    templates = load_templates(prompts, settings["languages"])
    task: Task = Judgement(templates, settings) if JUDGE in prompts else Translation(templates, settings)
    dialogue = Dialogue(api, journal, settings, price, task)
    return Asking(execution["generator"], settings, execution, api, journal, price, task, dialogue)
