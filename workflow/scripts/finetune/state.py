"""The folder from which a killed fine-tuning resumes."""

import logging
import shutil
from pathlib import Path

from train.state import StateFolder
from workbench.cli import say
from workbench.files import read_json, sync_folder, write_json

log = logging.getLogger(__name__)

_COMPLETE = "whole.json"  # written last into a checkpoint


class FinetuningState(StateFolder):
    """The state of a fine-tuning: Trainer's checkpoints, each with a file that marks it as complete.

    That file holds the number of updates and the seconds of training up to the checkpoint, and the checkpoint's size.
    """

    def last(self) -> Path | None:
        """The newest complete checkpoint."""
        complete = [path for path in self.folder.glob("checkpoint-*") if _is_whole(path)]
        return max(complete, key=lambda path: int(path.name.rpartition("-")[2]), default=None)

    def keep(self, updates: int, seconds: float) -> None:
        """Mark the checkpoint after ``updates`` as complete, and remove earlier ones."""
        checkpoint = self.folder / f"checkpoint-{updates}"
        sync_folder(checkpoint)
        write_json(checkpoint / _COMPLETE, {"updates": updates, "seconds": seconds, "bytes": _size(checkpoint)})
        self._remove_checkpoints(keep=checkpoint)

    def progress(self) -> tuple[int, float]:
        """Updates and seconds of training up to the newest checkpoint."""
        last = self.last()
        if last is None:
            return 0, 0.0
        kept = read_json(last / _COMPLETE, "updates", "seconds")
        return kept["updates"], kept["seconds"]

    def _mend(self) -> None:
        last = self.last()
        for path in self._remove_checkpoints(keep=last):
            log.warning("%s is incomplete, probably because of a kill while it was written; it is not used", path)
        if last:
            say(f"resuming from {last}")

    def _forget(self) -> None:
        self._remove_checkpoints()

    def _remove_checkpoints(self, keep: Path | None = None) -> list[Path]:
        """Remove all checkpoints except ``keep`` and return their paths."""
        removed = [path for path in self.folder.glob("checkpoint-*") if path != keep]
        for path in removed:
            shutil.rmtree(path)
        return removed


def _is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint is complete, and none of its files has been cut since."""
    complete = checkpoint / _COMPLETE
    return complete.is_file() and read_json(complete, "bytes")["bytes"] == _size(checkpoint)


def _size(checkpoint: Path) -> int:
    return sum(path.stat().st_size for path in checkpoint.rglob("[!.]*") if path.is_file() and path.name != _COMPLETE)
