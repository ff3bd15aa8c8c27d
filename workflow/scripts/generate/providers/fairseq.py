"""Targets from a fairseq transformer that the workflow trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.engines import Model
from models.hypotheses import as_generated
from models.translation import DecodingSettings, translate
from workbench.generated import Generated
from workbench.pairs import Source


class FairseqProvider:
    """Translates with a trained model; the settings are those of ``decoding`` in the configuration."""

    def __init__(self, settings: Mapping[str, Any], inputs: Mapping[str, Path], threads: int) -> None:
        self._settings = DecodingSettings.from_json(settings)
        self._threads = threads
        self._model = Model(**inputs)

    def generate(self, sources: Sequence[Source]) -> Iterator[Generated]:
        """Yield one target for each source."""
        hypotheses = translate(self._model, [source.text for source in sources], self._settings, self._threads)
        return as_generated([source.id for source in sources], hypotheses)


provider = FairseqProvider
