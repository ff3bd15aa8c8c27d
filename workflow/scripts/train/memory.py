"""Train in batches that fit the device: start again with smaller parts when a GPU's memory is full."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from typing import TypeVar

from models.devices import is_out_of_memory, out_of_memory_reason
from train.state import StateFolder
from workbench.cli import say

log = logging.getLogger(__name__)

Batch = TypeVar("Batch")
Result = TypeVar("Result")


def train_halving_batches(
    state: StateFolder, split: Callable[[int], Batch], attempt: Callable[[Batch], Result]
) -> Result:
    """Train until the parts of a batch fit the memory of the GPU, with half as much at a time in each attempt.

    Args:
        state: counts the halvings.
        split: returns how a batch is computed after a number of halvings; raises an error if nothing smaller is left.
        attempt: trains with that and returns the result.
    """
    import torch

    batch = split(state.halvings)
    while True:
        try:
            return attempt(batch)
        except Exception as error:  # RuntimeError, or torch's own error from another process
            if not is_out_of_memory(error):
                raise
            log.exception("a part of a batch did not fit")
            reason = out_of_memory_reason(error)
        # Outside the handler, the error no longer holds the trainer and thereby the memory.
        gc.collect()
        torch.cuda.empty_cache()
        state.start_again_halved()
        batch = split(state.halvings)
        say(f"{reason}; starting again, computing half as much at a time")
