"""Translate the sources of ``test`` with a fine-tuned language model, or zero-shot with its base."""

import argparse
import json
from pathlib import Path

from llm.local.prompting import add_prompt_argument
from models.causal_lm import set_threads
from models.hypotheses import as_generated
from workbench.cli import run_script, say, script_parser
from workbench.generated import write_generated
from workbench.tables import read_rows


def main(arguments: argparse.Namespace) -> None:
    """Write the hypotheses, one for each row of the test set."""
    set_threads(arguments.threads)
    from llm.local.decoding import Translator

    translator = Translator(arguments.base, arguments.model, arguments.prompt, json.loads(arguments.settings))
    rows = list(read_rows(arguments.test, ["id", "source"]))
    hypotheses = translator.translate([source for _, source in rows])
    count = write_generated(arguments.output, as_generated([name for name, _ in rows], hypotheses))
    say(f"{count:,} sentences translated" + ("" if arguments.model else ", zero-shot"))


PARSER = script_parser(__doc__)
PARSER.add_argument("--base", type=Path, required=True, help="folder of the base model")
PARSER.add_argument("--model", type=Path, help="folder that finetune_local wrote (default: the base, zero-shot)")
add_prompt_argument(PARSER)
PARSER.add_argument("--test", type=Path, required=True, help="the split (id source target)")
PARSER.add_argument("--settings", required=True, help="the learner's decoding settings as JSON")
PARSER.add_argument("--threads", type=int, required=True, help="CPU threads; not part of what shapes the result")
PARSER.add_argument("--output", type=Path, required=True, help="hypotheses to write")


if __name__ == "__main__":
    run_script(PARSER, main)
