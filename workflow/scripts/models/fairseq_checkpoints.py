"""Load fairseq checkpoints safely: a checkpoint is a pickle, so torch's allow-list of classes stays on."""

import argparse
from pathlib import Path
from typing import Any

from workbench.cli import UserError
from workbench.files import checked, damaged


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Load a fairseq checkpoint with its tensors in main memory.

    Later calls of ``torch.load``, in fairseq and CTranslate2, may load checkpoints too.

    Raises:
        UserError: the file is damaged or holds something else.
    """
    import torch

    # The one class that a fairseq checkpoint holds besides tensors and plain containers.
    torch.serialization.add_safe_globals([argparse.Namespace])
    try:
        checkpoint: dict[str, Any] = torch.load(checked(path), map_location="cpu", weights_only=True)
        for part in ("cfg", "model", "optimizer_history", "extra_state"):
            checkpoint[part]
    except (OSError, MemoryError, UserError):
        raise
    except Exception as error:  # torch and pickle raise many kinds for other files
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise damaged(path, f"it is not a checkpoint of fairseq ({reason})") from error
    return checkpoint
