"""From a batch's results to the journal: every answer once, however often the results are read."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from llm.calls import Answer, Failure, FailureKind, Reply
from llm.journal import Answered, Failed, Journal, Ticket
from llm.journal.batches import Batch, attempt_of
from llm.journal.calls import settle_answers, settle_failures
from llm.prices import Price, UnknownPrice, price_of
from llm.providers.api import Api
from llm.providers.protocol import BatchResult, BatchState

_AT_ONCE = 200  # results in one transaction


class Tally(NamedTuple):
    """What came of the requests of a batch; ``fatal`` is why none like them will succeed, None if no answer says so."""

    answered: int = 0
    failed: int = 0
    throttled: int = 0
    fatal: Failure | None = None

    def plus(self, other: Tally) -> Tally:
        """The sum of two."""
        return Tally(
            self.answered + other.answered,
            self.failed + other.failed,
            self.throttled + other.throttled,
            self.fatal or other.fatal,
        )


class _Outcome(NamedTuple):
    """A result that was read: the attempt (None: of another batch), what came of it, the reply behind an answer."""

    attempt: int | None
    result: Answer | Failure
    reply: Reply | None


class BatchAnswers:
    """Brings results into the journal.

    Args:
        api: the provider, which reads answers.
        journal: where they go.
        provider: its name.
        model: that ``price`` is for. A batch taken up from an earlier run may have asked another one.
        price: of an answer.
    """

    def __init__(self, api: Api, journal: Journal, provider: str, model: str, price: Price) -> None:
        self._api = api
        self._journal = journal
        self._provider = provider
        self._prices: dict[str, Price | None] = {model: price}

    async def take(self, batch: Batch, state: BatchState, note: Callable[[Tally], None]) -> None:
        """Journal the results of ``batch`` that are not there yet; ``note`` is told of each part as it is on disk.

        Raises:
            Failure: the results cannot be fetched, or not all of them; what came is kept.
        """
        part: list[_Outcome] = []
        async for result in self._api.batch_results(state):
            part.append(self._read(batch, result))
            if len(part) == _AT_ONCE:
                note(await self._journal.write(partial(self._settle, batch=batch, outcomes=part)))
                part = []
        note(await self._journal.write(partial(self._settle, batch=batch, outcomes=part)))

    def _read(self, batch: Batch, result: BatchResult) -> _Outcome:
        attempt = attempt_of(result.custom_id, batch)
        if isinstance(result.result, Failure):
            return _Outcome(attempt, result.result, None)
        try:
            return _Outcome(attempt, self._api.read(result.result.raw), result.result)
        except Failure as failure:
            return _Outcome(attempt, failure, None)

    def _settle(self, db: sqlite3.Connection, batch: Batch, outcomes: Sequence[_Outcome]) -> Tally:
        """Write results under the tickets that are still open, in the running transaction."""
        tickets = _open_tickets(db, batch, [outcome.attempt for outcome in outcomes])
        now = time.time()
        answered: list[Answered] = []
        failed: list[Failed] = []
        for outcome in outcomes:
            if outcome.attempt not in tickets:  # journalled already
                continue
            ticket, model = tickets.pop(outcome.attempt)
            if isinstance(outcome.result, Failure):
                usd = ticket.worst_usd if outcome.result.maybe_paid else 0.0
                failed.append(Failed(ticket, outcome.result, usd, now))
            elif outcome.reply is not None:
                usd = self._cost(ticket, model, outcome.result)
                answered.append(Answered(ticket, outcome.reply, outcome.result, usd, now))
        settle_answers(db, answered)
        settle_failures(db, failed)
        throttled = sum(entry.failure.kind is FailureKind.THROTTLED for entry in failed)
        fatal = next((entry.failure for entry in failed if entry.failure.kind is FailureKind.FATAL), None)
        return Tally(len(answered), len(failed) - throttled, throttled, fatal)

    def _cost(self, ticket: Ticket, model: str, answer: Answer) -> float:
        """USD of an answer; the most that it can have cost where the model's price is unknown."""
        if model not in self._prices:
            try:
                self._prices[model] = price_of(self._provider, model, self._api.base_url, None, True)
            except UnknownPrice:
                self._prices[model] = None
        price = self._prices[model]
        return ticket.worst_usd if price is None else price.charge(answer.usage, ticket.worst_usd)


def _open_tickets(
    db: sqlite3.Connection, batch: Batch, attempts: Sequence[int | None]
) -> dict[int | None, tuple[Ticket, str]]:
    """Those of a batch's ``attempts`` that are in flight: their tickets and the models that they ask."""
    rows = db.execute(
        "SELECT attempts.id, key, worst_usd, study, generator, started, sdk, json_extract(body, '$.model') "
        "FROM attempts JOIN calls USING (key) "
        "WHERE attempts.id IN (SELECT value FROM json_each(?)) AND batch = ? AND state = 'sent'",
        (json.dumps([attempt for attempt in attempts if attempt is not None]), batch.id),
    )
    return {row[0]: (Ticket._make(row[:-1]), row[-1]) for row in rows}
