"""Count the texts of ``valid`` and ``test`` that the vocabulary cannot write as they are.

A text is divided into pieces and put together again. What is then different, no transformer can read or write: the BLEU
of the targets after this round trip against the targets is the most that one can reach. The table has a row for each
side of both splits, with a warning if more than half a per cent of the texts change.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import sentencepiece

from stats.metrics import Scorer, add_metric_arguments, bleu_without_mecab
from workbench.cli import run_script, say, script_parser
from workbench.tables import read_rows, score_text, write_rows

_TOLERATED = 0.005  # share of the texts that may change without a warning
_MOST_SHOWN = 5  # characters
COLUMNS = ("split", "side", "texts", "changed", "bleu", "characters", "warning")


class Rewritten(NamedTuple):
    """How many texts a model changes, their BLEU against what they were, and what characters it loses most often."""

    texts: int
    changed: int
    bleu: float
    characters: str


def rewritten(processor: sentencepiece.SentencePieceProcessor, texts: Sequence[str], bleu: Scorer) -> Rewritten:
    """How many of ``texts`` the model cannot write as they are."""
    survivors = [processor.decode(pieces) for pieces in processor.encode(list(texts))]
    pairs = list(zip(survivors, texts, strict=True))
    lost = Counter(character for new, old in pairs for character in (Counter(old) - Counter(new)).elements())
    shown = " ".join(f"{character} (U+{ord(character):04X})" for character, _ in lost.most_common(_MOST_SHOWN))
    changed = sum(new != old for new, old in pairs)
    return Rewritten(len(texts), changed, bleu.corpus_score(pairs), shown)


def warning(split: str, side: str, found: Rewritten) -> str:
    """What it means that a share of the texts cannot be written; empty for a small share."""
    if found.changed <= _TOLERATED * found.texts:
        return ""
    shown = f", above all {found.characters}" if found.characters else ""
    limit = f": no transformer can exceed {found.bleu:.1f} BLEU" if side == "target" else ""
    return (
        f"the vocabulary changes {found.changed:,} of {found.texts:,} {side}s of {split}{shown}{limit}; "
        "vocab.normalization: identity and vocab.byte_fallback: true keep all characters"
    )


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    processor = sentencepiece.SentencePieceProcessor(model_file=str(arguments.model))
    bleu = bleu_without_mecab(arguments.metric_options, arguments.target_language)
    table: list[tuple[object, ...]] = []
    for split, path in (("valid", arguments.valid), ("test", arguments.test)):
        for side in ("source", "target"):
            found = rewritten(processor, [text for (text,) in read_rows(path, [side])], bleu)
            told = warning(split, side, found)
            table.append((split, side, found.texts, found.changed, score_text(found.bleu), found.characters, told))
            if told:
                say(f"WARNING: {told}")
    write_rows(arguments.rewritten, COLUMNS, table)


PARSER = script_parser(__doc__)
PARSER.add_argument("--model", type=Path, required=True, help="SentencePiece model")
PARSER.add_argument("--valid", type=Path, required=True, help="the split (source target)")
PARSER.add_argument("--test", type=Path, required=True, help="the split (source target)")
add_metric_arguments(PARSER)
PARSER.add_argument("--rewritten", type=Path, required=True, help="output table")


if __name__ == "__main__":
    run_script(PARSER, main)
