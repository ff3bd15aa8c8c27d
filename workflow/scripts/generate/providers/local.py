"""Targets from a causal language model on this machine: a learner's base model or another one."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from llm.local.prompting import ROLES
from models.causal_lm import set_threads
from models.hypotheses import as_generated
from workbench.generated import Generated
from workbench.pairs import Source


def generate(
    sources: Sequence[Source], settings: Mapping[str, Any], inputs: Mapping[str, Path], threads: int
) -> Iterator[Generated]:
    """Prompt the model once for each source, in the same words as generators behind an API.

    The settings are those that a learner decodes with (:class:`llm.local.decoding.Translator`). The files are ``base``,
    ``prompt``, and optionally ``system`` and, for a fine-tuned model, ``model``.
    """
    set_threads(threads)
    from llm.local.decoding import Translator

    prompts = [(role, str(inputs[role])) for role in ROLES if role in inputs]
    translator = Translator(inputs["base"], inputs.get("model"), prompts, settings)
    return as_generated([source.id for source in sources], translator.translate([source.text for source in sources]))
