"""The provider's batch routes, asked with patience: handing a batch in, finding it again, waiting for its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from llm.asking.patience import Patience
from llm.journal import Journal
from llm.journal.batches import Batch, attempt_of, is_known
from llm.providers.api import Api
from llm.providers.protocol import BatchState, BatchStatus
from workbench.cli import say

T = TypeVar("T")

FIRST_POLL_SECONDS = 5.0
SETTLE_SECONDS = 60.0  # a batch handed in longer ago is in the provider's list, or it never arrived


class BatchProvider:
    """One generator's way to the provider's batches.

    Args:
        api: the provider.
        journal: names the batches that are known already.
        poll_seconds: longest time between two looks at a batch.
        patience: seconds without any answer after which a request is given up.
    """

    def __init__(self, api: Api, journal: Journal, poll_seconds: float, patience: float) -> None:
        self._api = api
        self._journal = journal
        self._poll_seconds = poll_seconds
        self._patience = Patience(
            patience,
            poll_seconds,
            "batches that are submitted go on at the provider: run again later to fetch their answers",
        )

    async def ask(self, request: Callable[[], Awaitable[T]]) -> T:
        """See :meth:`llm.asking.patience.Patience.ask`."""
        return await self._patience.ask(request)

    async def submit(self, batch: Batch, lines: Path, busy: Callable[[], bool]) -> BatchState | None:
        """Hand a batch in whose intent is in the journal; None if the connection broke and the batch may have arrived.

        Args:
            batch: what to hand in.
            lines: its requests.
            busy: whether other batches are at the provider: a 429 may then last until one of them ends.

        Raises:
            Failure: the provider does not take it, and has none of it.
            UserError: the provider was busy for longer than the patience lasts.
        """
        return await self._patience.hand_in(lambda: self._api.submit_batch(batch.intent, lines), busy)

    async def find(self, batch: Batch) -> BatchState | None:
        """The batch that was perhaps handed in as ``batch``; None if the provider never got it, or took none of it.

        What tells is the name that every result carries, so a batch of the same size that somebody else submitted is
        waited for, too, and then left alone.

        Raises:
            Failure, UserError: as in :meth:`ask`.
        """
        created = batch.created or 0.0
        await asyncio.sleep((batch.submitted or 0.0) + SETTLE_SECONDS - time.time())
        others: set[str] = set()
        told = False
        wait = self._first_poll
        while True:
            running = False
            for state in await self.ask(lambda: self._api.find_batch(batch.intent, created, batch.requests)):
                if state.remote_id in others or is_known(self._journal, state.remote_id):
                    continue
                if state.status is BatchStatus.RUNNING:
                    running = True
                elif state.status is BatchStatus.ENDED and await self.ask(lambda s=state: self._is(batch, s)):
                    return state
                else:
                    others.add(state.remote_id)
            if not running:
                return None
            if not told:
                say(f"whether a batch of {batch.requests:,} requests arrived shows when one of that size ends: waiting")
                told = True
            await asyncio.sleep(wait)
            wait = self._later_poll(wait)

    async def wait(self, batch: Batch, seen: Callable[[BatchState], None]) -> BatchState:
        """The submitted ``batch`` once it runs no more; ``seen`` is called with each look at it.

        Raises:
            Failure, UserError: as in :meth:`ask`.
        """
        wait = self._first_poll
        while True:
            state = await self.ask(lambda: self._api.batch(batch.remote_id or ""))
            seen(state)
            if state.status is not BatchStatus.RUNNING:
                return state
            await asyncio.sleep(wait)
            wait = self._later_poll(wait)

    @property
    def _first_poll(self) -> float:
        return min(FIRST_POLL_SECONDS, self._poll_seconds)

    def _later_poll(self, wait: float) -> float:
        return min(wait * 1.5, self._poll_seconds)

    async def _is(self, batch: Batch, state: BatchState) -> bool:
        """Whether the results of ``state`` are those of ``batch``."""
        results = self._api.batch_results(state)
        try:
            async for result in results:
                return attempt_of(result.custom_id, batch) is not None
        finally:
            await results.aclose()
        return False
