"""Export a trained model: its checkpoint without the optimizer, and the same model for CTranslate2."""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path

from models.fairseq_checkpoints import allow_checkpoint_classes, load_checkpoint
from train.fairseq_training import USER_DIR
from workbench.files import atomic_path

log = logging.getLogger(__name__)

_TIMINGS = ("previous_training_time", "metrics")


def slim_checkpoint(source: Path, target: Path) -> None:
    """Copy a checkpoint without optimizer state and without what differs between equal trainings."""
    import torch

    checkpoint = load_checkpoint(source)
    checkpoint.pop("last_optimizer_state", None)
    checkpoint["optimizer_history"] = checkpoint["optimizer_history"][-1:]
    checkpoint["extra_state"] = {key: value for key, value in checkpoint["extra_state"].items() if key not in _TIMINGS}
    # Written to a file object: torch would put the temporary file's name into the archive.
    with atomic_path(target) as temporary, temporary.open("wb") as file:
        torch.save(checkpoint, file)


def export_ctranslate2(checkpoint: Path, dictionaries: Path, target: Path) -> str:
    """Convert a checkpoint for CTranslate2 into the folder ``target``; return ``"yes"`` or why that is impossible.

    CTranslate2 runs plain transformers only. For another architecture the folder stays empty and fairseq runs the
    model.
    """
    from ctranslate2.converters import FairseqConverter

    allow_checkpoint_classes()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".ctranslate2-") as folder:
        converted = Path(folder) / "model"
        result = "yes"
        try:
            FairseqConverter(str(checkpoint), str(dictionaries), user_dir=str(USER_DIR)).convert(str(converted))
        except (ValueError, KeyError, AttributeError, NotImplementedError) as error:
            log.warning("no CTranslate2 form of this model: %s", error)
            result = f"no: {error}"
            shutil.rmtree(converted, ignore_errors=True)
            converted.mkdir()
        shutil.rmtree(target, ignore_errors=True)
        converted.rename(target)
    return result
