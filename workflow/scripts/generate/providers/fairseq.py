"""Targets from a fairseq transformer that the workflow trained."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.engines import Model
from models.hypotheses import as_generated
from models.translation import DecodingSettings, translate
from workbench.generated import Generated
from workbench.pairs import Source


def generate(
    sources: Sequence[Source], settings: Mapping[str, Any], inputs: Mapping[str, Path], threads: int
) -> Iterator[Generated]:
    """Yield one target for each source; the settings are those of ``decoding`` in the configuration."""
    texts = [source.text for source in sources]
    model = Model(**{name: path for name, path in inputs.items() if name != "split"})
    hypotheses = translate(model, texts, DecodingSettings.from_json(settings), threads)
    return as_generated([source.id for source in sources], hypotheses)
