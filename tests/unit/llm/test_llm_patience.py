"""A busy provider is asked again, and what it may have done is not done twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from llm.asking.remote import RemoteWork
from llm.calls import Failure, FailureKind
from workbench.cli import UserError


class Provider:
    """Fails with each of the failures in turn, then answers."""

    def __init__(self, *failures: Failure) -> None:
        self.failures = list(failures)
        self.requests = 0

    async def request(self) -> str:
        self.requests += 1
        if self.failures:
            raise self.failures.pop(0)
        return "done"


def run(request: Callable[[], Awaitable[str | None]]) -> str | None:
    async def asked() -> str | None:
        return await request()

    return asyncio.run(asked())


def patience(seconds: float = 5.0) -> RemoteWork:
    return RemoteWork(seconds, 0.01, "what is there stays")


BUSY = Failure(FailureKind.THROTTLED, "too fast", status=429)
DOWN = Failure(FailureKind.OVERLOADED, "overloaded", status=503)
NO_CONNECTION = Failure(FailureKind.TRANSIENT, "no connection")
LOST = Failure(FailureKind.TRANSIENT, "connection lost", maybe_paid=True)
BROKEN = Failure(FailureKind.TRANSIENT, "server error", status=500)
FATAL = Failure(FailureKind.FATAL, "bad key", status=401)


@pytest.mark.parametrize("failure", [BUSY, DOWN, NO_CONNECTION, LOST, BROKEN])
def test_what_does_no_harm_is_asked_again(failure: Failure) -> None:
    provider = Provider(failure, failure)
    assert run(lambda: patience().ask(provider.request)) == "done"
    assert provider.requests == 3


@pytest.mark.parametrize(
    ("failure", "trusting", "requests"),
    [
        (BUSY, True, 2),
        (BUSY, False, 2),
        (NO_CONNECTION, False, 2),
        (DOWN, True, 2),
        (DOWN, False, 1),
        (LOST, True, 1),
        (BROKEN, True, 1),
    ],
)
def test_what_may_be_done_is_not_done_twice(failure: Failure, trusting: bool, requests: int) -> None:
    provider = Provider(failure)
    outcome = run(lambda: patience().submit(provider.request, trusting=trusting))
    assert provider.requests == requests
    assert outcome == ("done" if requests == 2 else None)


def test_some_failures_are_final() -> None:
    for ask in (patience().ask, patience().submit):
        with pytest.raises(Failure, match="bad key"):
            run(lambda ask=ask: ask(Provider(FATAL).request))


def test_patience_ends() -> None:
    provider = Provider(*[BUSY] * 10_000)
    with pytest.raises(UserError, match=r"no answer for .* too fast; what is there stays"):
        run(lambda: patience(0.1).ask(provider.request))
