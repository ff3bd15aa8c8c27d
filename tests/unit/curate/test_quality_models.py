"""The metrics with a model find missing words, with a tiny transformer that is really trained in a dozen seconds."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from paths import SCRIPTS
from toy_corpus import toy_corpus
from warm_python import python

from curate.quality import Context, Score, TargetInstance, load_metric
from models.engines import Model, batches
from models.forced_decoding import force_decode
from models.translation import DecodingSettings, translate
from workbench.cli import UserError
from workbench.tables import write_rows

TRAIN, VALID, UNSEEN = toy_corpus(3080)[:3000], toy_corpus(3080)[3000:3020], toy_corpus(3080)[3020:]
DAMAGED = set(range(0, len(UNSEEN), 2))
OPTIONS = {
    "arch": "transformer",
    "encoder-layers": 1,
    "decoder-layers": 1,
    "encoder-embed-dim": 64,
    "decoder-embed-dim": 64,
    "encoder-ffn-embed-dim": 128,
    "decoder-ffn-embed-dim": 128,
    "encoder-attention-heads": 2,
    "decoder-attention-heads": 2,
    "share-all-embeddings": True,
    "optimizer": "adam",
    "lr": 0.01,
    "lr-scheduler": "inverse_sqrt",
    "warmup-updates": 20,
    "criterion": "label_smoothed_cross_entropy",
    "max-tokens": 2048,
    "max-update": 250,
}
DECODING = {
    "engine": "ctranslate2",
    "beam": 5,
    "length_penalty": 1.0,
    "sampling": False,
    "temperature": 1.0,
    "max_length_factor": 2.0,
    "batch_tokens": 512,
    "seed": 1,
    "device": "cpu",
    "max_pieces": 100,
}
SETTINGS = DecodingSettings.from_json(DECODING)


def call(folder: Path, script: str, *arguments: object) -> None:
    done = subprocess.run(
        [python(), SCRIPTS / script, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model from German to English, trained on 3,000 pairs."""
    folder = tmp_path_factory.mktemp("model")
    for name, pairs in (("train", TRAIN), ("valid", VALID)):
        rows = ((f"{name}:{n}", *pair) for n, pair in enumerate(pairs))
        write_rows(folder / f"{name}.tsv", ["id", "source", "target"], rows)
    files = ["--spm", "spm.model", "--dictionary", "dict.txt"]
    vocabulary = ["--model", "spm.model", "--dictionary", "dict.txt", "--model-type", "unigram", "--size", 160]
    call(folder, "vocab/train_vocab.py", "--pretrain", "train.tsv", *vocabulary, "--character-coverage", "1")
    settings = {
        "options": OPTIONS,
        "seed": 1,
        "languages": {"source": "de", "target": "en"},
        "device": "cpu",
        "gpus": 0,
        "max_pieces": 100,
        "save_every": 1000,
        "checkpoint": "last",
    }
    data = ["--dataset", "train.tsv", "--valid", "valid.tsv", *files, "--settings", json.dumps(settings)]
    kept = ["--state", "state", "--model", "model.pt", "--ctranslate2", "ctranslate2", "--report", "training.json"]
    call(folder, "train/train_model.py", *data, *kept, "--threads", 1, "--code", "test")
    return Model(*(folder / name for name in ("model.pt", "ctranslate2", "spm.model", "dict.txt")))


def shortened(text: str) -> str:
    """``text`` without its last three words."""
    return " ".join(text.split()[:-3]) + "."


def scores(metric: str, instances: Sequence[TargetInstance], model: Model, **decoding: Any) -> Sequence[Score]:
    inputs = {f"model:{name}": path for name, path in vars(model).items()}
    return load_metric(metric).score(
        instances, Context({"decoding": {**DECODING, **decoding}}, Path("generated.tsv"), inputs)
    )


def planted(source: int) -> list[TargetInstance]:
    """A generator that is right but drops words on every second sentence; ``source`` is 0 for German, 1 for English."""
    return [
        TargetInstance(
            f"t:{n}",
            pair[source],
            shortened(pair[1 - source]) if n in DAMAGED else pair[1 - source],
            None,
            {},
            None,
        )
        for n, pair in enumerate(UNSEEN)
    ]


def share_found(values: Sequence[Score], sign: int) -> float:
    """Share of the damaged targets that are in the worse half; ``sign`` is 1 where higher scores are better."""
    worst = sorted(range(len(values)), key=lambda place: sign * values[place])[: len(DAMAGED)]
    return len(DAMAGED.intersection(worst)) / len(DAMAGED)


def test_learner_fit_finds_the_targets_that_lack_words(model: Model) -> None:
    assert share_found(scores("learner_fit", planted(0), model), -1) >= 0.95


def test_round_trip_finds_the_targets_that_lack_words(model: Model) -> None:
    """The model is the reverse one of a study from English to German."""
    found = scores("round_trip", planted(1), model)
    assert share_found(found, 1) >= 0.9
    assert all(0 <= value <= 100 for value in found)


def test_an_empty_target_gives_nothing_back_and_its_end_is_scored(model: Model) -> None:
    def pair(source: int) -> list[TargetInstance]:
        return [planted(source)[1], planted(source)[1]._replace(id="t:empty", target="")]

    assert scores("round_trip", pair(1), model)[1] == 0
    intact, empty = scores("learner_fit", pair(0), model)
    assert empty > intact


@pytest.mark.parametrize("engine", ["ctranslate2", "fairseq"])
def test_a_generator_of_empty_targets_only_gives_nothing_back(model: Model, engine: str) -> None:
    empty = [instance._replace(target="") for instance in planted(1)[:3]]
    assert list(scores("round_trip", empty, model, engine=engine)) == [0, 0, 0]


def test_batches_hold_every_text_once_and_no_texts_are_none() -> None:
    assert batches([], 10) == []
    found = batches([3, 30, 1, 4, 2], 10)
    assert sorted(place for batch in found for place in batch) == [0, 1, 2, 3, 4]
    assert found[0] == [1]
    assert all(found)


@pytest.mark.parametrize("engine", ["ctranslate2", "fairseq"])
def test_neighbours_in_a_batch_change_no_translation(
    model: Model, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of sources whose translations do not end before the limit."""
    monkeypatch.setattr("models.translation._EXTRA_LENGTH", 1)
    settings = replace(SETTINGS, engine=engine, max_length_factor=0.5)
    texts = [*(german for german, _ in UNSEEN[:20]), " ".join(german for german, _ in UNSEEN[:3])]
    together = list(translate(model, texts, settings, 1))
    alone = [next(translate(model, [text], settings, 1)) for text in texts]
    assert len({found.tokens for found in alone}) > 2
    assert [found.text for found in together] == [found.text for found in alone]


def test_engines_agree_and_decoding_reports_the_same_log_probability(model: Model, tmp_path: Path) -> None:
    texts = [german for german, _ in UNSEEN]
    translations = list(translate(model, texts, SETTINGS, 1))
    pairs = [(german, found.text) for german, found in zip(texts, translations, strict=True)]
    pairs += [("Ein ☃ Ding", "A ☃ thing"), ("Das Buch.", "")]
    fast = list(force_decode(model, pairs, SETTINGS, 1))
    stock = list(force_decode(model, pairs, replace(SETTINGS, engine="fairseq"), 1))
    assert [fit.tokens for fit in fast] == [fit.tokens for fit in stock]
    assert [fit.logprob for fit in fast] == pytest.approx([fit.logprob for fit in stock], abs=1e-4)
    assert [fit.logprob for fit in fast[:-2]] == pytest.approx([t.logprob for t in translations], abs=5e-3)
    without = replace(model, ctranslate2=tmp_path)  # the model could not be converted
    assert list(force_decode(without, pairs, SETTINGS, 1)) == stock


def test_what_is_longer_than_the_model_takes_is_cut(model: Model) -> None:
    (fit,) = force_decode(model, [UNSEEN[0]], replace(SETTINGS, max_pieces=5), 1)
    assert fit.tokens == 6


def test_a_gpu_that_is_not_there_is_said(model: Model) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(UserError, match=r"training\.device is gpu and a GPU is needed, but torch .* sees none"):
        scores("learner_fit", planted(0), model, device="gpu")
