"""Quality of a synthetic target, one number an instance: one module a metric, chosen by name in the configuration.

A metric's module has

- ``METRIC``, a :class:`Metric`: what it is, which scores are better, what it needs;
- ``score(instances, context)``, which gives one score for each instance, in their order; None where it has none.

A new metric is a new module here, its name and keys in the schema, and its files in
:meth:`planning.quality.QualityScore.inputs`; if it runs a model, ``METRICS_ON_GPU`` there names it, so that it gets a
GPU. A module whose name begins with ``_`` is shared by metrics.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, cast

from workbench.cli import UserError

Score = float | None


@dataclass(frozen=True)
class Metric:
    """What a metric is.

    Attributes:
        summary: what it measures, in one sentence.
        source: the paper or the library that the formula is from; which formula is used is ours.
        low, high: least and greatest score; None where there is no bound.
        better: which scores are better.
        needs: what it goes by besides source and target: ``logprob`` (the generator's own), ``model`` or
            ``reverse_model`` (trained on ``pretrain``), ``pretrain``, ``others`` (other texts for the source),
            ``human`` (the human target), ``weights`` (a model that the user has), ``judge``, ``scores``.
    """

    summary: str
    source: str
    low: float | None
    high: float | None
    better: Literal["higher", "lower"]
    needs: tuple[str, ...] = ()

    @property
    def practical(self) -> bool:
        """Whether it can be had where there is no human target; without one nobody would need synthetic ones."""
        return "human" not in self.needs


class Instance(NamedTuple):
    """One target of a generator; ``human`` is None unless the metric needs it."""

    id: str
    source: str
    target: str
    logprob: float | None
    metadata: Mapping[str, Any]
    human: str | None


@dataclass(frozen=True)
class Context:
    """What a metric may use.

    Attributes:
        settings: its part of the configuration.
        generated: the table that the targets are from, to name it in errors.
        inputs: further files by name.
        threads: CPU threads; not part of what shapes the scores.
    """

    settings: Mapping[str, Any]
    generated: Path
    inputs: Mapping[str, Path] = field(default_factory=dict)
    threads: int = 1

    def input(self, name: str) -> Path:
        """The file called ``name``.

        Raises:
            UserError: there is none.
        """
        if name not in self.inputs:
            given = ", ".join(self.inputs) or "none"
            raise UserError(f"the metric reads an input {name!r}, which is not given; given: {given}")
        return self.inputs[name]

    def inputs_of(self, prefix: str) -> dict[str, Path]:
        """The files called ``prefix:NAME``, by ``NAME``."""
        start = f"{prefix}:"
        return {name.removeprefix(start): path for name, path in self.inputs.items() if name.startswith(start)}


class MetricModule(Protocol):
    """What the module of a metric offers."""

    METRIC: Metric

    def score(self, instances: Sequence[Instance], context: Context) -> Sequence[Score]:
        """One score for each of ``instances``, in their order.

        Raises:
            workbench.cli.UserError: it cannot be had for this generator; the message says what a person can do.
        """
        ...


def metric_names() -> list[str]:
    """The metrics there are, sorted by name."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def load_metric(name: str) -> MetricModule:
    """The module of the metric ``name``.

    Raises:
        UserError: there is none.
    """
    if name not in metric_names():
        raise UserError(f"metric {name!r}: unknown; allowed: {', '.join(metric_names())}")
    return cast(MetricModule, importlib.import_module(f"{__name__}.{name}"))
