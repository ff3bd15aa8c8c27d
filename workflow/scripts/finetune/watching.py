"""Watch a fine-tuning: show its progress, keep its checkpoints, and end it after a signal."""

from __future__ import annotations

import logging
import math
import time
from typing import Any

from transformers import TrainerCallback

from finetune.instances import Plan
from finetune.state import FinetuningState
from workbench.cli import UserError, say

log = logging.getLogger(__name__)

_PROGRESS_SECONDS = 10.0


class Watcher(TrainerCallback):
    """Shows the progress of a training, marks its checkpoints as complete, and ends it on request.

    Args:
        plan: of the training.
        state: its folder.
    """

    def __init__(self, plan: Plan, state: FinetuningState) -> None:
        self._plan = plan
        self._state = state
        self._wanted = False
        self._loss = math.nan
        self._shown = self._started = time.monotonic()
        self._before = 0.0
        self._first = 0

    def want(self, *_: Any) -> None:
        """Request the end after the next update; a signal handler."""
        self._wanted = True

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the clock at the time of the last checkpoint."""
        self._first, self._before = self._state.progress()
        self._shown = self._started = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        """Show the progress, and end the training with a checkpoint if that was requested."""
        now = time.monotonic()
        if now - self._shown >= _PROGRESS_SECONDS and state.global_step < self._plan.updates:
            self._shown = now
            done = state.global_step
            tokens = self._plan.target_tokens(done) - self._plan.target_tokens(self._first)
            say(
                f"update {done:,} of {self._plan.updates:,}, epoch {self._plan.epochs(done)}, loss {self._loss:.3f}, "
                f"{tokens / (now - self._started):,.0f} target tokens/s"
            )
        if self._wanted:
            control.should_save = control.should_training_stop = True
        return control

    def on_log(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Keep the loss.

        Raises:
            UserError: it is not finite any more.
        """
        logs: dict[str, float] = more["logs"]
        if "loss" not in logs:
            return
        self._loss = logs["loss"]
        log.info("update %d: loss %.4f, learning rate %.3g", state.global_step, self._loss, logs["learning_rate"])
        if not math.isfinite(self._loss):
            raise UserError(
                f"the loss is {self._loss} by update {state.global_step:,}: lower options.learning_rate, or use "
                "precision: float32"
            )

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Mark the checkpoint that Trainer has written as complete."""
        self._state.keep(state.global_step, self._before + time.monotonic() - self._started)
