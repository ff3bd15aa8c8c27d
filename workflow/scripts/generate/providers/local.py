"""Targets from a causal language model on this machine, the base of a learner or one of its own.

The settings are those that a learner decodes with (:class:`llm.local.decoding.Translator`), the files ``base``,
``prompt``, ``system`` where there is one, and ``model`` where the base was fine-tuned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from llm.local.prompting import ROLES
from models.causal_lm import set_threads
from workbench.generated import Generated
from workbench.pairs import Source


class LocalProvider:
    """Asks a language model as generators behind an API are asked, once for each source."""

    def __init__(self, settings: Mapping[str, Any], inputs: Mapping[str, Path], threads: int) -> None:
        set_threads(threads)
        from llm.local.decoding import Translator

        prompts = [(role, str(inputs[role])) for role in ROLES if role in inputs]
        self._translator = Translator(inputs["base"], inputs.get("model"), prompts, settings)

    def generate(self, sources: Sequence[Source]) -> Iterator[Generated]:
        """Yield one target for each source."""
        translations = self._translator.translate([source.text for source in sources])
        for source, translation in zip(sources, translations, strict=True):
            yield Generated(source.id, translation.text, translation.logprob, {"tokens": translation.tokens})


provider = LocalProvider
