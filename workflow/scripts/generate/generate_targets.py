"""Write a generator's targets for the pool's sources, or a learner's translations of the test set's.

A provider writes them: a module of :mod:`generate.providers`, which says what a provider must offer.
"""

import argparse
import importlib
import json
from collections.abc import Iterator
from pathlib import Path

from generate.providers import Provider
from workbench.cli import UserError, add_repeatable, run_script, say, script_parser
from workbench.generated import Generated, write_generated
from workbench.pairs import Source
from workbench.tables import read_rows


def main(arguments: argparse.Namespace) -> None:
    """Ask the provider for every target and write them."""
    provider: Provider = importlib.import_module(f"generate.providers.{arguments.provider}")
    inputs = {"split": arguments.split, **{name: Path(path) for name, path in arguments.input}}
    sources = [Source(*row) for row in read_rows(arguments.split, ["id", "source"])]
    settings = json.loads(arguments.settings)
    count = empty = 0

    def generated() -> Iterator[Generated]:
        nonlocal count, empty
        for instance in provider.generate(sources, settings, inputs, arguments.threads):
            count += 1
            empty += not instance.text.strip()
            yield instance
        if empty == count and arguments.empty == "refuse":
            raise UserError(f"{arguments.label or arguments.provider}: every one of its {empty:,} targets is empty")

    write_generated(arguments.output, generated())
    say(f"{count:,} targets by {arguments.provider}" + (f", {empty:,} of them EMPTY" if empty else ""))


PARSER = script_parser(__doc__)
PARSER.add_argument("--threads", type=int, required=True, help="CPU threads; not part of what shapes the result")
PARSER.add_argument("--provider", required=True, help="module of generate/providers")
PARSER.add_argument("--settings", required=True, help="the provider's settings as JSON")
add_repeatable(PARSER, "--input", ("NAME", "PATH"), "a file that the provider reads")
PARSER.add_argument("--split", type=Path, required=True, help="the split whose sources are translated")
PARSER.add_argument("--empty", choices=["refuse", "keep"], required=True, help="what if all targets are empty")
PARSER.add_argument("--output", type=Path, required=True, help="generated text to write")


if __name__ == "__main__":
    run_script(PARSER, main)
