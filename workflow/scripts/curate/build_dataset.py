"""Build a condition's training data: the pool's sources in the condition's order, each with a target of one origin.

The dataset covers the whole pool; a run of size n uses its first n rows, so that a larger size contains a smaller one.
In the order ``random`` every condition draws the same sources at the same size: only the targets' authors differ.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from workbench.cli import UserError, run_script, say, script_parser
from workbench.generated import HUMAN, read_targets
from workbench.tables import read_rows, write_rows


def random_order(ids: list[str], seed: int) -> list[int]:
    """Positions of ``ids`` in an order that depends on each id and the seed only."""

    def rank(position: int) -> bytes:
        return hashlib.sha256(f"{seed}\0order\0{ids[position]}".encode()).digest()

    return sorted(range(len(ids)), key=rank)


ORDERS = {"random": random_order}


def allot(mixture: Mapping[str, float], count: int) -> Iterator[str]:
    """Yield the origin of each of ``count`` instances so that every prefix holds the mixture to within one instance.

    Each step goes to the origin that is furthest behind its share (the method of largest deficit); ties go by name.
    """
    origins = sorted(origin for origin, fraction in mixture.items() if fraction > 0)
    given = dict.fromkeys(origins, 0)
    for position in range(1, count + 1):
        origin = max(origins, key=lambda name: mixture[name] * position - given[name])
        given[origin] += 1
        yield origin


def main(arguments: argparse.Namespace) -> None:
    """Write the dataset."""
    recipe = json.loads(arguments.recipe)
    pool = list(read_rows(arguments.pool, ["id", "source", "target"]))
    ids = [row[0] for row in pool]
    targets = {HUMAN: {row[0]: row[2] for row in pool}}
    for origin, path in arguments.generated:
        targets[origin] = read_targets(Path(path))
        missing = [name for name in ids if name not in targets[origin]]
        if missing:
            raise UserError(
                f"{path}: generator {origin!r} has no target for {len(missing):,} of the pool's {len(ids):,} sources, "
                f"the first is {missing[0]}; every condition must draw the same sources"
            )
    order = ORDERS[recipe["order"]](ids, arguments.seed)
    origins = list(allot(recipe["mixture"], len(order)))
    rows = (
        (ids[place], origin, pool[place][1], targets[origin][ids[place]])
        for place, origin in zip(order, origins, strict=True)
    )
    write_rows(arguments.output, ["id", "origin", "source", "target"], rows)
    counts = ", ".join(f"{count:,} {origin}" for origin, count in sorted(Counter(origins).items()))
    say(f"{len(order):,} instances: {counts}")


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
    parser.add_argument("--recipe", required=True, help='JSON: {"mixture": {origin: fraction}, "order": name}')
    parser.add_argument("--seed", type=int, required=True, help="seed of the order in which the pool is drawn")
    parser.add_argument("--output", type=Path, required=True, help="dataset to write")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
