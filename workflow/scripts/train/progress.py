"""How far a training is: what fairseq reports, kept in a file across kills, and a line for people now and then."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.files import write_text

_PROGRESS_SECONDS = 20.0

Entry = dict[str, Any]


class ProgressLog(logging.Handler):
    """Keeps what fairseq reports: validations and epochs in a file, and now and then a line for people.

    The file has a JSON object a line: ``{"updates", "loss"}`` of a validation and ``{"updates", "tokens_per_update"}``
    of an epoch.

    Args:
        path: the file.
        options: fairseq-train's, for the number of updates to come.
        tell: takes the line for people.
    """

    def __init__(self, path: Path, options: Mapping[str, Any], tell: Callable[[str], None]) -> None:
        super().__init__()
        limit = options.get("max-update")
        self._limit = f" of at most {int(limit):,}" if limit else ""
        self._path = path
        self._tell = tell
        self._last = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record of progress; leave any other alone."""
        try:
            stats = json.loads(record.getMessage())
        except json.JSONDecodeError:
            return
        if "valid_loss" in stats:
            self._keep({"updates": int(stats["valid_num_updates"]), "loss": float(stats["valid_loss"])})
        elif "train_wpb" in stats:  # the end of an epoch: words per batch
            updates = int(stats["train_num_updates"])
            self._keep({"updates": updates, "tokens_per_update": float(stats["train_wpb"])})
        now = time.monotonic()
        if "num_updates" in stats and now - self._last >= _PROGRESS_SECONDS:
            self._last = now
            self._tell(
                f"update {int(stats['num_updates']):,}{self._limit}, epoch {stats['epoch']}, loss {stats['loss']}, "
                f"{float(stats['wps']):,.0f} target tokens/s"
            )

    def _keep(self, entry: Entry) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def read_entries(progress: Path) -> list[Entry]:
    """The entries of a progress file; a line that a kill left half-written is passed over."""
    entries = []
    if progress.is_file():
        for line in progress.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                entries.append(json.loads(line))
    return entries


def rewind(progress: Path, updates: int) -> list[Entry]:
    """Drop from a progress file what came after the checkpoint that training goes on from; return the rest."""
    entries = [entry for entry in read_entries(progress) if entry["updates"] <= updates]
    write_text(progress, "".join(json.dumps(entry) + "\n" for entry in entries))
    return entries


def losses(entries: Sequence[Entry]) -> list[float]:
    """The losses of the validations, in order."""
    return [entry["loss"] for entry in entries if "loss" in entry]


def runs_without_gain(values: Sequence[float]) -> int:
    """Validations since the lowest loss, as early stopping counts them."""
    return len(values) - 1 - values.index(min(values)) if values else 0


def is_over(options: Mapping[str, Any], updates: int, entries: Sequence[Entry]) -> bool:
    """Whether training had reached its end when it was killed: fairseq would go on for one more update."""
    limit = int(options.get("max-update", 0))
    patience = int(options.get("patience", 0))
    return 0 < limit <= updates or 0 < patience <= runs_without_gain(losses(entries))


def target_tokens(entries: Sequence[Entry]) -> float:
    """Target tokens trained on, ends of sentences included: tokens an update times updates, epoch by epoch."""
    tokens, before = 0.0, 0
    for entry in entries:
        if "tokens_per_update" in entry:
            tokens += entry["tokens_per_update"] * (entry["updates"] - before)
            before = entry["updates"]
    return tokens
