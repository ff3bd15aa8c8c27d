"""Providers of LLMs: one module each that writes requests, sends them and reads the answers.

A module is called as its provider and offers ``connect(settings) -> Api``. What providers have in common is in
:mod:`llm.providers.connection` (the connection) and :mod:`llm.providers.failures` (what went wrong).
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from llm.calls import Answer, Call, Failure, Reply
from workbench.cli import UserError

PROVIDERS = ("openai", "anthropic")
"""Names of the providers."""


class ModelInfo(NamedTuple):
    """What a provider tells of a model; ``shutdown_date`` is None where none is announced."""

    id: str
    shutdown_date: date | None


class BatchStatus(StrEnum):
    """How far a batch is."""

    RUNNING = "running"  # look again later
    ENDED = "ended"  # there are results, though perhaps not of every request
    FAILED = "failed"  # the provider took none of it; BatchState.failure says why


class BatchCounts(NamedTuple):
    """Requests of a batch: all, answered, ended without an answer. The rest is still to do."""

    total: int
    answered: int
    failed: int


class BatchState(NamedTuple):
    """A batch as the provider sees it.

    Attributes:
        remote_id: the provider's name for it.
        status: how far it is.
        counts: of its requests.
        created: when it was submitted, UTC, in seconds since 1970.
        message: the provider's own word for the status, and the reason where it failed.
        output_file_id, error_file_id: of the provider's files, None where it has none.
        failure: why none of it was taken, None unless ``failed``. THROTTLED: too many tokens wait already.
    """

    remote_id: str
    status: BatchStatus
    counts: BatchCounts
    created: float
    message: str
    output_file_id: str | None = None
    error_file_id: str | None = None
    failure: Failure | None = None


class BatchResult(NamedTuple):
    """The end of one request of a batch."""

    custom_id: str
    result: Reply | Failure


class BatchLimits(NamedTuple):
    """Most requests and bytes that the provider takes in one batch, and the bytes it needs beyond a request's body."""

    requests: int
    bytes: int
    bytes_per_request: int


class TuningStatus(StrEnum):
    """How far a fine-tuning job is; the values are the states in the journal."""

    RUNNING = "created"  # look again later
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TuningState(NamedTuple):
    """A fine-tuning job as the provider sees it.

    Attributes:
        remote_id: the provider's name for it.
        status: how far it is.
        word: the provider's own word for that.
        created, finished: UTC, in seconds since 1970; None as long as it has not ended.
        tuned_model: the provider's name for the model, None where it names none.
        trained_tokens: billed tokens, None where it does not say.
        message: why it failed, else empty.
        raw: all that the provider tells.
    """

    remote_id: str
    status: TuningStatus
    word: str
    created: float
    finished: float | None
    tuned_model: str | None
    trained_tokens: int | None
    message: str
    raw: Mapping[str, Any]


class TuningEvent(NamedTuple):
    """What a job told of itself at a time (UTC, in seconds since 1970); ``data`` holds metrics, if any."""

    id: str
    created: float
    level: str
    message: str
    data: Mapping[str, Any]


class TuningRequest(NamedTuple):
    """What a fine-tuning job is created with.

    Attributes:
        intent: a name for the job that no other has.
        model: what to train.
        training_file, validation_file: the provider's names for uploaded files.
        hyperparameters: those that are not left to the provider.
        seed, suffix: of the training and of the model's name; None for none.
    """

    intent: str
    model: str
    training_file: str
    validation_file: str | None
    hyperparameters: Mapping[str, Any]
    seed: int | None
    suffix: str | None


class TuningApi(Protocol):
    """A provider's fine-tuning; every coroutine raises :class:`llm.calls.Failure` as those of :class:`Api` do."""

    async def check(self) -> None:
        """Ask for something that needs the right to fine-tune and costs nothing."""
        ...

    async def upload(self, path: Path, sha256: str) -> str:
        """The provider's name for the file with this content: an earlier upload's, or else of a new one."""
        ...

    async def has_file(self, remote_id: str) -> bool:
        """Whether an uploaded file is still there and of use."""
        ...

    async def create(self, request: TuningRequest) -> TuningState:
        """Create a job. When the connection is lost on the way it may exist: ask :meth:`find` first."""
        ...

    async def find(self, request: TuningRequest, created_after: float) -> list[TuningState]:
        """Jobs that may be the one created with ``request``, the likeliest first."""
        ...

    async def job(self, remote_id: str) -> TuningState:
        """How far a job is."""
        ...

    async def events(self, remote_id: str, seen: Collection[str]) -> list[TuningEvent]:
        """What a job has told since the events ``seen``, the oldest first."""
        ...

    async def checkpoints(self, remote_id: str) -> list[Mapping[str, Any]]:
        """A job's checkpoints, the first one first; empty where the provider has none."""
        ...

    async def cancel(self, remote_id: str) -> TuningState:
        """End a job."""
        ...

    async def delete_model(self, model: str) -> bool:
        """Delete a fine-tuned model; false where there is none."""
        ...

    async def delete_file(self, remote_id: str) -> bool:
        """Delete an uploaded file; false where there is none."""
        ...

    async def has_model(self, model: str) -> bool:
        """Whether there is such a model."""
        ...


class Api(Protocol):
    """A model behind an API.

    Every coroutine raises :class:`llm.calls.Failure` and no other exception for what the provider or the network does.

    Attributes:
        base_url: where the API is, without a slash at the end.
        api_version: the API's version.
        sdk: name and version of the client library.
        batch_limits: of this provider.
    """

    base_url: str
    api_version: str
    sdk: str
    batch_limits: BatchLimits

    def call(self, system: str | None, user: str, max_tokens: int, sample: int, step: int) -> Call:
        """The request for one answer.

        Args:
            system: the system prompt, None for none.
            user: the prompt.
            max_tokens: longest answer.
            sample: 0, 1, … of several answers to the same prompt.
            step: how many requests for the same text went before; shifts the seed, where one is set.
        """
        ...

    async def send(self, call: Call) -> Reply:
        """Ask once, without retries."""
        ...

    def read(self, raw: str) -> Answer:
        """What a reply's body says.

        Raises:
            Failure: it is no answer that can be read (TRANSIENT and perhaps paid).
        """
        ...

    async def preflight(self) -> ModelInfo | None:
        """Ask for the model before anything is paid; None where the server does not describe its models.

        Raises:
            Failure: FATAL when the key is not accepted or the model does not exist.
        """
        ...

    async def submit_batch(self, intent: str, lines: Path) -> BatchState:
        """Hand requests over in one batch.

        When the connection is lost on the way, the batch may exist: ask :meth:`find_batch` before submitting again.

        Args:
            intent: a name for the batch that no other batch has.
            lines: file of JSON objects, one a line, with ``custom_id`` (at most 64 characters of ``A-Za-z0-9_-``)
                and ``body`` (of a call). Space for a copy is needed beside it.
        """
        ...

    async def find_batch(self, intent: str, created_after: float, requests: int) -> list[BatchState]:
        """Batches that may be the one submitted as ``intent``, the newest first.

        OpenAI keeps the intent, so what is found is the batch. Anthropic keeps none: these are the batches of as many
        requests, and the ``custom_id`` of a result tells whether one of them is meant.

        Args:
            intent: as submitted.
            created_after: UTC, in seconds since 1970; an hour is allowed for clocks that disagree.
            requests: how many the batch holds.
        """
        ...

    async def batch(self, remote_id: str) -> BatchState:
        """How far a batch is."""
        ...

    def batch_results(self, state: BatchState) -> AsyncIterator[BatchResult]:
        """The results of a batch that has ended, one by one as they arrive, in no order.

        Requests that expired or were cancelled are TRANSIENT failures or missing. Iterating again after a failure
        starts from the beginning.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


def open_api(settings: Mapping[str, Any]) -> Api:
    """The API that a generator's settings name.

    Raises:
        UserError: the environment lacks the key, or the address is none.
    """
    api: Api = importlib.import_module(f"llm.providers.{settings['provider']}").connect(settings)
    return api


def tuning_of(api: Api) -> TuningApi:
    """Fine-tuning where ``api`` is.

    Raises:
        UserError: the provider has none.
    """
    tuning: TuningApi | None = getattr(api, "tuning", None)
    if tuning is None:
        raise UserError("this provider does not fine-tune: use provider: openai, or a learner of kind: local")
    return tuning
