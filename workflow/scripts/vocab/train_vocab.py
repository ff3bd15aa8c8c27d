"""Train the SentencePiece model that every run shares, and derive fairseq's dictionary from it.

It is trained on both sides of ``pretrain`` only: no run's vocabulary depends on its training data. The split is in
random order, which makes its first pairs a random sample.
"""

import argparse
import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import sentencepiece

from workbench.cli import UserError, run_script, say, script_parser
from workbench.files import atomic_path, write_text
from workbench.tables import read_rows

# fairseq itself adds these four symbols to the beginning of every dictionary.
_FAIRSEQ_SYMBOLS = {"<s>", "<pad>", "</s>", "<unk>"}
# SentencePiece shuffles and samples beyond this; below it the model is a function of the text alone.
_MOST_SENTENCES = 10_000_000


def train(
    sentences: Iterator[str],
    model_type: str,
    size: int,
    character_coverage: float,
    normalization: str = "identity",
    byte_fallback: bool = False,
) -> bytes:
    """Train a SentencePiece model of ``size`` pieces on ``sentences`` and return it serialised.

    With the normalisation ``identity``, text keeps its characters and blanks; what it is trained on is in NFC already.
    With ``byte_fallback``, 256 of the pieces are bytes, which spell all other characters.

    Raises:
        UserError: the text does not yield ``size`` pieces, or its characters alone need more.
    """
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=sentences,
            model_writer=model,
            model_type=model_type,
            vocab_size=size,
            character_coverage=character_coverage,
            normalization_rule_name=normalization,
            remove_extra_whitespaces=normalization != "identity",
            byte_fallback=byte_fallback,
            num_threads=1,
            input_sentence_size=_MOST_SENTENCES,
            max_sentence_length=1 << 16,
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
        )
    except (RuntimeError, ValueError) as error:
        raise UserError(explain(str(error), size)) from error
    return model.getvalue()


def explain(error: str, size: int) -> str:
    """Translate a SentencePiece error about the size into the terms of the configuration."""
    most = re.search(r"value <= (\d+)", error)
    if most:
        return f"vocab.size: {size} is more than the text of `pretrain` yields; allowed: {most[1]} or less"
    least = re.search(r"smaller than required_chars. \d+ vs (\d+)", error)
    if least:
        return (
            f"vocab.size: {size} does not hold the characters of `pretrain` (with vocab.byte_fallback also 256 bytes); "
            f"allowed: more than {least[1]}"
        )
    return f"SentencePiece cannot train a model of {size} pieces on `pretrain`: {error}"


def dictionary(model: bytes) -> str:
    """fairseq's ``dict.txt`` of a SentencePiece model: a piece and a count on each line, in the model's order."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    pieces = [processor.id_to_piece(index) for index in range(processor.get_piece_size())]
    return "".join(f"{piece} 1\n" for piece in pieces if piece not in _FAIRSEQ_SYMBOLS)


def main(arguments: argparse.Namespace) -> None:
    """Write the model and the dictionary."""
    rows = itertools.islice(read_rows(arguments.pretrain, ["source", "target"]), arguments.pairs)
    sentences = itertools.chain.from_iterable(rows)
    shape = (arguments.model_type, arguments.size, arguments.character_coverage)
    model = train(sentences, *shape, arguments.normalization, arguments.byte_fallback)
    with atomic_path(arguments.model) as temporary:
        temporary.write_bytes(model)
    write_text(arguments.dictionary, dictionary(model))
    say(f"{arguments.model_type} vocabulary of {arguments.size:,} pieces")


PARSER = script_parser(__doc__)
PARSER.add_argument("--pretrain", type=Path, required=True, help="table with the columns source and target")
PARSER.add_argument("--pairs", type=int, help="train on the first pairs, at most this many (default: all)")
PARSER.add_argument("--model-type", choices=["unigram", "bpe"], required=True)
PARSER.add_argument("--size", type=int, required=True, help="number of pieces")
PARSER.add_argument("--character-coverage", type=float, required=True, help="share of characters covered")
PARSER.add_argument("--normalization", default="identity", help="SentencePiece's name of a rule")
PARSER.add_argument("--byte-fallback", action="store_true", help="spell characters without a piece by bytes")
PARSER.add_argument("--model", type=Path, required=True, help="SentencePiece model to write")
PARSER.add_argument("--dictionary", type=Path, required=True, help="fairseq dictionary to write")


if __name__ == "__main__":
    run_script(PARSER, main)
