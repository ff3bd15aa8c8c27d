"""The vocabulary comes from pretrain alone, and an impossible size is reported in the configuration's words."""

from __future__ import annotations

from pathlib import Path

import pytest
import sentencepiece
from fairseq.data import Dictionary
from toy_corpus import toy_corpus

from models.engines import Model, encode, load_sentencepiece
from vocab import check_vocab
from vocab.train_vocab import PARSER, main
from vocab.train_vocab import dictionary as dictionary_of
from vocab.train_vocab import train as train_model
from workbench.cli import UserError
from workbench.tables import read_rows, write_rows


def train(
    tmp_path: Path, size: int, model: str = "unigram", rows: int = 300, pairs: int | None = None
) -> tuple[Path, list[str]]:
    """Train on so many ``rows`` of a toy corpus, with ``--pairs`` where there is one."""
    corpus = [(str(n), source, target) for n, (source, target) in enumerate(toy_corpus(rows))]
    write_rows(tmp_path / "pretrain.tsv", ["id", "source", "target"], corpus)
    arguments = {"pretrain": "pretrain.tsv", "model": f"{model}.model", "dictionary": f"{model}.txt"}
    command = [part for name, file in arguments.items() for part in (f"--{name}", str(tmp_path / file))]
    command += ["--pairs", str(pairs)] if pairs else []
    main(PARSER.parse_args([*command, "--model-type", model, "--size", str(size), "--character-coverage", "1.0"]))
    pieces = (tmp_path / f"{model}.txt").read_text(encoding="utf-8").splitlines()
    return tmp_path / f"{model}.model", [line.rpartition(" ")[0] for line in pieces]


@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_the_dictionary_lists_the_models_pieces(tmp_path: Path, model: str) -> None:
    path, pieces = train(tmp_path, 150, model)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    assert processor.get_piece_size() == 150
    assert len(pieces) == len(set(pieces)) == 149  # all but <unk>, which fairseq adds itself
    encoded = processor.encode("Der Lehrer sieht das Buch am Morgen.", out_type=str)
    assert set(encoded) <= set(pieces)


def test_the_first_pairs_are_trained_on_and_a_larger_bound_changes_nothing(tmp_path: Path) -> None:
    def content(rows: int, pairs: int | None) -> bytes:
        return train(tmp_path, 150, rows=rows, pairs=pairs)[0].read_bytes()

    assert content(300, 300) == content(300, 900) == content(300, None)
    assert content(300, 200) == content(200, None) != content(300, None)


@pytest.mark.parametrize(("size", "words"), [(5000, "allowed: .* or less"), (20, "allowed: more than ")])
def test_an_impossible_size_is_said(tmp_path: Path, size: int, words: str) -> None:
    with pytest.raises(UserError, match=rf"vocab.size: {size} .*{words}"):
        train(tmp_path, size)
    assert not list(tmp_path.glob("*.model"))


TEXTS = {
    "full-width comma": "你好，世界！ＡＢＣ１２３",
    "ideographic space": "你好　世界",
    "Persian joiner": "می‌خواهم کتاب‌ها",
    "ligature": "ﬁn eﬀort ½ ™ ©",
    "NFD": "Cafe\u0301 u\u0308ber",
    "emoji": "😀👍🏽👩‍👩‍👧",
    "blanks": " two  blanks ",
}


@pytest.mark.parametrize("kind", list(TEXTS))
def test_text_keeps_all_its_characters_and_blanks(kind: str) -> None:
    """What cleaning does not remove survives: characters that were seen, and with bytes those that were not."""
    seen = [source for source, _ in toy_corpus(300)]
    for model in (
        train_model(iter([*seen, *[TEXTS[kind]] * 5]), "unigram", 95, 1.0),
        train_model(iter(seen), "unigram", 345, 1.0, byte_fallback=True),
    ):
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        assert processor.decode(processor.encode(TEXTS[kind])) == TEXTS[kind]


@pytest.mark.parametrize("kind", list(TEXTS))
def test_bytes_pass_through_the_dictionary(tmp_path: Path, kind: str) -> None:
    """A model reads and writes the dictionary's pieces: bytes are among them, and spell the same text again."""
    spm, dictionary = tmp_path / "spm.model", tmp_path / "dict.txt"
    spm.write_bytes(
        train_model(iter([source for source, _ in toy_corpus(300)]), "unigram", 345, 1.0, byte_fallback=True)
    )
    dictionary.write_text(dictionary_of(spm.read_bytes()), encoding="utf-8")
    processor, words = load_sentencepiece(spm), Dictionary.load(str(dictionary))
    (pieces,) = encode(Model(tmp_path, tmp_path, spm, dictionary), processor, [TEXTS[kind]], 200, "texts")
    numbers = [words.index(piece) for piece in pieces]
    assert any(piece.startswith("<0x") for piece in pieces) and words.unk() not in numbers
    assert processor.decode([words[number] for number in numbers]) == TEXTS[kind]


def test_texts_that_the_vocabulary_changes_are_counted_and_warned_of(tmp_path: Path) -> None:
    model, _ = train(tmp_path, 150)
    plain = [(str(n), source, target) for n, (source, target) in enumerate(toy_corpus(200))]
    write_rows(tmp_path / "valid.tsv", ["id", "source", "target"], plain)
    write_rows(
        tmp_path / "test.tsv", ["id", "source", "target"], [(n, s, f"{t}，©" if int(n) < 2 else t) for n, s, t in plain]
    )
    options = {
        "model": model,
        "valid": tmp_path / "valid.tsv",
        "test": tmp_path / "test.tsv",
        "rewritten": tmp_path / "x.tsv",
    }
    command = [part for name, file in options.items() for part in (f"--{name}", str(file))]
    check_vocab.main(check_vocab.PARSER.parse_args([*command, "--metrics", "bleu", "--target-language", "de"]))
    rows = {row[:2]: row[2:] for row in read_rows(tmp_path / "x.tsv", check_vocab.COLUMNS)}
    assert rows["valid", "target"] == ("200", "0", "100.0000", "", "")
    texts, changed, bleu, characters, warning = rows["test", "target"]
    assert (texts, changed) == ("200", "2")
    assert 90 < float(bleu) < 100
    assert "U+FF0C" in characters
    assert "2 of 200 targets of test" in warning and "no transformer can exceed" in warning
