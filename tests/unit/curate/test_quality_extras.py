"""Optional metrics: one line if something is missing, and their scores if it is not."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest
from paths import ROOT

from curate.quality import Context, TargetInstance, load_metric
from workbench.cli import UserError

INSTANCES = [
    TargetInstance("t:1", "Das ist ein Haus.", "This is a house.", None, {}, None),
    TargetInstance("t:2", "Guten Morgen", "", None, {}, None),
]
COMET = f"""\
#!{sys.executable}
import argparse, json, pathlib
parser = argparse.ArgumentParser()
for name in ("-s", "-t", "--model", "--to_json", "--batch_size", "--gpus"):
    parser.add_argument(name)
parser.add_argument("--quiet", action="store_true")
given = parser.parse_args()
if "reference" in given.model:
    parser.error(given.model + " requires -r/--references or -d/--sacrebleu_dataset.")
sides = [pathlib.Path(path).read_text().split("\\n")[:-1] for path in (given.s, given.t)]
judged = [dict(src=s, mt=t, COMET=len(t) / 100) for s, t in zip(*sides, strict=True)]
pathlib.Path(given.to_json).write_text(json.dumps({{given.t: judged}}))
"""


def context(weights: str | Path = "", **settings: object) -> Context:
    return Context({"device": "cpu", "batch_size": 8, **settings}, Path("generated.tsv"), {"weights": Path(weights)})


@pytest.fixture
def comet(tmp_path: Path) -> str:
    """A program that takes the arguments of ``comet-score``; its score is the target's length."""
    program = tmp_path / "comet-score"
    program.write_text(COMET, encoding="utf-8")
    program.chmod(0o755)
    (tmp_path / "model.ckpt").touch()
    (tmp_path / "reference.ckpt").touch()
    return str(program)


def test_comet_has_the_program_judge_every_pair(comet: str, tmp_path: Path) -> None:
    settings = context(program=comet, weights=str(tmp_path / "model.ckpt"))
    assert load_metric("comet_qe").score(INSTANCES, settings) == [0.16, 0]


def test_comet_says_why_its_program_failed(comet: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"comet-score failed: .*requires -r/--references"):
        load_metric("comet_qe").score(INSTANCES, context(program=comet, weights=str(tmp_path / "reference.ckpt")))


def test_comet_without_program_or_weights_says_what_to_do(comet: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no program 'no-such-comet'; install it.*unbabel-comet.*program: comet/bin"):
        load_metric("comet_qe").score(INSTANCES, context(program="no-such-comet", weights=""))
    with pytest.raises(UserError, match=r"weights: .*absent\.ckpt is not there; download the model once"):
        load_metric("comet_qe").score(INSTANCES, context(program=comet, weights=str(tmp_path / "absent.ckpt")))
    with pytest.raises(UserError, match="is not a checkpoint"):
        load_metric("comet_qe").score(INSTANCES, context(program=comet, weights=str(tmp_path)))


def test_labse_without_its_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(UserError, match=r"needs the package sentence_transformers.*requirements/quality-extra\.txt"):
        load_metric("labse").score(INSTANCES, context(weights="labse"))


def test_labse_is_the_cosine_of_both_sides(tmp_path: Path) -> None:
    """With a tiny model of random weights: a text is closest to itself, the numbers are sentence-transformers' own."""
    package = pytest.importorskip("sentence_transformers", reason="requirements/quality-extra.txt is not installed")
    transformers = pytest.importorskip("transformers")
    importlib.import_module("torch").manual_seed(1)
    folder = tmp_path / "bert"
    folder.mkdir()
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    transformers.BertModel(transformers.BertConfig(vocab_size=len(vocabulary), **shape)).save_pretrained(folder)
    model = package.SentenceTransformer(str(folder), device="cpu")
    model.save(str(tmp_path / "labse"))

    pairs = [*INSTANCES, TargetInstance("t:3", "house", "house", None, {}, None)]
    found = load_metric("labse").score(pairs, context(weights=str(tmp_path / "labse")))
    expected = [float(model.similarity(*model.encode([pair.source, pair.target]))) for pair in pairs]
    assert found == pytest.approx(expected, abs=1e-5)
    assert found[2] == pytest.approx(1) and max(found[:2]) < 1
    with pytest.raises(UserError, match="is not there"):
        load_metric("labse").score(pairs, context(weights=str(tmp_path / "absent")))


def test_the_extra_is_pinned() -> None:
    lines = (ROOT / "requirements" / "quality-extra.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]
    assert any(pin.startswith("sentence-transformers==") for pin in pins)
    assert all(pin.count("==") == 1 for pin in pins), json.dumps(pins)
