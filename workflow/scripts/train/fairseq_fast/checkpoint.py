"""Which classes a fairseq checkpoint may hold."""

import argparse

import torch


def allow_checkpoint_classes() -> None:
    """Let ``torch.load(..., weights_only=True)`` read fairseq checkpoints.

    fairseq calls ``torch.load`` without ``weights_only``. Since torch 2.6 that refuses every
    class that is not allowed by name, because a checkpoint is a pickle and may run any code.
    Beside tensors and plain containers a transformer's checkpoint holds one class, the parsed
    command line. Allowing it is harmless; ``TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD`` would allow all.
    """
    torch.serialization.add_safe_globals([argparse.Namespace])
