"""Providers, which write synthetic targets: one module each, with a function ``generate``.

To add a provider, add a module here, its keys in the schema and its files in
:mod:`planning.generators`; no rule changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from workbench.generated import Generated
from workbench.pairs import Source


class Provider(Protocol):
    """What a module of this package offers."""

    def generate(
        self, sources: Sequence[Source], settings: Mapping[str, Any], inputs: Mapping[str, Path], threads: int
    ) -> Iterator[Generated]:
        """Yield one target for each source that has one, in the order of ``sources``.

        Args:
            sources: of a split.
            settings: the part of the generator's configuration that shapes the text, in the provider's own keys.
            inputs: the files that the provider reads, by name, and the table ``split`` of the sources.
            threads: CPU threads that it may use.

        Raises:
            workbench.cli.UserError: the provider cannot write them; the message says what a person can do.
        """
        ...
