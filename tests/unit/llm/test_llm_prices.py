"""Prices are the provider's own, or given, or nothing is asked; token counts are estimated without a tokenizer."""

from __future__ import annotations

from datetime import date

import genai_prices
import pytest

from llm.calls import Usage
from llm.prices import Price, Rates, UnknownPrice, dollars, price_of, shutdown_date
from llm.tokens import estimate_tokens, upper_bound


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o-mini"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:lab::abc123"),
        ("openai", "gpt-5.4"),
        ("anthropic", "claude-haiku-4-5"),
        ("anthropic", "claude-sonnet-4-5"),
    ],
)
@pytest.mark.parametrize("usage", [Usage(120, 40), Usage(3000, 40, 2048), Usage(250_000, 900), Usage(0, 0)])
def test_an_answer_costs_what_the_library_says(provider: str, model: str, usage: Usage) -> None:
    price = price_of(provider, model, None, None, batch=False)
    expected = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.input, output_tokens=usage.output, cache_read_tokens=usage.cached or None
        ),
        model,
        provider_id=provider,
    )
    assert price.cost(usage) == pytest.approx(float(expected.total_price))
    assert price.source.startswith("genai-prices ")


@pytest.mark.parametrize(("provider", "model"), [("openai", "gpt-4o-mini"), ("anthropic", "claude-haiku-4-5")])
def test_a_batch_costs_half(provider: str, model: str) -> None:
    online, batch = (price_of(provider, model, None, None, batch=batch) for batch in (False, True))
    (half,), (full,) = batch.steps, online.steps
    assert (half.input, half.output) == pytest.approx((full.input / 2, full.output / 2))
    assert half.cached_input <= full.cached_input


def test_a_batch_of_a_model_without_batch_price_costs_half_too() -> None:
    online, batch = (price_of("anthropic", "claude-opus-4-1", None, None, batch=batch) for batch in (False, True))
    (half,), (full,) = batch.steps, online.steps
    assert (half.input, half.output) == (full.input / 2, full.output / 2)
    assert batch.source.endswith("times 0.5 for batches")


def test_a_service_tier_has_its_own_price() -> None:
    standard = price_of("openai", "gpt-5.4", None, None, batch=False)
    assert price_of("openai", "gpt-5.4", None, None, False, "flex").steps[0].output < standard.steps[0].output
    assert price_of("openai", "gpt-5.4", None, None, False, "default") == standard


@pytest.mark.parametrize(
    "base_url", ["https://api.openai.com/v1", "https://api.openai.com/v1/", "https://api.openai.com"]
)
def test_the_providers_own_address_may_be_spelt_out(base_url: str) -> None:
    assert price_of("openai", "gpt-4o", base_url, None, False) == price_of("openai", "gpt-4o", None, None, False)


@pytest.mark.parametrize(
    ("provider", "model", "base_url", "where"),
    [
        ("openai", "gpt-4o", "http://127.0.0.1:8000/v1", "at http://127.0.0.1:8000/v1"),
        ("openai", "gpt-4o", "https://api.openai.com.example.org/v1", "at https://api.openai.com.example.org/v1"),
        ("openai", "claude-haiku-4-5", None, "of openai"),
        ("openai", "llama-3.3-70b", None, "of openai"),
        ("anthropic", "gpt-4o", None, "of anthropic"),
    ],
)
def test_what_has_no_known_price_is_not_asked(provider: str, model: str, base_url: str | None, where: str) -> None:
    with pytest.raises(UnknownPrice) as unknown:
        price_of(provider, model, base_url, None, False)
    message = str(unknown.value)
    assert f"{model!r} {where}" in message
    assert "`price: {input: …, output: …}`" in message
    assert "of the generator, judge or learner that asks it" in message
    assert "per million tokens" in message


def flat(put_in: float, put_out: float, cached: float) -> Price:
    return Price("configuration", (Rates(0, put_in, put_out, cached),))


def test_the_configured_price_goes_first() -> None:
    given = {"input": 1.0, "output": 4.0}
    assert price_of("openai", "mine", "http://localhost/v1", given, False) == flat(1.0, 4.0, 1.0)
    assert price_of("openai", "gpt-4o", None, given, batch=True) == flat(1.0, 4.0, 1.0)
    more = {**given, "cached_input": 0.5, "batch": 0.5}
    assert price_of("openai", "gpt-4o", None, more, batch=True) == flat(0.5, 2.0, 0.25)
    assert price_of("openai", "gpt-4o", None, more, batch=False) == flat(1.0, 4.0, 0.5)
    assert price_of("openai", "mine", "http://localhost/v1", {"input": 0, "output": 0}, False).worst(10**6, 10**6) == 0


def test_the_worst_case_is_never_below_the_cost() -> None:
    dear_cache = Price("", (Rates(0, 1.0, 2.0, 3.0), Rates(100, 0.5, 8.0, 0.5)))
    for price in (dear_cache, price_of("anthropic", "claude-haiku-5-5", None, None, False)):
        for tokens in (0, 1, 100, 101, 99_999, 100_000, 100_001, 300_000):
            for fewer in (0, tokens // 3, tokens):
                for cached in (0, fewer):
                    assert price.worst(tokens, 50) >= price.cost(Usage(fewer, 50, cached))


@pytest.mark.parametrize(
    ("model", "day"),
    [
        ("gpt-3.5-turbo", date(2026, 10, 23)),
        ("gpt-4", date(2026, 10, 23)),
        ("gpt-4o", date(2027, 1, 14)),
        ("gpt-4.1", date(2027, 1, 14)),
        ("ft:gpt-4o-mini-2024-07-18:lab::abc123", date(2027, 1, 14)),
        ("gpt-4o-something-else", None),
        ("ft:", None),
        ("llama-3.3-70b", None),
    ],
)
def test_shutdowns_go_by_the_whole_name(model: str, day: date | None) -> None:
    assert shutdown_date("openai", model) == day
    assert shutdown_date("anthropic", model) is None


@pytest.mark.parametrize(
    ("usd", "said"),
    [
        (0, "$0.00"),
        (-1e-17, "$0.00"),
        (-0.00004, "$0.00"),
        (0.00005, "$0.0001"),
        (0.05, "$0.0500"),
        (1234.5, "$1,234.50"),
    ],
)
def test_dollars_are_never_less_than_nothing_by_rounding(usd: float, said: str) -> None:
    assert dollars(usd) == said


def test_tokens_are_estimated_from_bytes() -> None:
    assert estimate_tokens("") == 1
    assert estimate_tokens("Das Haus ist grün und steht am Fluss.") == 11
    assert estimate_tokens("家" * 100) > estimate_tokens("a" * 100)
    for text in ("", "a", "Übermäßig " * 50, "家🙂" * 20):
        assert upper_bound(text) > len(text.encode())
