"""What the methods of an API take and return, the same for every provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from llm.calls import Failure, Reply
from llm.settings import FromJson


@dataclass(frozen=True)
class ModelSettings(FromJson):
    """Which model is asked, where, and how; :mod:`planning` documents the settings of a generator, judge or learner."""

    model: str  # the provider's name for it
    timeout: float  # longest wait for an answer, in seconds
    concurrency: int  # most requests at once
    base_url: str | None = None  # where the API is; None for the provider's own address
    api_key_env: str | None = None  # the environment variable that holds the key; None for a server that needs no key
    body: Mapping[str, Any] = field(default_factory=dict)  # more fields of the request's body
    # seed, temperature, top_p, reasoning_effort, effort, service_tier, log_probabilities, max_tokens_field: fields of
    # the body that one provider or both have; None leaves a field out
    seed: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    reasoning_effort: str | None = None
    effort: str | None = None
    service_tier: str | None = None
    log_probabilities: bool = False
    max_tokens_field: str | None = None


class BatchStatus(StrEnum):
    """How far a batch is."""

    RUNNING = "running"  # look again later
    ENDED = "ended"  # there are results, though perhaps not of every request
    FAILED = "failed"  # the provider accepted none of it; BatchState.failure says why


class BatchCounts(NamedTuple):
    """Requests of a batch: all, answered, ended without an answer. The rest is still to do."""

    total: int
    answered: int
    failed: int


class BatchState(NamedTuple):
    """A batch as the provider sees it."""

    remote_id: str  # the provider's name for it
    status: BatchStatus  # how far it is
    counts: BatchCounts  # of its requests
    created: float  # when it was submitted, UTC, in seconds since 1970
    message: str  # the provider's own word for the status, and the reason if it failed
    # output_file_id, error_file_id: of the provider's files, None if it has none
    output_file_id: str | None = None
    error_file_id: str | None = None
    # Why none of it was accepted, None unless ``failed``. THROTTLED: too many tokens wait already.
    failure: Failure | None = None
    has_results: bool = True  # to be fetched; a provider may name them some time after the end


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
    """A fine-tuning job as the provider sees it."""

    remote_id: str  # the provider's name for it
    status: TuningStatus  # how far it is
    word: str  # the provider's own word for that
    # created, finished: UTC, in seconds since 1970; ``finished`` is None until the job has ended
    created: float
    finished: float | None
    tuned_model: str | None  # the provider's name for the model, None if it names none
    trained_tokens: int | None  # billed tokens, None if it does not say
    message: str  # why it failed, empty if it did not
    raw: Mapping[str, Any]  # everything that the provider says about it


class TuningEvent(NamedTuple):
    """What a job reported at a time (UTC, in seconds since 1970); ``data`` holds metrics, if any."""

    id: str
    created: float
    level: str
    message: str
    data: Mapping[str, Any]
