"""How likely a causal language model finds given completions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from finetune.instances import IGNORED, Instance, collate


def completion_loss(logits: Any, labels: Any) -> Any:
    """Cross-entropy (natural logarithm) of each token of the completions, a vector in the order of the rows.

    Args:
        logits: of shape (instances, length, words).
        labels: of shape (instances, length), :data:`IGNORED` where nothing is to be predicted.
    """
    from torch.nn.functional import cross_entropy

    wanted = labels[:, 1:]
    counted = wanted != IGNORED
    # Only what is needed becomes float32: prompts are longer than completions.
    return cross_entropy(logits[:, :-1][counted].float(), wanted[counted], reduction="none")


def completion_logprobs(model: Any, instances: Sequence[Instance], padding: int) -> list[float]:
    """The summed log-probability (natural) of each completion, the model being in inference."""
    import torch

    batch = {name: value.to(model.device) for name, value in collate(instances, padding).items()}
    labels = batch.pop("labels")
    with torch.inference_mode():
        losses = completion_loss(model(**batch, use_cache=False).logits, labels)
    return [-float(part.double().sum()) for part in losses.split([len(i.completion) for i in instances])]
