"""Handle the signal with which Slurm announces a kill: time limit, preemption, scancel."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def handle_termination(handler: Callable[..., Any]) -> Iterator[None]:
    """Call ``handler`` on SIGTERM while the block runs; signals arrive in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
