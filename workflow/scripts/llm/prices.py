"""Prices of models, and when they are shut down.

Prices come from the library genai-prices, which contains its table, or from the configuration. A model without a known
price is not asked, because it could not be counted against a budget.
"""

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, Provider, TieredPrices, calc_unit_price

from llm.calls import Usage
from workbench.cli import UserError

_MODELS = Path(__file__).resolve().parents[3] / "resources" / "models.yaml"
_BATCH_FACTOR = 0.5  # both providers' general rule for their batches
_MILLION = 1e6
_OWN_TABLE = "resources/models.yaml, from memory: check it"


class UnknownPrice(UserError):
    """The price of a model is unknown."""


class TrainingPrice(NamedTuple):
    """What fine-tuning costs, and where the price is from."""

    usd_per_million: float
    source: str


class Rates(NamedTuple):
    """USD per million tokens of a request with more than ``above`` tokens of input."""

    above: int
    input: float  # of the prompt
    output: float  # of the answer, including reasoning
    cached_input: float  # of the part of the prompt that the provider had in its cache


@dataclass(frozen=True)
class Price:
    """What a model's answers cost."""

    source: str  # where the price is from
    steps: tuple[Rates, ...]  # the first from 0 tokens on, then those of longer prompts, the shortest first

    def cost(self, usage: Usage) -> float:
        """USD of one answer; not of a sum of answers, because the rates depend on each prompt's length."""
        rates = next(step for step in reversed(self.steps) if step.above < usage.input or not step.above)
        cached = min(max(usage.cached, 0), usage.input)
        return (
            (usage.input - cached) * rates.input + cached * rates.cached_input + usage.output * rates.output
        ) / _MILLION

    def charge(self, usage: Usage, worst_usd: float) -> float:
        """USD to charge for an answer; ``worst_usd`` if the server did not report its tokens."""
        return self.cost(usage) if usage.input > 0 and usage.output > 0 else worst_usd

    def worst(self, input_tokens: int, output_tokens: int) -> float:
        """The most USD that an answer can cost if its prompt and text have at most so many tokens."""
        steps = [rates for rates in self.steps if rates.above < max(input_tokens, 1)]
        highest_input = max(max(rates.input, rates.cached_input) for rates in steps)
        highest_output = max(rates.output for rates in steps)
        return (input_tokens * highest_input + output_tokens * highest_output) / _MILLION


def price_of(
    provider: str,
    model: str,
    base_url: str | None,
    override: Mapping[str, float] | None,
    batch: bool,
    service_tier: str | None = None,
) -> Price:
    """What answers of ``model`` cost, asked at ``base_url`` or, if it is None, at the provider's own address.

    Args:
        provider, model, base_url: whose and where.
        override: ``input`` and ``output`` in USD per million tokens, optionally ``cached_input`` (default: ``input``)
            and ``batch`` (a factor for batches, default 1); None to look the price up.
        batch: whether it is asked in batches.
        service_tier: the requested one: ``flex`` and ``priority`` have separate prices.

    Raises:
        UnknownPrice: the table lacks the model, or it is not asked at the provider's own address.
    """
    if override is not None:
        factor = override.get("batch", 1.0) if batch else 1.0
        return _scaled({"cached_input": override["input"], **override}, factor, "configuration")
    company = _company(provider)
    if company is None or not is_own_address(provider, base_url):
        raise _unknown(model, f"at {base_url or provider}")
    try:
        _, found = get_snapshot().find_provider_model(model, company, None, None)
    except LookupError:
        tuned = tuning_prices(provider, model)
        if model.startswith("ft:") and tuned is not None:
            factor = _BATCH_FACTOR if batch else 1.0
            return _scaled(tuned, factor, _OWN_TABLE + (f", times {factor:g} for batches" if batch else ""))
        raise _unknown(model, f"of {provider} in genai-prices {version('genai-prices')}") from None
    return _from_table(company, found, batch, service_tier)


def training_price(provider: str, model: str, base_url: str | None, override: float | None) -> TrainingPrice:
    """What fine-tuning ``model`` costs, which may be a fine-tuned one.

    ``override`` is in USD per million tokens; None looks the price up.

    Raises:
        UnknownPrice: the table lacks the model, or it is not trained at the provider's own address.
    """
    if override is not None:
        return TrainingPrice(float(override), "configuration")
    tuned = tuning_prices(provider, model) if is_own_address(provider, base_url) else None
    if tuned is None:
        where = f"at {base_url}" if base_url else f"of {provider} in resources/models.yaml"
        raise UnknownPrice(
            f"no price is known for fine-tuning {model!r} {where}: give the learner `training_price: …` in US dollars "
            "per million tokens (0 for a server of your own)"
        )
    return TrainingPrice(tuned["training"], _OWN_TABLE)


def tuning_closes(provider: str) -> datetime.date | None:
    """The day from which the provider creates no more fine-tuning jobs; None if none was announced."""
    closes: datetime.date | None = _tables()["fine_tuning"].get(provider, {}).get("closes")
    return closes


def is_own_address(provider: str, base_url: str | None) -> bool:
    """Whether ``base_url`` is the provider's own address (None is)."""
    company = _company(provider)
    return base_url is None or (company is not None and re.match(company.api_pattern + r"(/|$)", base_url) is not None)


def base_model(model: str) -> str:
    """The model that a fine-tuned one was made from; any other model itself."""
    return model.split(":")[1] if model.startswith("ft:") and model.count(":") else model


def shutdown_date(provider: str, model: str) -> datetime.date | None:
    """The day on which ``model`` was or will be shut down; None if none was announced."""
    name = base_model(model).lower()
    return next((day for day, models in _tables().get(provider, {}).items() if name in models), None)


def shutdown_note(model: str, day: datetime.date | None, today: datetime.date, notice: int) -> str | None:
    """A warning about a model that is shut down on ``day``; None if that is unknown or over ``notice`` days away."""
    if day is None or (day - today).days > notice:
        return None
    if day <= today:
        return f"{model} WAS SHUT DOWN on {day} as announced; if it still answers, nobody can repeat the study"
    return f"{model} WILL BE SHUT DOWN on {day}, in {(day - today).days} days: nobody can repeat the study after that"


def dollars(usd: float) -> str:
    """US dollars for people: to the cent, small sums to a hundredth of a cent."""
    if abs(usd) < 0.00005:  # also what is left of sums that cancel out
        return "$0.00"
    return f"${usd:.4f}" if abs(usd) < 0.1 else f"${usd:,.2f}"


def _unknown(model: str, where: str) -> UnknownPrice:
    return UnknownPrice(
        f"no price is known for model {model!r} {where}: set `price: {{input: …, output: …}}` of the generator, "
        "judge or learner that asks it, in US dollars per million tokens (0 and 0 for a server of your own)"
    )


def _scaled(prices: Mapping[str, float], factor: float, source: str) -> Price:
    return Price(source, (Rates(0, *(factor * prices[name] for name in ("input", "output", "cached_input"))),))


def _company(provider: str) -> Provider | None:
    return next((known for known in get_snapshot().providers if known.id == provider), None)


def _from_table(company: Provider, model: ModelInfo, batch: bool, service_tier: str | None) -> Price:
    now = datetime.datetime.now(tz=datetime.UTC)
    standard = model.get_prices(now)
    asked = {"processing": "batch"} if batch else {"service_tier": service_tier} if service_tier else {}
    prices = model.get_prices(now, asked)
    factor = _BATCH_FACTOR if batch and prices == standard else 1.0
    source = f"genai-prices {version('genai-prices')} (newest change of {company.name}: {_newest_change(company)})"
    if factor != 1.0:
        source += f", times {factor:g} for batches"
    if prices.input_mtok is None or prices.output_mtok is None:
        raise _unknown(model.id, f"of {company.id} in genai-prices {version('genai-prices')}")
    cached = prices.input_mtok if prices.cache_read_mtok is None else prices.cache_read_mtok
    tables = prices.input_mtok, prices.output_mtok, cached
    starts = {tier.start for table in tables if isinstance(table, TieredPrices) for tier in table.tiers}
    steps = (
        # Of one token in a request with one token more: the rate of the step that begins there.
        Rates(above, *(factor * float(calc_unit_price(table, 1, above + 1, 1)) for table in tables))
        for above in (0, *sorted(starts))
    )
    return Price(source, tuple(steps))


def _newest_change(company: Provider) -> datetime.date | str:
    """The newest dated entry of a provider's prices up to today: the table is not older."""
    today = datetime.date.today()
    changes = [
        change
        for model in company.models
        for entry in [*(model.prices if isinstance(model.prices, list) else ()), *(model.price_variants or ())]
        if (change := getattr(entry.constraint, "start_date", None)) is not None and change <= today
    ]
    return max(changes, default="undated")


def tuning_prices(provider: str, model: str) -> dict[str, float] | None:
    """The prices of a model that the provider fine-tunes, None of others; without a date, of the newest of that name.

    They are ``training`` and those of the tuned model's answers, as in :class:`Price`.
    """
    models: dict[str, dict[str, float]] = _tables()["fine_tuning"].get(provider, {}).get("models", {})
    base = base_model(model)
    dated = re.compile(re.escape(base) + r"-(\d{4}-\d{2}-\d{2}|\d{4})")
    names = [base] if base in models else sorted(name for name in models if dated.fullmatch(name))
    return models[names[-1]] if names else None


@cache
def _tables() -> dict[str, dict[Any, Any]]:
    tables: dict[str, dict[Any, Any]] = yaml.safe_load(_MODELS.read_text(encoding="utf-8"))
    return tables
