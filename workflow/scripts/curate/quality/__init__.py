"""Quality metrics, which give each synthetic target a score: one module per metric, named in the configuration.

A metric's module has

- a docstring that says what the score is, its range, what it needs besides source and target, and its source: the
  paper or library behind the formula (the choice of formula is ours);
- ``METRIC``, a :class:`QualityMetric`;
- ``score(instances, context)``, which returns a score or None for each instance, in their order.

To add a metric, add a module here, its name and keys in the schema, and its files in
:meth:`planning.quality.QualityScore.inputs`. If it runs a model, add its name to ``METRICS_ON_GPU`` there, so that it
gets a GPU. Metrics share the modules whose names begin with ``_``.
"""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, cast

Score = float | None


@dataclass(frozen=True)
class QualityMetric:
    """Which scores of a metric are better, and whether it needs the human target.

    A metric that needs the human target is not practical: if there are human targets, nobody needs synthetic ones.
    """

    better: Literal["higher", "lower"]
    needs_human: bool = False


class TargetInstance(NamedTuple):
    """One target of a generator; ``human`` is None unless the metric needs it."""

    id: str
    source: str
    target: str
    logprob: float | None
    metadata: Mapping[str, Any]
    human: str | None


class Instances(Protocol):
    """The targets of a generator, which a metric may run through several times."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[TargetInstance]: ...


@dataclass(frozen=True)
class Context:
    """What a metric may use."""

    settings: Mapping[str, Any]  # the metric's keys of the configuration; each metric knows its own
    generated: Path  # the table of the targets, to name in errors
    inputs: Mapping[str, Path] = field(default_factory=dict)  # further files by name
    threads: int = 1  # CPU threads; they do not affect the scores

    def inputs_of(self, prefix: str) -> dict[str, Path]:
        """The files called ``prefix:NAME``, by ``NAME``."""
        start = f"{prefix}:"
        return {name.removeprefix(start): path for name, path in self.inputs.items() if name.startswith(start)}


class MetricModule(Protocol):
    """The interface of a metric's module."""

    METRIC: QualityMetric

    def score(self, instances: Instances, context: Context) -> Sequence[Score]:
        """A score or None for each of ``instances``, in their order.

        Raises:
            workbench.cli.UserError: the metric does not work for this generator; the message says what to do.
        """
        ...


def load_metric(name: str) -> MetricModule:
    """The module of the metric ``name``."""
    return cast(MetricModule, importlib.import_module(f"{__name__}.{name}"))
