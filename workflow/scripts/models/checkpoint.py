"""Reading fairseq checkpoints with torch's allow-list of classes on: a checkpoint is a pickle, which may run code."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def allow_checkpoint_classes() -> None:
    """Let ``torch.load`` build the one class that a fairseq checkpoint holds besides tensors and plain containers."""
    import torch

    torch.serialization.add_safe_globals([argparse.Namespace])


def load_checkpoint(path: Path) -> dict[str, Any]:
    """A fairseq checkpoint, its tensors in main memory."""
    import torch

    allow_checkpoint_classes()
    return torch.load(path, map_location="cpu", weights_only=True)
