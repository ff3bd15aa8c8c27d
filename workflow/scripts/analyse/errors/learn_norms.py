"""Learn from human pairs what is usual: how long targets are, and which words occur together."""

import argparse
import json
from pathlib import Path

from analyse.errors import NormSettings
from analyse.errors.norms import Norms, learn_band, learn_lexicon, write_norms
from workbench.cli import UserError, run_script, say, script_parser
from workbench.draws import draw_names
from workbench.tables import read_rows


def main(arguments: argparse.Namespace) -> None:
    """Write the norms.

    Raises:
        UserError: there is no pair.
    """
    settings = NormSettings(**arguments.settings)
    ids = [name for (name,) in read_rows(arguments.pairs, ["id"])]
    if not ids:
        raise UserError(f"{arguments.pairs}: there is no pair to learn from; splits.pretrain must be at least 1")
    drawn = draw_names(ids, settings.pairs, arguments.seed)
    wanted = set(drawn)
    texts = {row[0]: row[1:] for row in read_rows(arguments.pairs, ["id", "source", "target"]) if row[0] in wanted}
    sources, targets = ([texts[name][side] for name in drawn] for side in (0, 1))
    band = learn_band(sources, targets, settings.length_quantile, settings.length_power)
    lexicon = learn_lexicon(sources, targets, settings)
    write_norms(arguments.output, Norms(band, lexicon), len(drawn))
    say(f"{len(lexicon.partners):,} words with a partner, from {len(drawn):,} of {len(ids):,} pairs")


PARSER = script_parser(__doc__)
PARSER.add_argument("--pairs", type=Path, required=True, help="human pairs (id source target)")
PARSER.add_argument("--settings", type=json.loads, required=True, help="JSON: analysis.errors.norms")
PARSER.add_argument("--seed", type=int, required=True, help="seed of the draw of pairs")
PARSER.add_argument("--output", type=Path, required=True, help="norms to write, JSON")


if __name__ == "__main__":
    run_script(PARSER, main)
