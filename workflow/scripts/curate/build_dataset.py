"""Build a condition's training data: the pool's sources in the condition's order, each with a target of one origin.

The dataset covers the whole pool. A run of size n uses its first n rows, so a larger size contains a smaller one. In
the order ``random`` every condition draws the same sources at the same size; only the targets' authors differ. For this
reason, a source that some generator of the study has no target for is left out of every condition, unless another
origin replaces that generator; the instance then has that origin's name. Other orders use the ranks of the generators'
targets. Which origin writes for which source is decided before ordering, so all orders of the whole pool contain the
same instances.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from curate.selecting import COMBINE, drawn_ranks, ordered
from workbench.cli import UserError, add_repeatable, run_script, say, script_parser
from workbench.columns import read_by_id
from workbench.draws import random_order
from workbench.generated import HUMAN, read_targets
from workbench.tables import read_rows, write_rows


@dataclass(frozen=True)
class Recipe:
    """What a condition's dataset contains."""

    mixture: Mapping[str, float]  # share of each origin
    combine: str  # a key of curate.selecting.COMBINE
    copies: int  # how often each instance is repeated
    order: str  # ``random`` or another order
    reverse: bool


def shared_sources(ids: list[str], gapped: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The ``ids`` for which every generator in ``gapped`` has a target; reports what each generator leaves out."""
    for name, targets in gapped.items():
        missing = sum(source not in targets for source in ids)
        if missing:
            say(f"{missing:,} of {len(ids):,} sources leave every condition: {name} has no target for them")
    return [source for source in ids if all(source in targets for targets in gapped.values())]


def fill_gaps(
    path: str, origin: str, targets: Mapping[str, str], ids: list[str], fallback: str | None
) -> dict[str, str]:
    """The origin that replaces ``origin`` for each of ``ids`` that it has no target for.

    Raises:
        UserError: there are gaps and no ``fallback``.
    """
    missing = [name for name in ids if name not in targets]
    if missing and fallback is None:
        raise UserError(
            f"{path}: generator {origin!r} has no target for {len(missing):,} of the pool's {len(ids):,} sources, "
            f"the first is {missing[0]}; every condition must draw the same sources"
        )
    return dict.fromkeys(missing, fallback or "")


def main(arguments: argparse.Namespace) -> None:
    """Write the dataset."""
    recipe = Recipe(**json.loads(arguments.recipe))
    sources, humans = read_by_id(arguments.pool, ["source", "target"])
    gapped = {name: read_targets(Path(path)) for name, path in arguments.gapped}
    ids = shared_sources(list(sources), gapped)
    targets = {origin: gapped.get(origin) or read_targets(Path(path)) for origin, path in arguments.generated}
    targets[HUMAN] = humans
    fallbacks = dict(arguments.fallback)
    filled = {
        origin: fill_gaps(path, origin, targets[origin], ids, fallbacks.get(origin))
        for origin, path in arguments.generated
    }

    def author(origin: str, name: str) -> str:
        return filled.get(origin, {}).get(name, origin)

    def text(origin: str, name: str) -> str:
        return targets[author(origin, name)][name]

    pool = [ids[place] for place in random_order(ids, arguments.seed)]
    chosen = COMBINE[recipe.combine](pool, recipe.mixture, text)
    if recipe.order != "random" or recipe.reverse:
        ranks = {
            origin: {sys.intern(name): int(rank) for name, rank in read_rows(Path(path), ["id", "rank"])}
            for origin, path in arguments.ranks
        }
        chosen = ordered(chosen, ranks or drawn_ranks(chosen), recipe.reverse)
    counts: Counter[str] = Counter()

    def rows() -> Iterator[tuple[str, str, str, str]]:
        for name, origins in chosen:
            for origin in origins:
                counts[author(origin, name)] += recipe.copies
                for _ in range(recipe.copies):
                    yield name, author(origin, name), sources[name], text(origin, name)

    write_rows(arguments.output, ["id", "origin", "source", "target"], rows())
    say(
        f"{counts.total():,} instances: " + ", ".join(f"{count:,} {origin}" for origin, count in sorted(counts.items()))
    )


PARSER = script_parser(__doc__)
PARSER.add_argument("--pool", type=Path, required=True, help="the split (id source target)")
add_repeatable(PARSER, "--generated", ("GENERATOR", "PATH"), "generated text of an origin in the mixture")
add_repeatable(PARSER, "--fallback", ("GENERATOR", "ORIGIN"), "what replaces a generator's missing targets")
add_repeatable(PARSER, "--gapped", ("GENERATOR", "PATH"), "generated text whose gaps leave every condition")
add_repeatable(PARSER, "--ranks", ("ORIGIN", "PATH"), "table (id rank) that orders an origin's instances")
PARSER.add_argument("--recipe", required=True, help="JSON: mixture (share by origin), combine, copies, order, reverse")
PARSER.add_argument("--seed", type=int, required=True, help="seed of the order in which the pool is drawn")
PARSER.add_argument("--output", type=Path, required=True, help="dataset to write")


if __name__ == "__main__":
    run_script(PARSER, main)
