"""From a batch's results to the journal: every answer once, however often the results are read."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from llm.asking.progress import Progress
from llm.asking.setup import LLMSetup
from llm.calls import Answer, Failure, FailureKind, Reply
from llm.journal import Answered, Failed, Ticket
from llm.journal.batches import Batch, attempt_of
from llm.journal.calls import settle_answers, settle_failures
from llm.prices import Price, UnknownPrice, price_of
from llm.providers.protocol import BatchResult, BatchState

_AT_ONCE = 200  # results in one transaction


@dataclass
class Tally:
    """Outcomes of the requests of a batch; ``fatal`` is why no such request will succeed, None if no answer says so."""

    answered: int = 0
    failed: int = 0
    throttled: int = 0
    fatal: Failure | None = None


class _ReadResult(NamedTuple):
    """A result: its attempt (None: of another batch), the answer or failure, and the reply behind an answer."""

    attempt: int | None
    result: Answer | Failure
    reply: Reply | None


class BatchAnswers:
    """Brings results into the journal.

    Args:
        setup: reads answers and knows the price of its model. A batch that an earlier run left may have asked another.
        progress: counts.
    """

    def __init__(self, setup: LLMSetup, progress: Progress) -> None:
        self._api = setup.api
        self._journal = setup.journal
        self._progress = progress
        self._provider = setup.settings.provider
        self._prices: dict[str, Price | None] = {setup.settings.model: setup.price}

    async def take(self, batch: Batch, state: BatchState, tally: Tally) -> None:
        """Journal the results of ``batch`` that are not there yet, and count in ``tally`` what is on disk.

        Raises:
            Failure: the results cannot be fetched, or not all of them; what came is kept.
        """
        part: list[_ReadResult] = []
        async for result in self._api.batch_results(state):
            part.append(self._read(batch, result))
            if len(part) == _AT_ONCE:
                await self._write(batch, part, tally)
                part = []
        await self._write(batch, part, tally)

    async def _write(self, batch: Batch, results: list[_ReadResult], tally: Tally) -> None:
        answered, failures = await self._journal.write(partial(self._settle, batch=batch, results=results))
        throttled = sum(failure.kind is FailureKind.THROTTLED for failure in failures)
        fatal = (failure for failure in failures if failure.kind is FailureKind.FATAL)
        tally.answered += answered
        tally.throttled += throttled
        tally.failed += len(failures) - throttled
        tally.fatal = tally.fatal or next(fatal, None)
        self._progress.asked += answered
        self._progress.throttled += throttled
        self._progress.failed += len(failures) - throttled

    def _read(self, batch: Batch, result: BatchResult) -> _ReadResult:
        attempt = attempt_of(result.custom_id, batch)
        if isinstance(result.result, Failure):
            return _ReadResult(attempt, result.result, None)
        try:
            return _ReadResult(attempt, self._api.read(result.result.raw), result.result)
        except Failure as failure:
            return _ReadResult(attempt, failure, None)

    def _settle(
        self, db: sqlite3.Connection, batch: Batch, results: Sequence[_ReadResult]
    ) -> tuple[int, list[Failure]]:
        """Write the results whose tickets are still open; return how many were answered, and the failures."""
        tickets = _open_tickets(db, batch, [result.attempt for result in results])
        now = time.time()
        answered: list[Answered] = []
        failed: list[Failed] = []
        for attempt, result, reply in results:
            if attempt not in tickets:  # journalled already
                continue
            ticket, model = tickets.pop(attempt)
            if isinstance(result, Failure):
                failed.append(Failed(ticket, result, ticket.worst_usd if result.maybe_paid else 0.0, now))
            elif reply is not None:
                answered.append(Answered(ticket, reply, result, self._cost(ticket, model, result), now))
        settle_answers(db, answered)
        settle_failures(db, failed)
        return len(answered), [entry.failure for entry in failed]

    def _cost(self, ticket: Ticket, model: str, answer: Answer) -> float:
        """USD of an answer; its worst price if the model's price is unknown."""
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
