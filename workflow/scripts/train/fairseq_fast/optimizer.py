"""AdamW in one kernel."""

from dataclasses import dataclass, field
from typing import Any

import torch
from fairseq.dataclass import FairseqDataclass
from fairseq.optim import register_optimizer
from fairseq.optim.adam import FairseqAdam
from omegaconf import II
from torch import Tensor


@dataclass
class FusedAdamWConfig(FairseqDataclass):
    """Options of ``--optimizer fused_adamw``, named as those of ``--optimizer adam``."""

    adam_betas: Any = field(default=(0.9, 0.98), metadata={"help": "betas for Adam optimizer"})
    adam_eps: float = field(default=1e-8, metadata={"help": "epsilon for Adam optimizer"})
    weight_decay: float = field(default=0.0, metadata={"help": "decoupled weight decay"})
    lr: list[float] = II("optimization.lr")  # noqa: RUF009  fairseq's own way


@register_optimizer("fused_adamw", dataclass=FusedAdamWConfig)
class FusedAdamW(FairseqAdam):
    """``torch.optim.AdamW(fused=True)``: one pass over all parameters instead of ten.

    The update is that of fairseq's ``adam`` (which is also AdamW) except for epsilon: torch adds
    it after the bias correction of the second moment, fairseq before.
    """

    def __init__(self, cfg: FusedAdamWConfig, params: list[torch.nn.Parameter]) -> None:
        super(FairseqAdam, self).__init__(cfg)
        self._optimizer = torch.optim.AdamW(params, fused=True, **self.optimizer_config)

    def _gradients(self) -> list[Tensor]:
        return [p.grad for p in self.params if p.grad is not None]

    def multiply_grads(self, c: float | Tensor) -> None:
        """Multiply all gradients by `c` in place."""
        gradients = self._gradients()
        if gradients:
            torch._foreach_mul_(gradients, c)

    def clip_grad_norm(self, max_norm: float, aggregate_norm_fn: Any = None) -> Tensor:
        """Clip the gradients to `max_norm` (0: never) and return their total norm."""
        if aggregate_norm_fn is not None:
            stock: Tensor = super().clip_grad_norm(max_norm, aggregate_norm_fn)
            return stock
        params = list(self.params)
        norm = torch.nn.utils.get_total_norm(self._gradients())
        if max_norm > 0:
            torch.nn.utils.clip_grads_with_norm_(params, max_norm, norm)
        return norm
