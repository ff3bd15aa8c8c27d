"""A generator or judge behind an API, put together from its settings: API, journal, price, task, dialogue."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from llm.answers.scores import Judgement, Pairs
from llm.asking.dialogue import Dialogue
from llm.asking.tasks import PromptTask, Translation
from llm.calls import Answer
from llm.journal import Journal, Limits
from llm.prices import Price, price_of
from llm.prompts import JUDGE, Templates
from llm.providers import open_api
from llm.providers.api import Api
from llm.settings import ExecutionSettings, ShapingSettings
from workbench.cli import say
from workbench.pairs import Source
from workbench.tables import count_rows, read_rows


class SourceTable:
    """The sources of a split, read from its table each time: they are never all in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows = count_rows(path)

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Iterator[Source]:
        return (Source(*row) for row in read_rows(self._path, ["id", "source"]))


Subjects = SourceTable | Pairs
"""What is asked about: sources, or pairs of a source and the target that is judged."""


@dataclass(frozen=True)
class LLMSetup:
    """Everything that is needed to ask for a generator's targets, or their scores, or to read them from the journal."""

    settings: ShapingSettings
    execution: ExecutionSettings
    api: Api
    journal: Journal
    price: Price
    task: PromptTask
    dialogue: Dialogue

    def plausible(self, answer: Answer, body: Mapping[str, Any]) -> Answer:
        """``answer`` with no more tokens than a request with this ``body`` can have taken; says so once if it had."""
        usage = answer.usage.bounded(body)
        if usage == answer.usage:
            return answer
        _warn_of_counts(self.execution.generator)
        return replace(answer, usage=usage)


@cache
def _warn_of_counts(name: str) -> None:
    say(
        f"WARNING: {name}: the server's counts of tokens are missing or impossible; such an answer counts as the most "
        "that its request can have taken (the journal keeps what the server said)"
    )


def limits_of(execution: ExecutionSettings) -> Limits:
    """What may be spent, in US dollars."""
    return Limits(execution.study_max_usd, execution.max_usd)


def api_of(settings: Mapping[str, object], execution: ExecutionSettings, with_key: bool) -> Api:
    """The API of a model; without its key it only writes calls and reads answers.

    Raises:
        UserError: the key is missing, or the address is none.
    """
    key, timeout, concurrency = execution.api_key_env, execution.timeout, execution.concurrency
    sending = {"api_key_env": key if with_key else None, "timeout": timeout, "concurrency": concurrency}
    return open_api({**settings, **sending})


def set_up(
    settings: ShapingSettings, execution: ExecutionSettings, prompts: Mapping[str, Path], journal: Journal, api: Api
) -> LLMSetup:
    """The parts of one generator or judge; ``prompts`` are the files of its :class:`Templates`.

    Raises:
        UserError: a prompt cannot be used, or the price is unknown.
    """
    price = price_of(
        settings.provider,
        settings.model,
        settings.base_url,
        execution.price,
        execution.mode == "batch",
        settings.service_tier,
    )
    templates = Templates(prompts, settings.languages)
    task: PromptTask = (
        Judgement(templates, settings.parameters["reasoning_tokens"])
        if JUDGE in prompts
        else Translation(templates, settings)
    )
    dialogue = Dialogue(api, journal, settings, price, task)
    return LLMSetup(settings, execution, api, journal, price, task, dialogue)
