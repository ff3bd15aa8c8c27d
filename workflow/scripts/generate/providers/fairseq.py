"""Targets from a fairseq transformer that the workflow trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.translation import Model, translate
from workbench.generated import Generated
from workbench.pairs import Source


class FairseqProvider:
    """Translates with a trained model; the settings are those of ``decoding`` in the configuration."""

    def __init__(self, settings: Mapping[str, Any], inputs: Mapping[str, Path], threads: int) -> None:
        self._settings = settings
        self._threads = threads
        self._model = Model(**inputs)

    def generate(self, sources: Sequence[Source]) -> Iterator[Generated]:
        """Yield one target for each source."""
        translations = translate(self._model, [source.text for source in sources], self._settings, self._threads)
        for source, translation in zip(sources, translations, strict=True):
            yield Generated(source.id, translation.text, translation.logprob, {"tokens": translation.tokens})


provider = FairseqProvider
