"""Load fairseq checkpoints safely: a checkpoint is a pickle, so torch's allow-list of classes stays on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def allow_checkpoint_classes() -> None:
    """Let ``torch.load`` build the one class that a fairseq checkpoint holds besides tensors and plain containers."""
    import torch

    torch.serialization.add_safe_globals([argparse.Namespace])


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Load a fairseq checkpoint with its tensors in main memory."""
    import torch

    allow_checkpoint_classes()
    checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return checkpoint
