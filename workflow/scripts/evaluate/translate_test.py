"""Translate the sources of ``test`` with a run's model."""

import argparse
import json
from pathlib import Path

from models.engines import Model
from models.hypotheses import as_generated
from models.translation import DecodingSettings, translate
from workbench.cli import run_script, say, script_parser
from workbench.generated import write_generated
from workbench.tables import read_rows


def main(arguments: argparse.Namespace) -> None:
    """Write the hypotheses, one for each row of the test set."""
    model = Model(arguments.checkpoint, arguments.ctranslate2, arguments.spm, arguments.dictionary)
    rows = list(read_rows(arguments.test, ["id", "source"]))
    settings = DecodingSettings.from_json(json.loads(arguments.settings))
    hypotheses = translate(model, [source for _, source in rows], settings, arguments.threads)
    count = write_generated(arguments.output, as_generated([name for name, _ in rows], hypotheses))
    say(f"{count:,} sentences translated")


PARSER = script_parser(__doc__)
PARSER.add_argument("--checkpoint", type=Path, required=True, help="fairseq checkpoint")
PARSER.add_argument("--ctranslate2", type=Path, required=True, help="the same model for CTranslate2 (folder)")
PARSER.add_argument("--spm", type=Path, required=True, help="SentencePiece model")
PARSER.add_argument("--dictionary", type=Path, required=True, help="fairseq dictionary")
PARSER.add_argument("--test", type=Path, required=True, help="the split (id source target)")
PARSER.add_argument(
    "--settings", required=True, help="`decoding` of the configuration plus device and max_pieces, as JSON"
)
PARSER.add_argument("--threads", type=int, required=True, help="CPU threads; they do not change the result")
PARSER.add_argument("--output", type=Path, required=True, help="hypotheses to write")


if __name__ == "__main__":
    run_script(PARSER, main)
