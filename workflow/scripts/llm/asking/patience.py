"""Asking a provider with patience: again while it is busy, and never twice for what may have arrived."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from llm.asking.pace import backoff
from llm.calls import Failure, FailureKind
from workbench.cli import UserError, say

T = TypeVar("T")

_BUSY = (FailureKind.THROTTLED, FailureKind.OVERLOADED, FailureKind.TRANSIENT)


class Patience:
    """How long a busy provider is asked again.

    Args:
        seconds: without any answer after which a request is given up.
        longest: most seconds between two tries.
        meanwhile: what goes on at the provider without us, and what to do, for the message at the end.
    """

    def __init__(self, seconds: float, longest: float, meanwhile: str) -> None:
        self.seconds = seconds
        self._longest = longest
        self._meanwhile = meanwhile

    async def ask(self, request: Callable[[], Awaitable[T]], may_wait: Callable[[], bool] = lambda: False) -> T:
        """The result of ``request``, made again while the provider is busy: repeating it must do no harm.

        Args:
            request: what to do.
            may_wait: whether a 429 may last longer than the patience.

        Raises:
            Failure: asking again does not help.
            UserError: the provider was busy for longer than the patience lasts.
        """
        started = time.monotonic()
        failures = 0
        while True:
            try:
                return await request()
            except Failure as failure:
                if failure.kind not in _BUSY:
                    raise
                if failure.kind is FailureKind.THROTTLED and may_wait():
                    started = time.monotonic()
                failures += 1
                await self._back_off(failure, failures, started)

    async def hand_in(
        self,
        request: Callable[[], Awaitable[T]],
        may_wait: Callable[[], bool] = lambda: False,
        *,
        trusting: bool = True,
    ) -> T | None:
        """The result of ``request``, which must not be repeated; None if the connection broke and it may have arrived.

        Args:
            request: what to do. It is done again only where the provider said that it did not do it.
            may_wait: whether a 429 may last longer than the patience.
            trusting: believe a server that says it is overloaded (503, 529) that it did nothing; else that may be
                said by a gateway before a server that did.

        Raises:
            Failure: the provider does not take it.
            UserError: the provider was busy for longer than the patience lasts.
        """

        async def once() -> T | None:
            try:
                return await request()
            except Failure as failure:
                transient = failure.kind is FailureKind.TRANSIENT
                if transient and (failure.maybe_paid or failure.status is not None):
                    return None
                if failure.kind is FailureKind.OVERLOADED and not trusting:
                    return None
                raise

        return await self.ask(once, may_wait)

    async def _back_off(self, failure: Failure, failures: int, started: float) -> None:
        """Wait before asking again.

        Raises:
            UserError: that would go beyond the patience.
        """
        wait = max(failure.retry_after or 0.0, backoff(failures, most=self._longest))
        if time.monotonic() - started + wait > self.seconds:
            silent = time.monotonic() - started
            raise UserError(
                f"no answer for {silent:.0f} s (patience: {self.seconds:.0f}): {failure.message}; {self._meanwhile}"
            ) from failure
        if failures == 1:
            say(f"{failure.message}; trying again")
        await asyncio.sleep(wait)
