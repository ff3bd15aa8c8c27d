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
        """The settings in a JSON object or its text.

        Raises:
            TypeError: a key without a default is missing.
        """
        found: Mapping[str, Any] = json.loads(values) if isinstance(values, str) else values
        names = (field.name for field in fields(cls))
        return cls(**{name: found[name] for name in names if name in found})


@dataclass(frozen=True)
class BatchSettings(FromJson):
    """How calls are asked in batches.

    Attributes:
        max_requests, max_bytes: of one batch.
        max_enqueued_tokens: of the account at the provider at any time; None for no limit until one is learnt.
        poll_seconds: longest time between two looks at a batch.
    """

    max_requests: int
    max_bytes: int
    max_enqueued_tokens: int | None
    poll_seconds: float


@dataclass(frozen=True)
class ExecutionSettings(FromJson):
    """How a model is asked: nothing here changes what it answers.

    Attributes:
        generator: name that the requests are accounted for under.
        key: its place in the configuration, for messages.
        study: whose budget counts.
        study_max_usd, max_usd: most that the study and this generator may spend; None for no limit.
        journal: path of the journal.
        account: whose limits count at the provider.
        api_key_env: environment variable with the key; None if none is sent.
        mode: ``online`` or ``batch``.
        concurrency: requests in flight.
        attempts: of one call.
        patience: seconds without any answer after which the run ends.
        requests_per_minute, tokens_per_minute: limits of the account, None for those that the provider announces.
        timeout: seconds for one request.
        price, training_price: as configured, None for the table's.
        batch: see :class:`BatchSettings`.
        shutdown_notice: days before a model's shutdown from which on it is mentioned.
        judged: path of the table that a judge rates, None for others.
        poll_seconds: longest time between two looks at a fine-tuning job.
    """

    generator: str
    key: str
    study: str
    study_max_usd: float | None
    max_usd: float | None
    journal: str
    account: str
    api_key_env: str | None
    mode: str
    concurrency: int
    attempts: int
    patience: float
    requests_per_minute: float | None
    tokens_per_minute: float | None
    timeout: float
    price: Mapping[str, float] | None
    batch: Mapping[str, Any]
    shutdown_notice: int
    judged: str | None = None
    training_price: float | None = None
    poll_seconds: float = 60.0

    @property
    def batch_settings(self) -> BatchSettings:
        """How calls are asked in batches."""
        return BatchSettings.read(self.batch)


@dataclass(frozen=True)
class ShapingSettings(FromJson):
    """What shapes the answers of a model besides its prompts.

    Attributes:
        provider, model, base_url: who is asked; no address for the provider's own.
        languages: codes of ``source`` and ``target``.
        samples: answers to each request.
        sentences_per_request: texts that are asked about together.
        retries: how often an unusable answer is asked for again.
        outcomes: for each :class:`llm.answers.outcomes.Outcome` except ``ok`` the actions tried in order: ``repair``,
            ``retry``, then ``keep``, ``drop`` or ``stop``.
        reasoning_tokens: added to the longest answer.
        max_output_factor: tokens of the longest answer by the source's estimated tokens; None for judges.
        language_margin: see :func:`llm.answers.outcomes.standards`; None for no check of the language.
        service_tier: asked for, None for the provider's choice.
        parameters: all keys as they were given, those of the request's body among them.
    """

    provider: str
    model: str
    languages: Mapping[str, str]
    samples: int
    sentences_per_request: int
    retries: int
    outcomes: Mapping[str, Sequence[str]]
    reasoning_tokens: int
    parameters: Mapping[str, Any]
    base_url: str | None = None
    max_output_factor: float | None = None
    language_margin: float | None = None
    service_tier: str | None = None

    @classmethod
    def read(cls, values: str | Mapping[str, Any]) -> Self:
        """The settings in a JSON object or its text."""
        found: Mapping[str, Any] = json.loads(values) if isinstance(values, str) else values
        return super().read({**found, "parameters": found})

    def of_model(self, model: str) -> Self:
        """The same settings for another model."""
        return replace(self, model=model, parameters={**self.parameters, "model": model})


@dataclass(frozen=True)
class TuningSettings(FromJson):
    """What shapes a model that a provider fine-tunes.

    Attributes:
        provider, model, base_url: who trains which base model; no address for the provider's own.
        languages: codes of ``source`` and ``target``.
        n_epochs, batch_size, learning_rate_multiplier: numbers, or ``auto`` to leave them to the provider.
        validation: whether there is a validation file.
        max_tokens: of one example, prompt and target.
        unusable: what to do about an empty target or a too long example: ``stop`` or ``drop``.
        suffix: of the model's name, None for none.
        seed: of the training, None for the provider's choice.
    """

    provider: str
    model: str
    languages: Mapping[str, str]
    n_epochs: int | str
    batch_size: int | str
    learning_rate_multiplier: float | str
    validation: bool
    max_tokens: int
    unusable: str
    base_url: str | None = None
    suffix: str | None = None
    seed: int | None = None
