"""Cosine of the sentence embeddings of source and target: -1 to 1, higher is better.

Needs the weights of a model whose embeddings many languages share.

Source: Feng et al., Language-agnostic BERT Sentence Embedding (ACL 2022), by sentence-transformers.
"""

import importlib

from curate.quality import Context, Instances, QualityMetric, Score
from curate.quality._models import local_weights
from workbench.cli import UserError

METRIC = QualityMetric(better="higher")


def score(instances: Instances, context: Context) -> list[Score]:
    """Embed both sides with the model in the folder ``weights`` and multiply the unit vectors.

    Raises:
        UserError: the package or the weights are missing, or the weights are of another kind of model.
    """
    import torch

    try:
        package = importlib.import_module("sentence_transformers")  # an extra, which no environment of a rule has
    except ImportError as error:
        raise UserError(
            f"metric labse needs the package sentence_transformers ({error}); "
            "install it: .venv/bin/pip install -r requirements/quality-extra.txt"
        ) from error
    weights, on_gpu = local_weights("labse", context)
    torch.set_num_threads(context.threads)
    device = "cuda" if on_gpu else "cpu"
    model = package.SentenceTransformer(str(weights), device=device, local_files_only=True)
    sources, targets = (
        model.encode(
            texts, batch_size=context.settings["batch_size"], normalize_embeddings=True, show_progress_bar=False
        )
        for texts in ([instance.source for instance in instances], [instance.target for instance in instances])
    )
    return [float(value) for value in (sources * targets).sum(axis=1)]
