"""What writes synthetic targets: one module a provider.

A provider's module has a function ``provider(settings, inputs, threads)`` that takes the generator's settings (the
part of its configuration that shapes the text), the files it may read by name and the CPU threads it may use, and
returns a :class:`Provider`. A new provider is a new module here, its keys in the schema and its files in
:mod:`planning.generators`; no rule changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from workbench.generated import Generated
from workbench.pairs import Source


class Provider(Protocol):
    """Writes targets."""

    def generate(self, sources: Sequence[Source]) -> Iterator[Generated]:
        """Yield one target for each source that has one, in the order of ``sources``.

        Raises:
            workbench.cli.UserError: the provider cannot do its work; the message says what a person can do.
        """
        ...
