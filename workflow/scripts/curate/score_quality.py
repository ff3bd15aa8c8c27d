"""Score every target of a generator with one metric and rank the targets, the best first.

The configuration names the metric, a module of the package :mod:`curate.quality`. Ranks use the scores as they are
written. Targets without a score come last. Ties and missing scores follow the study's random order, so a metric without
information gives exactly that order.
"""

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from curate.quality import Context, QualityMetric, TargetInstance, load_metric
from workbench.cli import UserError, add_repeatable, run_script, say, script_parser
from workbench.columns import TextColumn, read_by_id
from workbench.draws import random_order
from workbench.generated import COLUMNS as GENERATED_COLUMNS
from workbench.tables import read_rows, score_text, write_rows

COLUMNS = ("id", "score", "rank")


class TargetInstances:
    """The generator's targets in the pool's order; an instance is created when its turn comes.

    The human target is read only if the metric needs it.

    Raises:
        UserError: the generator has no target for any source of the pool.
    """

    def __init__(self, pool: Path, generated: Path, metric: QualityMetric) -> None:
        self._targets, self._logprobs, self._metadata = read_by_id(generated, GENERATED_COLUMNS[1:])
        self._humans = TextColumn() if metric.needs_human else None
        self._sources = TextColumn()
        self.ids: list[str] = []
        for name, source, human in read_rows(pool, ["id", "source", "target"]):
            if name in self._targets:
                self.ids.append(name)
                self._sources.append(source)
                if self._humans is not None:
                    self._humans.append(human)
        if not self.ids:
            raise UserError(f"{generated}: holds no source of {pool}; delete the older file and run again")

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[TargetInstance]:
        for place, name in enumerate(self.ids):
            logprob, metadata = self._logprobs[name], self._metadata[name]
            yield TargetInstance(
                name,
                self._sources[place],
                self._targets[name],
                float(logprob) if logprob else None,
                json.loads(metadata) if metadata else {},
                None if self._humans is None else self._humans[place],
            )


def ranks(ids: list[str], scores: Sequence[str], better: str, seed: int) -> list[int]:
    """The rank of each instance, 1 for the best; ties and instances without a score follow the order of ``seed``.

    ``scores`` are as they are written, empty for an instance without one; ``better`` is ``higher`` or ``lower``.
    """
    sign = -1.0 if better == "higher" else 1.0
    keys = [sign * float(text) if text else math.inf for text in scores]
    found = [0] * len(ids)
    for rank, position in enumerate(sorted(random_order(ids, seed), key=keys.__getitem__), start=1):
        found[position] = rank
    return found


def main(arguments: argparse.Namespace) -> None:
    """Score and rank the targets and write the table."""
    module = load_metric(arguments.metric)
    inputs = {name: Path(path) for name, path in arguments.input}
    context = Context(json.loads(arguments.settings), arguments.generated, inputs, arguments.threads)
    instances = TargetInstances(arguments.pool, arguments.generated, module.METRIC)
    found = module.score(instances, context)
    scores = [score if score is not None and math.isfinite(score) else None for score in found]
    known = [score for score in scores if score is not None]
    if not known:
        raise UserError(
            f"{arguments.generated}: metric {arguments.metric} has no score for any of its {len(instances):,} targets; "
            "leave this generator out of the metric's `generators`, or take another metric"
        )
    texts = [score_text(score) for score in scores]
    rows = zip(instances.ids, texts, ranks(instances.ids, texts, module.METRIC.better, arguments.seed), strict=True)
    write_rows(arguments.output, COLUMNS, rows)
    missing = len(scores) - len(known)
    say(
        f"{len(known):,} targets scored, median {median(known):.4g} ({min(known):.4g} to {max(known):.4g}), "
        f"{module.METRIC.better} is better" + (f", {missing:,} WITHOUT a score" if missing else "")
    )


PARSER = script_parser(__doc__)
PARSER.add_argument("--metric", required=True, help="module of curate/quality")
PARSER.add_argument("--settings", required=True, help="JSON: the metric's settings")
PARSER.add_argument("--pool", type=Path, required=True, help="the split (id source target)")
PARSER.add_argument("--generated", type=Path, required=True, help="the generator's text")
add_repeatable(PARSER, "--input", ("NAME", "PATH"), "file to read")
PARSER.add_argument("--threads", type=int, required=True, help="CPU threads; they do not affect the result")
PARSER.add_argument("--seed", type=int, required=True, help="seed of the study's random order")
PARSER.add_argument("--output", type=Path, required=True, help="table to write")


if __name__ == "__main__":
    run_script(PARSER, main)
