"""Build a condition's training data: the pool's sources in the condition's order, each with a target of one origin.

The dataset covers the whole pool; a run of size n uses its first n rows, so that a larger size contains a smaller one.
In the order ``random`` every condition draws the same sources at the same size: only the targets' authors differ. So a
source that some generator of the study has no target for is left out of every condition, unless another origin stands
in for that generator; the instance then carries that origin's name. Another order goes by the ranks of the generators'
targets; which origin writes for which source is settled before, so that at the whole pool all orders hold the same
instances.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import ChainMap, Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from curate.selecting import COMBINE, drawn_ranks, ordered
from workbench.cli import UserError, run_script, say, script_parser
from workbench.columns import read_by_id
from workbench.draws import random_order
from workbench.generated import HUMAN, read_targets
from workbench.tables import read_rows, write_rows


def shared_sources(ids: list[str], gapped: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The ``ids`` for which every generator in ``gapped`` has a target; says what each leaves out."""
    for name, targets in gapped.items():
        missing = sum(source not in targets for source in ids)
        if missing:
            say(f"{missing:,} of {len(ids):,} sources leave every condition: {name} has no target for them")
    return [source for source in ids if all(source in targets for targets in gapped.values())]


def fill_gaps(
    path: str, origin: str, targets: Mapping[str, str], ids: list[str], stand_in: str | None
) -> dict[str, str]:
    """Who wrote the target of each of ``ids`` for ``origin``: itself, or its stand-in where it wrote none.

    Raises:
        UserError: it has gaps and nothing stands in.
    """
    missing = [name for name in ids if name not in targets]
    if missing and stand_in is None:
        raise UserError(
            f"{path}: generator {origin!r} has no target for {len(missing):,} of the pool's {len(ids):,} sources, "
            f"the first is {missing[0]}; every condition must draw the same sources"
        )
    return dict.fromkeys(missing, stand_in or "")


def main(arguments: argparse.Namespace) -> None:
    """Write the dataset."""
    recipe = json.loads(arguments.recipe)
    sources, humans = read_by_id(arguments.pool, ["source", "target"])
    gapped = {name: read_targets(Path(path)) for name, path in arguments.gapped}
    ids = shared_sources(list(sources), gapped)
    targets: dict[str, Mapping[str, str]] = {HUMAN: humans}
    stand_ins: dict[str, dict[str, str]] = {}
    fallbacks = dict(arguments.fallback)
    for origin, path in arguments.generated:
        targets[origin] = gapped.get(origin) or read_targets(Path(path))
    for origin, path in arguments.generated:
        stand_ins[origin] = fill_gaps(path, origin, targets[origin], ids, fallbacks.get(origin))
    written = {
        origin: ChainMap(
            {name: targets[other][name] for name, other in stand_ins.get(origin, {}).items()}, targets[origin]
        )
        for origin in recipe["mixture"]
    }
    pool = [ids[place] for place in random_order(ids, arguments.seed)]
    chosen = COMBINE[recipe["combine"]](pool, recipe["mixture"], written)
    if recipe["order"] != "random" or recipe["reverse"]:
        ranks = {
            origin: {sys.intern(name): int(rank) for name, rank in read_rows(Path(path), ["id", "rank"])}
            for origin, path in arguments.ranks
        }
        chosen = ordered(chosen, ranks or drawn_ranks(chosen), recipe["reverse"])
    counts: Counter[str] = Counter()

    def rows() -> Iterator[tuple[str, str, str, str]]:
        for name, origins in chosen:
            for origin in origins:
                author = stand_ins.get(origin, {}).get(name, origin)
                counts[author] += recipe["copies"]
                for _ in range(recipe["copies"]):
                    yield name, author, sources[name], written[origin][name]

    write_rows(arguments.output, ["id", "origin", "source", "target"], rows())
    say(
        f"{counts.total():,} instances: " + ", ".join(f"{count:,} {origin}" for origin, count in sorted(counts.items()))
    )


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--pool", type=Path, required=True, help="the split (id source target)")
    parser.add_argument(
        "--generated",
        nargs=2,
        action="append",
        default=[],
        metavar=("GENERATOR", "PATH"),
        help="generated text of an origin in the mixture",
    )
    parser.add_argument(
        "--fallback",
        nargs=2,
        action="append",
        default=[],
        metavar=("GENERATOR", "ORIGIN"),
        help="origin that stands in where a generator of the mixture has no target",
    )
    parser.add_argument(
        "--gapped",
        nargs=2,
        action="append",
        default=[],
        metavar=("GENERATOR", "PATH"),
        help="generated text of the study whose gaps leave every condition",
    )
    parser.add_argument(
        "--ranks",
        nargs=2,
        action="append",
        default=[],
        metavar=("ORIGIN", "PATH"),
        help="table (id rank) by which the instances of an origin are ordered; none for the random order",
    )
    parser.add_argument(
        "--recipe", required=True, help="JSON: mixture (fraction by origin), combine, copies, order, reverse"
    )
    parser.add_argument("--seed", type=int, required=True, help="seed of the order in which the pool is drawn")
    parser.add_argument("--output", type=Path, required=True, help="dataset to write")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
