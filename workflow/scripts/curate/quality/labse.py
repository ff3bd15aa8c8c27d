"""How close source and target are in a space of sentences that many languages share."""

from __future__ import annotations

from collections.abc import Sequence

from curate.quality import Context, Instance, Metric, Score
from curate.quality._extras import local_weights, optional_package
from models.devices import take_gpus

METRIC = Metric(
    summary="cosine of the sentence embeddings of source and target",
    source="Feng et al., Language-agnostic BERT Sentence Embedding (ACL 2022), by sentence-transformers",
    low=-1.0,
    high=1.0,
    better="higher",
    needs=("weights",),
)


def score(instances: Sequence[Instance], context: Context) -> list[Score]:
    """Embed both sides with the model in the folder ``weights`` and multiply the unit vectors.

    Raises:
        UserError: the package or the weights are not there, or the weights are no such model.
    """
    import torch

    package = optional_package("labse", "sentence_transformers")
    weights = local_weights("labse", context)
    torch.set_num_threads(context.threads)
    device = "cpu"
    if context.settings["device"] == "gpu":
        device = "cuda"
        take_gpus(1)
    model = package.SentenceTransformer(str(weights), device=device, local_files_only=True)
    sources, targets = (
        model.encode(
            texts,
            batch_size=context.settings["batch_size"],
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        for texts in ([instance.source for instance in instances], [instance.target for instance in instances])
    )
    return [float(value) for value in (sources * targets).sum(axis=1)]
