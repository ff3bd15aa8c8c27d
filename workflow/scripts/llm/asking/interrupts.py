"""SIGINT and SIGTERM in an event loop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def on_interrupt(call: Callable[[], None]) -> Iterator[None]:
    """Within the block SIGINT and SIGTERM do nothing but ``call``, in the running loop."""
    loop = asyncio.get_running_loop()
    watched = (signal.SIGINT, signal.SIGTERM)
    try:
        for number in watched:
            loop.add_signal_handler(number, call)
    except (ValueError, RuntimeError):  # not the main thread: whoever has it handles signals
        watched = ()
    try:
        yield
    finally:
        for number in watched:
            loop.remove_signal_handler(number)
