"""The table of ledgers: what every LLM behind an API was asked and what it cost."""

from collections.abc import Mapping
from typing import Any

from workbench.text import one_line

_COLUMNS = (
    "generator, model, served, mode, sources, targets, left_out, reused, requests, repeated, retried, throttled, "
    "failed, refusals, input_tokens, output_tokens, usd, price, notes"
)
COLUMNS = tuple(_COLUMNS.split(", "))


def ledger_row(ledger: Mapping[str, Any]) -> list[str]:
    """A ledger's values of :data:`COLUMNS` as text; US dollars to a hundredth of a cent."""
    values = (ledger[name] for name in COLUMNS)
    return [f"{value:.4f}" if isinstance(value, float) else one_line(str(value)) for value in values]
