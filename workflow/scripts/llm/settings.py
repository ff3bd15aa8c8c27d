"""Settings of generators, judges and hosted learners, as rules pass them to scripts: JSON, read once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self


@dataclass(frozen=True)
class FromJson:
    """A dataclass that takes its fields from a JSON object with more keys."""

    @classmethod
    def read(cls, values: str | Mapping[str, Any]) -> Self:
        """The settings in a JSON object or its text; a field ``parameters`` gets the whole object.

        Raises:
            TypeError: a key without a default is missing.
        """
        found: Mapping[str, Any] = json.loads(values) if isinstance(values, str) else values
        found = {**found, "parameters": found}
        names = (field.name for field in fields(cls))
        return cls(**{name: found[name] for name in names if name in found})


@dataclass(frozen=True)
class BatchSettings(FromJson):
    """How calls are asked in batches."""

    max_requests: int  # of one batch
    max_bytes: int  # of one batch
    max_enqueued_tokens: int | None  # of the account at the provider at any time; None until a limit is learnt
    poll_seconds: float  # longest time between two looks at a batch


@dataclass(frozen=True)
class ExecutionSettings(FromJson):
    """How a model is asked: nothing here changes what it answers."""

    generator: str  # name that the requests are accounted for under
    key: str  # its place in the configuration, for messages
    study: str  # whose budget counts
    study_max_usd: float | None  # most that the study may spend; None for no limit
    max_usd: float | None  # most that this generator may spend; None for no limit
    journal: str  # path of the journal
    account: str  # whose limits count at the provider
    api_key_env: str | None  # environment variable with the key; None if none is sent
    mode: str  # online or batch
    concurrency: int  # requests in flight
    attempts: int  # of one call
    patience: float  # seconds without any answer after which the run ends
    requests_per_minute: float | None  # limit of the account, None for the one that the provider announces
    tokens_per_minute: float | None  # the same
    timeout: float  # seconds for one request
    price: Mapping[str, float] | None  # as configured, None for the table's
    batch: Mapping[str, Any]  # see BatchSettings
    shutdown_notice: int  # days before a model's shutdown from which on it is mentioned
    judged: str | None = None  # path of the table that a judge rates, None for others
    training_price: float | None = None  # as configured, None for the table's
    poll_seconds: float = 60.0  # longest time between two looks at a fine-tuning job


@dataclass(frozen=True)
class _OfModel(FromJson):
    """Who is asked for what."""

    provider: str
    model: str
    languages: Mapping[str, str]  # codes of source and target


@dataclass(frozen=True)
class ShapingSettings(_OfModel):
    """What shapes the answers of a model besides its prompts."""

    samples: int  # answers to each request
    sentences_per_request: int  # texts that are asked about together
    retries: int  # how often an unusable answer is asked for again
    outcomes: Mapping[str, Sequence[str]]  # for each but ok the actions in order: repair, retry; keep, drop or stop
    reasoning_tokens: int  # added to the longest answer
    parameters: Mapping[str, Any]  # all keys as they were given, those of the request's body among them
    base_url: str | None = None  # None for the provider's own address
    max_output_factor: float | None = None  # tokens of the longest answer by the source's; None for judges
    language_margin: float | None = None  # see llm.answers.outcomes.standards; None for no check of the language
    service_tier: str | None = None  # asked for, None for the provider's choice

    def of_model(self, model: str) -> Self:
        """The same settings for another model."""
        return replace(self, model=model, parameters={**self.parameters, "model": model})


@dataclass(frozen=True)
class TuningSettings(_OfModel):
    """What shapes a model that a provider fine-tunes; numbers may be ``auto``, which leaves them to the provider."""

    n_epochs: int | str
    batch_size: int | str
    learning_rate_multiplier: float | str
    validation: bool  # whether there is a validation file
    max_tokens: int  # of one example, prompt and target
    unusable: str  # what to do about an empty target or a too long example: stop or drop
    base_url: str | None = None  # None for the provider's own address
    suffix: str | None = None  # of the model's name, None for none
    seed: int | None = None  # of the training, None for the provider's choice
