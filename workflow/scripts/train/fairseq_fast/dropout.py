"""Dropout that draws a quarter of the random numbers."""

from collections.abc import Iterator
from typing import Any

import torch
from fairseq.modules import FairseqDropout
from torch import Tensor, nn


class ByteDropout(FairseqDropout):
    """``FairseqDropout`` that decides on each element with one random byte.

    On a CPU the mask is the slow part of dropout: torch draws 32 random bits for each element,
    one after the other. Here every draw of 64 bits decides on eight elements. The probability is
    rounded to a multiple of 1/256 (0.1 becomes 26/256 = 0.1016). The scale uses the rounded
    value, so the expectation is exact. Masks follow torch's seed.
    """

    def __init__(self, p: float, module_name: str | None = None) -> None:
        super().__init__(p, module_name=module_name)
        self.threshold = round(p * 256)

    def forward(self, x: Tensor, inplace: bool = False) -> Tensor:
        """Return `x` (any shape), with elements dropped while training."""
        active = self.training or self.apply_during_inference
        if not active or not 0 < self.threshold < 256 or x.device.type != "cpu":
            stock: Tensor = super().forward(x, inplace)
            return stock
        words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64)
        words.random_(-(2**63), None)
        kept = words.view(torch.uint8)[: x.numel()].view(x.shape) >= self.threshold
        return x * kept.to(x.dtype).mul_(256 / (256 - self.threshold))


def replace_dropout(model: nn.Module) -> None:
    """Replace every ``FairseqDropout`` in `model` with :class:`ByteDropout`; neither has weights."""
    for parent in list(model.modules()):
        children: Iterator[tuple[str, Any]] = parent.named_children()
        for name, child in children:
            if type(child) is FairseqDropout:
                fast = ByteDropout(child.p, child.module_name)
                fast.apply_during_inference = child.apply_during_inference
                setattr(parent, name, fast.train(child.training))
