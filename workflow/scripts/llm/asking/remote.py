"""Asking a provider about work that it carries out over hours: submit it once, find it again, poll it until it ends.

Batches and fine-tuning jobs share this. The journal records the intent before the request is sent, and the provider is
given the intent's name. So a process may die at any moment: the next one asks the provider whether the intent arrived.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from llm.asking.pace import backoff
from llm.calls import Failure, FailureKind
from llm.providers.protocol import BatchState, TuningState
from workbench.cli import UserError, say
from workbench.locks import take_lock

FIRST_POLL_SECONDS = 5.0
SETTLE_SECONDS = 60.0  # after this time the provider lists the work, or the request never arrived
_BUSY = (FailureKind.THROTTLED, FailureKind.OVERLOADED, FailureKind.TRANSIENT)


T = TypeVar("T")
S = TypeVar("S", BatchState, TuningState)


@dataclass(frozen=True)
class Hold:
    """The lock on a batch or job: at most one process works on it.

    The kernel releases the lock when the process ends, however it ends; the next run then takes up the work.
    """

    path: Path
    lock: IO[str]

    @staticmethod
    def take(journal: Path, intent: str) -> Hold | None:
        """Lock the work called ``intent``; None if another process (or another part of this one) has it."""
        path = _lock_folder(journal) / f"{intent}.lock"
        lock = take_lock(path)
        return Hold(path, lock) if lock else None

    @property
    def lines(self) -> Path:
        """Where the batch's requests are written before they are sent."""
        return self.path.with_suffix(".jsonl")

    def drop(self) -> None:
        """Release the lock and remove the files."""
        for path in sorted(self.path.parent.glob(f"{self.path.stem}.*"), key=lambda path: path == self.path):
            path.unlink(missing_ok=True)  # the lock last
        self.lock.close()
        with suppress(OSError):  # somebody else's files are still there
            self.path.parent.rmdir()


def _lock_folder(journal: Path) -> Path:
    """Where the batches of ``journal`` have their locks and, while they are sent, their requests."""
    journal = journal.resolve()
    return journal.with_name(journal.name + ".batches")


def sweep(journal: Path) -> None:
    """Remove the files of batches that no process works on; whoever takes up such a batch writes them again."""
    folder = _lock_folder(journal)
    for intent in {path.name.partition(".")[0] for path in folder.glob("*.*")}:
        hold = Hold.take(journal, intent)
        if hold is not None:
            hold.drop()


class RemoteWork:
    """One kind of remote work at one provider, asked about with patience."""

    def __init__(self, patience: float, poll_seconds: float, advice: str) -> None:
        self.patience = patience  # seconds without any answer after which a request is given up
        self.poll_seconds = poll_seconds  # longest time between two tries of a request or two looks at the work
        self._advice = advice  # what continues at the provider and what to do, for the message when patience ends
        self._sent = -math.inf  # when this process last submitted anything, by the monotonic clock

    async def ask(self, request: Callable[[], Awaitable[T]], may_wait: Callable[[], bool] = lambda: False) -> T:
        """The result of ``request``, repeated while the provider is busy: repeating it must be harmless.

        While ``may_wait`` says so, a 429 may last longer than the patience.

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
                wait = max(failure.retry_after or 0.0, backoff(failures, most=self.poll_seconds))
                silent = time.monotonic() - started
                if silent + wait > self.patience:
                    raise UserError(
                        f"no answer for {silent:.0f} s (patience: {self.patience:.0f}): {failure.message}; "
                        f"{self._advice}"
                    ) from failure
                if failures == 1:
                    say(f"{failure.message}; trying again")
                await asyncio.sleep(wait)

    async def submit(
        self,
        request: Callable[[], Awaitable[T]],
        may_wait: Callable[[], bool] = lambda: False,
        *,
        trusting: bool = True,
    ) -> T | None:
        """The result of ``request``, which must not be repeated; None if the connection broke and it may have arrived.

        It is repeated only if the provider said that it did nothing. ``trusting`` believes that of an overloaded server
        (503, 529); otherwise the answer may come from a gateway in front of a server that did something.

        Raises:
            Failure: the provider rejects it.
            UserError: the provider was busy for longer than the patience lasts.
        """

        async def once() -> T | None:
            self._sent = time.monotonic()
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

    async def poll(self, look: Callable[[], Awaitable[T]], is_running: Callable[[T], bool]) -> T:
        """What ``look`` returns once that is not running any more.

        Raises:
            Failure, UserError: as ``look`` does.
        """
        wait = min(FIRST_POLL_SECONDS, self.poll_seconds)
        while is_running(state := await look()):
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, self.poll_seconds)
        return state

    def settling(self, submitted: float) -> float:
        """Seconds until the provider is sure to list what was ``submitted``, in seconds since 1970.

        The clock may have been set since. What another process submitted is waited for no longer than necessary, and
        what this one did no shorter.
        """
        by_clock = min(submitted + SETTLE_SECONDS - time.time(), SETTLE_SECONDS)
        return max(0.0, by_clock, self._sent + SETTLE_SECONDS - time.monotonic())

    async def candidates(
        self, listed: Callable[[], Awaitable[list[S]]], is_known: Callable[[str], bool], submitted: float
    ) -> list[S]:
        """The work that an intent, sent at ``submitted``, may have become, once the provider is sure to list it.

        Work whose name the journal knows already is left out.

        Raises:
            Failure, UserError: as in :meth:`ask`.
        """
        await asyncio.sleep(self.settling(submitted))
        return [state for state in await self.ask(listed) if not is_known(state.remote_id)]
