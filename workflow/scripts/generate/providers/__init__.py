"""Providers, which write synthetic targets: one module each.

A provider's module has a function ``provider(settings, inputs, threads)`` that returns a :class:`Provider`. Its
arguments are the generator's settings (the part of its configuration that shapes the text), the input files by name,
and the number of CPU threads. To add a provider, add a module here, its keys in the schema and its files in
:meth:`planning.study.Study.provider_inputs`; no rule changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from workbench.generated import Generated
from workbench.pairs import Source


class Provider(Protocol):
    """Writes synthetic targets."""

    def generate(self, sources: Sequence[Source]) -> Iterator[Generated]:
        """Yield one target for each source that has one, in the order of ``sources``.

        Raises:
            workbench.cli.UserError: the provider cannot write them; the message says what a person can do.
        """
        ...
