"""Keep fairseq's progress reports in a file that survives kills, and show the progress on the terminal."""

import contextlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from train.settings import FairseqOptions
from workbench.files import write_text

_PROGRESS_SECONDS = 20.0

Entry = dict[str, float]  # ``updates``, and ``loss`` or ``tokens_per_update``


class ProgressLog(logging.Handler):
    """Writes fairseq's validations and epochs to a file, and a progress line for people every 20 seconds.

    Each line of the file is a JSON object: ``{"updates", "loss"}`` of a validation or
    ``{"updates", "tokens_per_update"}`` of an epoch.

    Args:
        path: the file.
        options: fairseq-train's, for the maximum number of updates.
        tell: receives the progress line.
    """

    def __init__(self, path: Path, options: FairseqOptions, tell: Callable[[str], None]) -> None:
        super().__init__()
        limit = options.get("max-update")
        self._limit = f" of at most {int(limit):,}" if limit else ""
        self._path = path
        self._tell = tell
        self._last = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record of progress; ignore any other."""
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
    """Read the entries of a progress file; skip a line that a kill left half-written."""
    entries: list[Entry] = []
    if progress.is_file():
        for line in progress.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                entries.append(json.loads(line))
    return entries


def rewind(progress: Path, updates: int) -> list[Entry]:
    """Drop from a progress file what came after the checkpoint from which training resumes; return the rest."""
    entries = [entry for entry in read_entries(progress) if entry["updates"] <= updates]
    write_text(progress, "".join(json.dumps(entry) + "\n" for entry in entries))
    return entries


def losses(entries: Sequence[Entry]) -> list[float]:
    """The losses of the validations, in order."""
    return [entry["loss"] for entry in entries if "loss" in entry]


def runs_without_gain(values: Sequence[float]) -> int:
    """Validations since the lowest loss, as early stopping counts them."""
    return len(values) - 1 - values.index(min(values)) if values else 0


def is_finished(options: FairseqOptions, updates: int, entries: Sequence[Entry]) -> bool:
    """Whether training had finished when it was killed: fairseq would train for one more update."""
    limit = int(options.get("max-update", 0))
    patience = int(options.get("patience", 0))
    return 0 < limit <= updates or 0 < patience <= runs_without_gain(losses(entries))


def target_tokens(entries: Sequence[Entry]) -> float:
    """Target tokens trained on, ends of sentences included: tokens per update times updates, epoch by epoch."""
    tokens = before = 0.0
    for entry in entries:
        if "tokens_per_update" in entry:
            tokens += entry["tokens_per_update"] * (entry["updates"] - before)
            before = entry["updates"]
    return tokens
