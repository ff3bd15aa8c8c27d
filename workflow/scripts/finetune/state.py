"""The folder that a killed fine-tuning goes on from."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

from train.state import StateFolder
from workbench.cli import say
from workbench.files import sync_folder, write_json

log = logging.getLogger(__name__)

_WHOLE = "whole.json"  # written last into a checkpoint


class FinetuningState(StateFolder):
    """What a fine-tuning keeps in its folder: checkpoints as Trainer writes them, each with a file of ours at its end.

    The file says that the checkpoint is whole, after how many updates and seconds of training.
    """

    def last(self) -> Path | None:
        """The newest checkpoint."""
        whole = [path for path in self.folder.glob("checkpoint-*") if (path / _WHOLE).is_file()]
        return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)

    def keep(self, updates: int, seconds: float) -> None:
        """Declare the checkpoint after so many updates whole, and remove those before it."""
        checkpoint = self.folder / f"checkpoint-{updates}"
        sync_folder(checkpoint)
        write_json(checkpoint / _WHOLE, {"updates": updates, "seconds": seconds})
        for other in self.folder.glob("checkpoint-*"):
            if other != checkpoint:
                shutil.rmtree(other)

    def progress(self) -> tuple[int, float]:
        """Updates and seconds of training up to the newest checkpoint."""
        last = self.last()
        if last is None:
            return 0, 0.0
        kept = json.loads((last / _WHOLE).read_text(encoding="utf-8"))
        return kept["updates"], kept["seconds"]

    def _mend(self) -> None:
        last = self.last()
        for path in self.folder.glob("checkpoint-*"):
            if path != last:
                log.warning("%s is not whole, as a kill while writing leaves it; it is not used", path)
                shutil.rmtree(path)
        if last:
            say(f"going on from {last}")

    def _forget(self) -> None:
        for path in self.folder.glob("checkpoint-*"):
            shutil.rmtree(path)
