"""From the results of a batch to the journal: every answer once, however often they are read."""

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from llm.asking.progress import Progress
from llm.asking.setup import LLMSetup
from llm.calls import Answer, Failure, FailureKind, Reply
from llm.journal import Answered, Failed, Ticket, batches
from llm.journal.batches import Batch
from llm.journal.calls import settle_answers, settle_failures
from llm.prices import UnknownPrice, price_of
from llm.providers.protocol import BatchState

RESULTS_AT_ONCE = 200  # in one transaction

_ReadResult = tuple[Reply, Answer] | Failure


class BatchResults:
    """Journals the results of one batch; one that an earlier run left may have asked another model."""

    def __init__(self, setup: LLMSetup, progress: Progress, batch: Batch) -> None:
        self.failed = self.unsure = 0  # requests that have failed, and those of them that were perhaps paid
        self.fatal: Failure | None = None  # why no such request will succeed; None if no answer says so
        self._setup = setup
        self._api = setup.api
        self._progress = progress
        self._batch = batch
        self._prices = {setup.settings.model: setup.price}

    async def take(self, state: BatchState, is_last: bool) -> bool:
        """Journal the results that are not there yet, and count what is on disk; whether all came and could be read.

        Those that cannot be read are journalled, as perhaps paid, the last time that they are taken.

        Raises:
            Failure: the results cannot be fetched, or not all of them; what came is kept.
        """
        part: list[tuple[int | None, _ReadResult]] = []  # each with its attempt, None for one of another batch
        readable = 0
        async for result in self._api.batch_results(state):
            read = self._read(result.result)
            if isinstance(read, Failure) and read.maybe_paid and not is_last:
                continue
            readable += 1
            part.append((batches.attempt_of(result.custom_id, self._batch), read))
            if len(part) == RESULTS_AT_ONCE:
                await self._write(part)
                part = []
        await self._write(part)
        return readable >= self._batch.requests

    def _read(self, result: Reply | Failure) -> _ReadResult:
        try:
            return result if isinstance(result, Failure) else (result, self._api.read(result.raw))
        except Failure as failure:
            return failure

    async def _write(self, results: Sequence[tuple[int | None, _ReadResult]]) -> None:
        answered, failures = await self._setup.journal.write(partial(self._settle, results=results))
        throttled = sum(failure.kind is FailureKind.THROTTLED for failure in failures)
        self.failed += len(failures)
        self.unsure += sum(failure.maybe_paid for failure in failures)
        self.fatal = self.fatal or next((one for one in failures if one.kind is FailureKind.FATAL), None)
        self._progress.asked += answered
        self._progress.throttled += throttled
        self._progress.failed += len(failures) - throttled

    def _settle(
        self, db: sqlite3.Connection, results: Sequence[tuple[int | None, _ReadResult]]
    ) -> tuple[int, list[Failure]]:
        """Write the results whose tickets are still open; return how many were answered, and the failures."""
        tickets = self._open_tickets(db, [attempt for attempt, _ in results])
        now = time.time()
        answered: list[Answered] = []
        failed: list[Failed] = []
        for attempt, result in results:
            if attempt not in tickets:  # journalled already
                continue
            ticket, body = tickets.pop(attempt)
            if isinstance(result, Failure):
                failed.append(Failed(ticket, result, ticket.worst_usd if result.maybe_paid else 0.0, now))
            else:
                reply, answer = result[0], self._setup.plausible(result[1], body)
                answered.append(Answered(ticket, reply, answer, self._cost(ticket, body.get("model", ""), answer), now))
        settle_answers(db, answered)
        settle_failures(db, failed)
        return len(answered), [entry.failure for entry in failed]

    def _open_tickets(
        self, db: sqlite3.Connection, attempts: Sequence[int | None]
    ) -> dict[int | None, tuple[Ticket, Mapping[str, Any]]]:
        """Those of the batch's ``attempts`` that are in flight: their tickets and the bodies of their requests."""
        rows = db.execute(
            "SELECT attempts.id, key, worst_usd, iif(json_valid(body), body, '{}') "
            "FROM attempts JOIN calls USING (key) "
            "WHERE attempts.id IN (SELECT value FROM json_each(?)) AND batch = ? AND state = 'sent'",
            (json.dumps(attempts), self._batch.id),
        )
        return {row[0]: (Ticket._make(row[:-1]), json.loads(row[-1])) for row in rows}

    def _cost(self, ticket: Ticket, model: str, answer: Answer) -> float:
        """USD of an answer; its worst price if the model's price is unknown."""
        try:
            if model not in self._prices:
                self._prices[model] = price_of(self._setup.settings.provider, model, self._api.base_url, None, True)
        except UnknownPrice:
            return ticket.worst_usd
        return self._prices[model].charge(answer.usage, ticket.worst_usd)
