"""Batches of prompts and completions for a causal language model, and how likely it finds the completions."""

from collections.abc import Sequence
from typing import Any, NamedTuple

IGNORED = -100  # torch's label for positions that do not count towards the loss


class TokenizedPair(NamedTuple):
    """A prompt and a completion in tokens; the completion ends with the end token."""

    prompt: list[int]
    completion: list[int]


def collate(instances: Sequence[TokenizedPair], padding: int) -> dict[str, Any]:
    """Build a batch for a model, padded on the right.

    Returns:
        ``input_ids``, ``attention_mask`` and ``labels``, each of shape (instances, longest); labels outside the
        completions are :data:`IGNORED`. Without instances, the batch is one row of padding.
    """
    import torch

    longest = max((len(i.prompt) + len(i.completion) for i in instances), default=1)
    shape = (max(len(instances), 1), longest)
    tokens, mask, labels = torch.full(shape, padding), torch.zeros(shape, dtype=torch.long), torch.full(shape, IGNORED)
    for row, (prompt, completion) in enumerate(instances):
        length = len(prompt) + len(completion)
        tokens[row, :length] = torch.tensor(prompt + completion)
        mask[row, :length] = 1
        labels[row, len(prompt) : length] = torch.tensor(completion)
    return {"input_ids": tokens, "attention_mask": mask, "labels": labels}


def completion_loss(logits: Any, labels: Any) -> Any:
    """Return the cross-entropy (natural logarithm) of each completion token, a vector in the order of the rows.

    Args:
        logits: of shape (instances, length, words).
        labels: of shape (instances, length), :data:`IGNORED` at positions that are not predicted.
    """
    from torch.nn.functional import cross_entropy

    wanted = labels[:, 1:]
    counted = wanted != IGNORED
    # Only completions become float32: prompts are longer.
    return cross_entropy(logits[:, :-1][counted].float(), wanted[counted], reduction="none")


def completion_logprobs(model: Any, instances: Sequence[TokenizedPair], padding: int) -> list[float]:
    """Return the summed log-probability (natural) of each completion; the model must be in evaluation mode."""
    import torch

    batch = {name: value.to(model.device) for name, value in collate(instances, padding).items()}
    labels = batch.pop("labels")
    with torch.inference_mode():
        losses = completion_loss(model(**batch, use_cache=False).logits, labels)
    return [-float(part.double().sum()) for part in losses.split([len(i.completion) for i in instances])]
