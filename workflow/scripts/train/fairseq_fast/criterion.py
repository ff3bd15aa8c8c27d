"""The label-smoothed cross entropy, computed with less work."""

from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from fairseq.criterions import register_criterion
from fairseq.criterions.label_smoothed_cross_entropy import (
    LabelSmoothedCrossEntropyCriterion,
    LabelSmoothedCrossEntropyCriterionConfig,
)
from fairseq.dataclass import ChoiceEnum
from fairseq.models import BaseFairseqModel
from fairseq.models.transformer import TransformerModelBase
from fairseq.tasks import FairseqTask
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn.attention import SDPBackend, sdpa_kernel

from .dropout import replace_dropout

CHUNK_ROWS = 512
"""Target positions projected at a time: with 4,000 words their logits take 8 MB."""


class ProjectedLabelSmoothedLoss(torch.autograd.Function):
    """Sum of the label-smoothed losses of ``softmax(features @ weight.T)``.

    The gradient of the logits has a closed form: ``softmax - eps_i``, less
    ``1 - epsilon - eps_i`` at the target, with ``eps_i = epsilon / (words - 1)``. Both gradients
    are therefore computed in the forward pass, while a chunk's logits are still in the cache. The
    complete matrix of logits, its log-softmax and their gradients are never stored.
    """

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        features: Tensor,
        weight: Tensor,
        target: Tensor,
        epsilon: float,
        dtype: torch.dtype,
        with_gradient: bool,
    ) -> tuple[Tensor, Tensor]:
        """Return the summed loss and the summed negative log likelihood, both scalars.

        `features` is (positions, width), `weight` (words, width), `target` (positions,). Matrix
        products are done in `dtype`, everything else in float32.
        """
        words = weight.size(0)
        eps_i = epsilon / (words - 1)
        matrix = weight.to(dtype)
        loss = torch.zeros((), dtype=torch.float32, device=features.device)
        nll = torch.zeros_like(loss)
        grad_features: list[Tensor] = []
        grad_weight: Tensor | None = None
        for rows, wanted in zip(features.to(dtype).split(CHUNK_ROWS), target.split(CHUNK_ROWS), strict=True):
            lprobs = torch.log_softmax((rows @ matrix.t()).float(), dim=-1)
            chunk_nll = -lprobs.gather(1, wanted.unsqueeze(1)).sum()
            nll += chunk_nll
            loss += (1 - epsilon - eps_i) * chunk_nll
            if epsilon > 0:
                loss -= eps_i * lprobs.sum()
            if with_gradient:
                delta = lprobs.exp_().sub_(eps_i)
                delta[torch.arange(len(wanted), device=wanted.device), wanted] -= 1 - epsilon - eps_i
                delta = delta.to(dtype)
                grad_features.append(delta @ matrix)
                chunk_grad = (delta.t() @ rows).float()
                grad_weight = chunk_grad if grad_weight is None else grad_weight.add_(chunk_grad)
        if grad_weight is not None:
            ctx.save_for_backward(torch.cat(grad_features).to(features.dtype), grad_weight.to(weight.dtype))
        ctx.mark_non_differentiable(nll)
        return loss, nll

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_loss: Tensor, _grad_nll: Tensor) -> tuple[Any, ...]:
        """Scale the gradients that the forward pass computed."""
        grad_features, grad_weight = ctx.saved_tensors
        return grad_features * grad_loss, grad_weight * grad_loss, None, None, None, None


@dataclass
class FusedLabelSmoothedCrossEntropyConfig(LabelSmoothedCrossEntropyCriterionConfig):
    """Options of ``--criterion fused_label_smoothed_cross_entropy``."""

    autocast: ChoiceEnum(["none", "bf16"]) = field(  # type: ignore[valid-type]
        default="none",
        metadata={
            "help": "bf16: run the training step's matrix products in bfloat16, weights and "
            "optimizer staying float32 (needs no --bf16; ignored with --fp16 or --bf16)"
        },
    )
    matmul_precision: ChoiceEnum(["highest", "high", "medium"]) = field(  # type: ignore[valid-type]
        default="highest",
        metadata={"help": "torch.set_float32_matmul_precision for the float32 products"},
    )
    fast_dropout: bool = field(default=False, metadata={"help": "draw dropout masks from random bytes (CPU only)"})


@register_criterion("fused_label_smoothed_cross_entropy", dataclass=FusedLabelSmoothedCrossEntropyConfig)
class FusedLabelSmoothedCrossEntropy(LabelSmoothedCrossEntropyCriterion):
    """``label_smoothed_cross_entropy`` with the same value, fused with the projection, without padding.

    The stock criterion handles what the fused computation does not cover: other models than the
    plain transformer, wrapped models, float16 weights, ``--report-accuracy`` and
    ``--ignore-prefix-size``.
    """

    def __init__(
        self,
        task: FairseqTask,
        sentence_avg: bool,
        label_smoothing: float,
        ignore_prefix_size: int = 0,
        report_accuracy: bool = False,
        autocast: str = "none",
        matmul_precision: str = "highest",
        fast_dropout: bool = False,
    ) -> None:
        super().__init__(task, sentence_avg, label_smoothing, ignore_prefix_size, report_accuracy)
        self.autocast = str(autocast)
        self.fast_dropout = fast_dropout
        self._prepared: BaseFairseqModel | None = None
        torch.set_float32_matmul_precision(str(matmul_precision))

    def forward(
        self, model: BaseFairseqModel, sample: dict[str, Any], reduce: bool = True
    ) -> tuple[Tensor, int, dict[str, Any]]:
        """Return loss, sample size and what to log, as every fairseq criterion does."""
        if self.fast_dropout and self._prepared is not model:
            replace_dropout(model)
            # Not through nn.Module.__setattr__: the model is not part of the criterion.
            object.__setattr__(self, "_prepared", model)
        if not (reduce and self._can_fuse(model)):
            stock: tuple[Tensor, int, dict[str, Any]] = super().forward(model, sample, reduce=reduce)
            return stock
        weight = model.decoder.output_projection.weight
        low = self.training and self.autocast == "bf16" and weight.dtype == torch.float32
        with self._context(weight.device.type, low):
            features, _ = model(**sample["net_input"], features_only=True)
        target = sample["target"]
        kept = target.ne(self.padding_idx)
        loss, nll_loss = ProjectedLabelSmoothedLoss.apply(  # type: ignore[no-untyped-call]
            features[kept],
            weight,
            target[kept],
            self.eps,
            torch.bfloat16 if low else weight.dtype,
            torch.is_grad_enabled(),
        )
        sample_size = target.size(0) if self.sentence_avg else sample["ntokens"]
        return (
            loss,
            sample_size,
            {
                "loss": loss.data,
                "nll_loss": nll_loss.data,
                "ntokens": sample["ntokens"],
                "nsentences": target.size(0),
                "sample_size": sample_size,
            },
        )

    def _can_fuse(self, model: BaseFairseqModel) -> bool:
        """Whether the model's loss is a bias-free projection and a softmax."""
        if not isinstance(model, TransformerModelBase):
            return False
        decoder = model.decoder
        projection = getattr(decoder, "output_projection", None)
        return (
            type(projection) is torch.nn.Linear
            and projection.bias is None
            and projection.weight.dtype in (torch.float32, torch.bfloat16)  # type: ignore[unreachable]
            and decoder.adaptive_softmax is None
            and not self.report_accuracy
            and self.ignore_prefix_size == 0
        )

    @staticmethod
    def _context(device: str, low: bool) -> AbstractContextManager[Any]:
        """Autocast if `low`; on a CPU plain attention, faster than flash for short sentences."""
        context = ExitStack()
        if low:
            context.enter_context(torch.autocast(device, dtype=torch.bfloat16))
        if device == "cpu":
            context.enter_context(sdpa_kernel(SDPBackend.MATH))
        return context
