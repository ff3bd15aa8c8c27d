"""A journal for people: its accounts, batches and fine-tuning jobs, or one call with all its attempts."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from llm.journal import Journal
from llm.journal.ledger import generators, ledger
from llm.journal.tunings import TUNINGS, Tuning
from workbench.cli import UserError
from workbench.text import one_line

_COUNTS = ("requests", "answered", "failed", "throttled", "lost", "in_flight", "input_tokens", "output_tokens")
_ACCOUNTS = (
    "study, generator, requests, answered, failed, 429, lost, in flight, tokens in, out, USD, unsure, first, last, "
    "models"
)
_BATCHES = "id, study, generator, provider, state, remote_id, requests, created, ended, message"
_TUNINGS = (
    "job, study, generator, run, state, made from, model, instances, trained tokens, USD, created, ended, message"
)
_ATTEMPT = (
    "id, study, generator, batch, state, started, ended, usd, worst_usd, status, failure, message, request_id, model, "
    "fingerprint, service_tier, input_tokens, output_tokens, cached_tokens, sdk, headers, raw"
)


def account_lines(journal: Journal) -> Iterator[str]:
    """Generators, batches, fine-tuning jobs, and processes that use the journal."""
    yield from columns(_ACCOUNTS.split(", "), [_account_row(journal, *owner) for owner in generators(journal)])
    batches = journal.read(f"SELECT {_BATCHES} FROM batches ORDER BY id")
    if batches:
        yield ""
        shown = [(*row[:7], moment(row[7]), moment(row[8]), row[9]) for row in batches]
        yield from columns(["batch", *_BATCHES.split(", ")[1:]], shown)
    jobs = TUNINGS.rows(journal)
    if jobs:
        yield ""
        yield from columns(_TUNINGS.split(", "), map(_tuning_row, jobs))
    for _, host, pid, started in journal.workers():
        yield f"in use by process {pid} on {host} since {moment(started)}"


def call_lines(journal: Journal, prefix: str) -> Iterator[str]:
    """A call and its attempts.

    Raises:
        UserError: no call's key begins with ``prefix``, or several do.
    """
    found = journal.read(
        "SELECT DISTINCT key FROM attempts WHERE key >= ? AND key < ? LIMIT 11", (prefix.lower(), prefix.lower() + "~")
    )
    if len(found) != 1:
        several = f"{'more than 10' if len(found) > 10 else len(found)} calls: give more digits"
        raise UserError(f"{journal.path}: key {prefix!r} fits {several if found else 'no call'}")
    key = found[0][0]
    yield f"key {key}"
    for provider, base_url, api_version, body, sample in journal.read(
        "SELECT provider, base_url, api_version, body, sample FROM calls WHERE key = ?", (key,)
    ):
        yield f"{provider} {base_url} {api_version}, sample {sample}"
        yield json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    names = _ATTEMPT.split(", ")
    for row in journal.read(f"SELECT {_ATTEMPT} FROM attempts WHERE key = ? ORDER BY id", (key,)):
        yield ""
        for name, value in zip(names, row, strict=True):
            if value not in (None, ""):
                yield f"{name:>14}  {moment(value) if name in ('started', 'ended') else value}"


def columns(header: Sequence[str], rows: Iterable[Sequence[object]], numbers_from: int | None = None) -> Iterator[str]:
    """Rows as lines of text in columns; those from ``numbers_from`` on are aligned on the right."""
    cells = [list(header), *([one_line("" if cell is None else str(cell)) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    alignments = ["<" if numbers_from is None or place < numbers_from else ">" for place in range(len(widths))]
    for row in cells:
        padded = (f"{cell:{side}{width}}" for cell, side, width in zip(row, alignments, widths, strict=True))
        yield "  ".join(padded).rstrip()


def moment(seconds: float | None) -> str:
    """A time in UTC as ISO 8601, to the second; empty for None."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def trained_tokens(tuning: Tuning) -> str:
    """The tokens that a job trained on, empty if unknown."""
    return "" if tuning.trained_tokens is None else f"{tuning.trained_tokens:,}"


def _account_row(journal: Journal, study: str, generator: str) -> tuple[str, ...]:
    accounts = ledger(journal, study, generator)
    return (
        *(study, generator, *(f"{accounts[name]:,}" for name in _COUNTS)),
        *(f"{accounts['usd']:,.4f}", f"{accounts['usd_unsure']:,.4f}"),
        *(moment(accounts["first"]), moment(accounts["last"])),
        ", ".join(f"{model} ({count:,})" for model, count in accounts["models"].items()),
    )


def _tuning_row(tuning: Tuning) -> tuple[object, ...]:
    owner = tuning.study, tuning.generator, tuning.run
    amounts = f"{tuning.instances:,}", trained_tokens(tuning), f"{tuning.charged:,.4f}"
    times = moment(tuning.created), moment(tuning.ended)
    return (tuning.name, *owner, tuning.state, tuning.model, tuning.tuned_model, *amounts, *times, tuning.message)
