"""Fine-tune a language model: it learns, resumes after a kill with the same bytes, and refuses unusable input."""

from __future__ import annotations

import json
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from finetuning import LORA, Corpus, Finetuning, accuracy, translations, write_table
from toy_corpus import toy_corpus

from finetune import merge_adapter
from workbench.cli import UserError

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

LORA_SETTINGS: dict[str, Any] = {"method": "lora", "options": {"learning_rate": 0.02, "num_train_epochs": 3}}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return Corpus.make(tmp_path_factory.mktemp("finetuning"))


@pytest.fixture(scope="module")
def whole(corpus: Corpus) -> Finetuning:
    """The untrained model, fully fine-tuned on the corpus; the base of the adapters."""
    return Finetuning(corpus, "whole").here()


@pytest.fixture(scope="module")
def adapter(corpus: Corpus, whole: Finetuning) -> Finetuning:
    """An adapter of it that learnt another word order."""
    return Finetuning(corpus, "adapter", LORA_SETTINGS, whole.model, "other.tsv").here()


def test_it_learns_what_the_base_does_not_know(corpus: Corpus, whole: Finetuning) -> None:
    base = corpus.folder / "base"
    assert accuracy(corpus, translations(corpus, base, None)) < 0.1
    assert accuracy(corpus, translations(corpus, base, whole.model)) > 0.7
    report = whole.report
    assert report["updates"] == 157 and report["epochs"] == 5 and report["instances"] == 500
    assert report["batch"] == {"instances": 16, "parts": 1, "halvings": 0}
    assert report["precision"] == "float32" and report["peak_memory_mb"] is None
    assert report["best_valid_loss"] < 1 < report["target_tokens_per_second"]
    assert not (whole.folder / "state").exists()


def test_an_adapter_learns_on_top_of_it(corpus: Corpus, whole: Finetuning, adapter: Finetuning) -> None:
    assert accuracy(corpus, translations(corpus, whole.model, None), other=True) < 0.3
    assert accuracy(corpus, translations(corpus, whole.model, adapter.model), other=True) > 0.6
    assert sorted(adapter.content) == ["adapter_config.json", "adapter_model.safetensors"]
    assert str(corpus.folder).encode() not in b"".join((adapter.content | whole.content).values())


def test_a_pattern_may_name_modules(corpus: Corpus) -> None:
    few = {"method": "lora", "options": {"max_steps": 1}, "lora": {**LORA, "target_modules": r".*\.(q|v)_proj"}}
    trained = Finetuning(corpus, "pattern", few).here()
    config = json.loads((trained.model / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["target_modules"] == r".*\.(q|v)_proj"


def test_corrupted_targets_end_lower(corpus: Corpus, whole: Finetuning) -> None:
    pairs = toy_corpus(500)
    targets = [target for _, target in pairs]
    random.Random(1).shuffle(targets)
    mixed = [(s, right if n % 2 else wrong) for n, ((s, right), wrong) in enumerate(zip(pairs, targets, strict=True))]
    write_table(corpus.folder / "corrupted.tsv", mixed)
    corrupted = Finetuning(corpus, "corrupted", dataset="corrupted.tsv").here()
    base = corpus.folder / "base"
    clean = accuracy(corpus, translations(corpus, base, whole.model))
    assert accuracy(corpus, translations(corpus, base, corrupted.model)) < clean - 0.1
    assert corrupted.report["best_valid_loss"] > whole.report["best_valid_loss"]


# It dies while the second checkpoint is written, before the checkpoint is marked as complete.
DIES_WRITING = """
import os, signal
from finetune.state import FinetuningState
keep = FinetuningState.keep
def dying(self, updates, seconds):
    if updates == 40:
        (self.folder / "checkpoint-40" / "optimizer.pt").write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    keep(self, updates, seconds)
FinetuningState.keep = dying
"""
DIES_COMPUTING = """
import os, signal
from finetune.training import Watcher
def dying(self, args, state, control, **_):
    if state.global_step == 33:
        os.kill(os.getpid(), signal.SIGKILL)
Watcher.on_step_begin = dying
"""


def test_kill_9_and_again_gives_the_same_bytes(
    corpus: Corpus, whole: Finetuning, adapter: Finetuning, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    killed = Finetuning(corpus, "killed", LORA_SETTINGS, whole.model, "other.tsv")
    assert killed.run(DIES_WRITING)[0] == -signal.SIGKILL
    assert not killed.model.exists()
    status, said = killed.run(DIES_COMPUTING)
    assert status == -signal.SIGKILL and "resuming from" in said and "checkpoint-20" in said
    killed.here()
    assert caplog.text.count("resuming from") == 1 and "checkpoint-20" in caplog.text
    assert killed.content == adapter.content
    same = {"updates", "epochs", "best_valid_loss", "batch", "instances"}
    assert {name: killed.report[name] for name in same} == {name: adapter.report[name] for name in same}


def test_a_signal_leaves_a_checkpoint_and_the_end_is_the_same(corpus: Corpus, caplog: pytest.LogCaptureFixture) -> None:
    # GPT-2 has dropout; this one has no chat template.
    settings = {"options": {"num_train_epochs": 1.5}, "save_every": 5}
    undisturbed = Finetuning(corpus, "undisturbed", settings, corpus.folder / "plain").here()
    signalled = Finetuning(corpus, "signalled", settings, corpus.folder / "plain")
    process = signalled.start()
    deadline = time.monotonic() + 60
    while not list((signalled.folder / "state").glob("*/checkpoint-*/whole.json")):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1 and "ended by a signal after update" in said, said
    assert not signalled.model.exists()
    caplog.set_level("INFO")
    signalled.here()
    assert "resuming from" in caplog.text
    assert signalled.content == undisturbed.content


def test_a_finished_training_is_not_repeated(whole: Finetuning, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    before = whole.model.stat().st_mtime_ns
    whole.here()
    assert "already trained" in caplog.text
    assert whole.model.stat().st_mtime_ns == before


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_training_continues_with_the_new_instances(
    corpus: Corpus, whole: Finetuning, adapter: Finetuning, method: str
) -> None:
    start = {"lora": adapter, "full": whole}[method]
    dataset = {"lora": "other.tsv", "full": "train.tsv"}[method]
    more = ["--size", 500, "--skip", 300, "--start", start.model]
    settings = {"method": method, "options": {"num_train_epochs": 1}}
    base = whole.model if method == "lora" else None
    went_on = Finetuning(corpus, f"further-{method}", settings, base, dataset, more).here()
    assert went_on.report["instances"] == 200 and went_on.report["updates"] == 13
    assert went_on.report["fingerprint"] != start.report["fingerprint"]
    if method == "full":
        assert went_on.report["best_valid_loss"] < start.report["best_valid_loss"] + 0.05


def test_a_merged_adapter_translates_the_same(corpus: Corpus, whole: Finetuning, adapter: Finetuning) -> None:
    merged = corpus.folder / "merged"
    arguments = ["--base", whole.model, "--model", adapter.model, "--output", merged]
    merge_adapter.main(merge_adapter.PARSER.parse_args([str(word) for word in arguments]))
    texts = [[line.split("\t")[1] for line in translations(corpus, *pair)] for pair in
             ((whole.model, adapter.model), (merged, None))]  # fmt: skip
    assert texts[0] == texts[1]


def test_an_update_that_does_not_fit_the_memory_is_computed_in_parts(
    corpus: Corpus, whole: Finetuning, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from transformers import LlamaForCausalLM

    forward = LlamaForCausalLM.forward

    def limited(self: Any, input_ids: Any = None, **named: Any) -> Any:
        if input_ids.shape[0] > 5:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has 1 GiB.")
        return forward(self, input_ids=input_ids, **named)

    monkeypatch.setattr(LlamaForCausalLM, "forward", limited)
    caplog.set_level("INFO")
    small = Finetuning(corpus, "small-memory").here()
    assert (
        "CUDA out of memory. Tried to allocate 2.00 GiB; starting again, computing half as much at a time"
        in caplog.text
    )
    assert small.report["batch"] == {"instances": 16, "parts": 4, "halvings": 2}
    assert small.report["updates"] == whole.report["updates"]
    assert small.report["best_valid_loss"] == pytest.approx(whole.report["best_valid_loss"], abs=0.01)


def test_reduced_precision_trains(corpus: Corpus, whole: Finetuning) -> None:
    settings = {**LORA_SETTINGS, "precision": "bf16", "options": {"max_steps": 5}}
    half = Finetuning(corpus, "bf16", settings, whole.model, "other.tsv").here()
    assert half.report["precision"] == "bf16" and half.report["updates"] == 5
    lines = translations(corpus, whole.model, half.model, {"precision": "bf16"})
    assert len(lines) == 50 and all(line.split("\t")[1] for line in lines)


def test_tensorboard_gets_the_curves_and_shapes_nothing(corpus: Corpus) -> None:
    pytest.importorskip("tensorboard", reason="requirements/monitors.txt is not installed")
    settings = {"options": {"max_steps": 12}}
    watched = Finetuning(corpus, "watched", settings, more=["--tensorboard", corpus.folder / "curves"]).here()
    assert list((corpus.folder / "curves").glob("events.out.tfevents.*"))
    assert watched.content == Finetuning(corpus, "unwatched", settings).here().content


def refused(finetuning: Finetuning) -> str:
    """Return the error for unusable input, and check that nothing was written."""
    with pytest.raises(UserError) as error:
        finetuning.here()
    assert not finetuning.model.exists() and not (finetuning.folder / "training.json").exists()
    assert "\n" not in str(error.value)
    return str(error.value)


def copy_of_base(corpus: Corpus, tmp_path: Path, **config: Any) -> Path:
    """A base that a test may break; ``config`` changes its config.json."""
    base = tmp_path / "base"
    shutil.copytree(corpus.folder / "base", base)
    changed = json.loads((base / "config.json").read_text()) | config
    (base / "config.json").write_text(json.dumps(changed))
    return base


def test_instances_that_cannot_be_learnt(corpus: Corpus, caplog: pytest.LogCaptureFixture) -> None:
    pairs = [*toy_corpus(20), ("Leer", " "), ("Lang", "word " * 90)]
    write_table(corpus.folder / "unusable.tsv", pairs, origin="strong")
    said = refused(Finetuning(corpus, "x", dataset="unusable.tsv"))
    assert "2 of 22 instances" in said and "s20 by strong: its target is empty" in said
    assert "unusable: drop" in said and "max_tokens" in said
    settings = {"unusable": "drop", "options": {"max_steps": 1}}
    caplog.set_level("INFO")
    dropped = Finetuning(corpus, "dropped", settings, dataset="unusable.tsv").here()
    assert dropped.report["instances"] == 20 and dropped.report["left_out"] == 2
    assert "2 of 22 instances left out" in caplog.text
    write_table(corpus.folder / "long.tsv", pairs[-1:])
    said = refused(Finetuning(corpus, "x", {"unusable": "drop"}, dataset="long.tsv"))
    assert "none of the 1 instances can be learnt" in said and "tokens, prompt and target together" in said
    assert "30 instances, but the run's size is 31" in refused(
        Finetuning(corpus, "x", dataset="valid.tsv", more=["--size", 31])
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"architectures": ["T5ForConditionalGeneration"]}, "not a causal language model"),
        (
            {"architectures": ["BertForMaskedLM"], "model_type": "bert"},
            "BertForMaskedLM is not a causal language",
        ),
        ({"model_type": "unheard_of"}, "does not know this architecture"),
        ({"auto_map": {"AutoConfig": "own.Config"}, "model_type": "own"}, "code of a model is never run"),
        ({"num_hidden_layers": 3}, "the weights lack 9 tensors"),
        ({"hidden_size": 32}, "cannot be loaded"),
    ],
)
def test_bases_that_are_not_causal_models(corpus: Corpus, tmp_path: Path, config: dict[str, Any], message: str) -> None:
    assert message in refused(Finetuning(corpus, "x", base=copy_of_base(corpus, tmp_path, **config)))


def test_bases_that_lack_something(corpus: Corpus, tmp_path: Path, adapter: Finetuning) -> None:
    assert "no such folder" in refused(Finetuning(corpus, "x", base=tmp_path / "nowhere"))
    assert "holds an adapter" in refused(Finetuning(corpus, "x", base=adapter.model))
    base = copy_of_base(corpus, tmp_path)
    tokenizer = json.loads((base / "tokenizer_config.json").read_text())
    (base / "tokenizer_config.json").write_text(json.dumps(tokenizer | {"eos_token": None}))
    assert "no end token" in refused(Finetuning(corpus, "x", base=base))
    for path in base.glob("*token*"):
        path.unlink()
    (base / "chat_template.jinja").unlink()
    assert "no tokenizer" in refused(Finetuning(corpus, "x", base=base))
    shutil.copyfile(corpus.folder / "base" / "tokenizer.json", base / "tokenizer.json")
    shutil.copyfile(corpus.folder / "base" / "tokenizer_config.json", base / "tokenizer_config.json")
    (base / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0broken")
    assert "cannot be loaded" in refused(Finetuning(corpus, "x", base=base))
    (base / "model.safetensors").rename(base / "pytorch_model.bin")
    assert "pickled ones, which are not read" in refused(Finetuning(corpus, "x", base=base))


def test_options_that_do_not_fit(
    corpus: Corpus, tmp_path: Path, whole: Finetuning, adapter: Finetuning, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {"method": "lora", "lora": {**LORA, "target_modules": ["q_proj", "quatsch"]}}
    said = refused(Finetuning(corpus, "x", wrong))
    assert "no module 'quatsch'" in said and "q_proj" in said and "all-linear" in said
    assert "no module 'q_proj'" in refused(
        Finetuning(corpus, "x", {**wrong, "lora": {**LORA, "target_modules": "q_proj"}})
    )
    assert "continues from a whole model" in refused(Finetuning(corpus, "x", more=["--start", adapter.model]))
    lora = {"method": "lora"}
    assert "no LoRA adapter" in refused(Finetuning(corpus, "x", lora, more=["--start", whole.model]))
    assert "no such folder" in refused(Finetuning(corpus, "x", more=["--start", tmp_path / "nowhere"]))
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    shutil.copyfile(adapter.model / "adapter_config.json", pickled / "adapter_config.json")
    (pickled / "adapter_model.bin").write_text("pickle")
    assert "pickled weights are not read" in refused(Finetuning(corpus, "x", lora, more=["--start", pickled]))
    misfit = Finetuning(corpus, "x", lora, corpus.folder / "plain", more=["--start", adapter.model])
    assert "does not fit the base model" in refused(misfit)
    (pickled / "adapter_model.safetensors").write_bytes(b"broken")
    assert "does not fit the base model" in refused(Finetuning(corpus, "x", lora, more=["--start", pickled]))
    assert "sees none" in refused(Finetuning(corpus, "x", {"device": "gpu"}))
    assert "max_tokens: 513, but" in refused(Finetuning(corpus, "x", {"max_tokens": 513}))
    assert "fp16 needs a GPU" in refused(Finetuning(corpus, "x", {"precision": "fp16"}))
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("Translate this.")
    assert "ends without {source}" in refused(Finetuning(corpus, "x", more=["--prompt", "prompt", prompt]))
    assert "no such role" in refused(Finetuning(corpus, "x", more=["--prompt", "retry", prompt]))
    base = copy_of_base(corpus, tmp_path)
    (base / "chat_template.jinja").write_text("{{ raise_exception('never') }}")
    assert "chat template" in refused(Finetuning(corpus, "x", base=base))
    assert "the loss is" in refused(Finetuning(corpus, "x", {"options": {"learning_rate": 1e30, "max_grad_norm": 0}}))


def test_a_full_disk(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    import safetensors.torch
    from transformers import modeling_utils

    usage = shutil.disk_usage(corpus.folder)._replace(free=10**6)
    with monkeypatch.context() as context:
        context.setattr(shutil, "disk_usage", lambda _: usage)
        assert "0.0 GB are free" in refused(Finetuning(corpus, "full"))

    def full(*_: Any, **__: Any) -> None:
        text = "Error while serializing: I/O error: No space left on device (os error 28)"
        raise safetensors.SafetensorError(text)

    def short(*_: Any, **__: Any) -> None:
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0")

    for owner, name, fails in ((modeling_utils, "safe_save_file", full), (torch, "save", short)):
        with monkeypatch.context() as context:
            context.setattr(owner, name, fails)
            assert "state" in (said := refused(Finetuning(corpus, "full"))) and "the disk is full" in said


def test_an_extra_that_is_not_installed(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "peft", None)
    assert "pip install -r requirements/finetune.txt" in refused(Finetuning(corpus, "x"))
