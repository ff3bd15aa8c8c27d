"""SIGINT, SIGTERM and SIGHUP, which comes when a terminal is closed, in an event loop."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def on_interrupt(call: Callable[[], None]) -> Iterator[None]:
    """Within the block the signals only ``call``, in the running loop; one that is ignored (``nohup``) stays so."""
    loop = asyncio.get_running_loop()
    watched = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    try:
        for number in watched:
            loop.add_signal_handler(number, call)
    except (ValueError, RuntimeError):  # not the main thread, which handles signals
        watched = []
    try:
        yield
    finally:
        for number in watched:
            loop.remove_signal_handler(number)


async def until_interrupted(work: Awaitable[T]) -> T:
    """The result of ``work``, which has ended when this returns or raises.

    Raises:
        KeyboardInterrupt: a signal asked to stop and ``work`` was cancelled.
    """
    task = asyncio.current_task()
    assert task is not None
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        task.cancel()

    try:
        with on_interrupt(interrupt):
            return await work
    except asyncio.CancelledError:
        if interrupted:
            raise KeyboardInterrupt from None
        raise
