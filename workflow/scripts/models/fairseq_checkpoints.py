"""Load fairseq checkpoints safely: a checkpoint is a pickle, so torch's allow-list of classes stays on."""

import argparse
from pathlib import Path
from typing import Any


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Load a fairseq checkpoint with its tensors in main memory.

    Later calls of ``torch.load``, in fairseq and CTranslate2, may load checkpoints too.
    """
    import torch

    # The one class that a fairseq checkpoint holds besides tensors and plain containers.
    torch.serialization.add_safe_globals([argparse.Namespace])
    checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return checkpoint
