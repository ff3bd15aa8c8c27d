"""Models are downloaded completely or not at all, without code and pickles, and errors say what to do."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_hub import COMMIT, FakeHub, fake_hub
from tiny_llm import tiny_llm

pytest.importorskip("transformers")
pytest.importorskip("peft")

Run = Callable[..., subprocess.CompletedProcess[str]]
ARGUMENTS = ("--model", "owner/tiny", "--output", "bases/tiny", "--record", "bases/tiny.json")
UNWANTED = ["pytorch_model.bin", "modeling_own.py", "README.md", "consolidated.safetensors", "training_args.bin"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tiny_llm(tmp_path_factory.mktemp("hub") / "tiny", ["Ein Satz.", "A sentence."])
    for name in UNWANTED:
        (folder / name).write_text("unwanted")
    return folder


@pytest.fixture
def hub(model: Path) -> Iterator[FakeHub]:
    with fake_hub(model) as hub:
        yield hub


def environment(hub: FakeHub, **more: str) -> dict[str, str]:
    # Nothing of this machine's settings for the real hub.
    return {
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": "",
        "HF_HUB_OFFLINE": "0",
        "HF_HOME": "cache",
        "NO_PROXY": "127.0.0.1",
    } | more


def test_a_model_is_downloaded_without_code_and_pickles(
    hub: FakeHub, model: Path, run_script: Run, tmp_path: Path
) -> None:
    hub.token = "hf_secret"
    hub.broken = {"model.safetensors"}
    done = run_script("finetune/fetch_model.py", *ARGUMENTS, **environment(hub, HF_TOKEN="hf_secret"))
    log = (tmp_path / "log.txt").read_text()
    assert done.returncode == 0, done.stderr + log
    assert "hf_secret" not in log + done.stderr
    folder = tmp_path / "bases" / "tiny"
    assert hub.asked.count("model.safetensors") == 2
    files = {path.name: path.read_bytes() for path in model.iterdir() if path.name not in UNWANTED}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    record = json.loads((tmp_path / "bases" / "tiny.json").read_text())
    assert record == {"model": "owner/tiny", "revision": "main", "commit": COMMIT}
    assert not [path for path in (tmp_path / "bases").iterdir() if path.name.startswith(".")]


def test_a_broken_download_goes_on_with_what_is_missing(hub: FakeHub, run_script: Run, tmp_path: Path) -> None:
    hub.damaged = {"model.safetensors"}
    done = run_script("finetune/fetch_model.py", *ARGUMENTS, **environment(hub))
    assert done.returncode == 1 and "model.safetensors arrived damaged" in done.stderr
    assert "config.json" in hub.asked and not (tmp_path / "bases" / "tiny").exists()
    hub.damaged, hub.asked = set(), []
    done = run_script("finetune/fetch_model.py", *ARGUMENTS, **environment(hub))
    assert done.returncode == 0, done.stderr
    assert set(hub.asked) == {"model.safetensors"}


@pytest.fixture
def refused(refusal: Callable[..., str], hub: FakeHub) -> Callable[..., str]:
    def run(*arguments: str, **more: str) -> str:
        return refusal("finetune/fetch_model.py", *ARGUMENTS, *arguments, **environment(hub, **more))

    return run


def test_refusals_say_what_to_do(refused: Callable[..., str], hub: FakeHub) -> None:
    assert "has no model 'owner/other'" in refused("--model", "owner/other")
    assert "has no revision 'v9'" in refused("--revision", "v9")
    assert "is not the name of a model" in refused("--model", "a/b/c")
    assert "HF_HUB_OFFLINE is set" in refused(HF_HUB_OFFLINE="1")
    assert "cannot be reached or broke off" in refused(HF_ENDPOINT="http://127.0.0.1:9")
    hub.token = "another"
    assert "is gated" in (said := refused(HF_TOKEN="hf_secret")) and "HF_TOKEN" in said and "hf_secret" not in said


def test_models_of_another_kind(refused: Callable[..., str], hub: FakeHub, tmp_path: Path) -> None:
    served = tmp_path / "cache" / "served"
    served.mkdir(parents=True)
    hub.folder = served
    assert "no config.json" in refused()
    (served / "config.json").write_text(json.dumps({"model_type": "t5", "is_encoder_decoder": True}))
    (served / "pytorch_model.bin").write_text("pickle")
    assert "no weights in the safetensors format" in refused()


def test_an_encoder_decoder_is_refused_before_its_weights_come(hub: FakeHub, run_script: Run, tmp_path: Path) -> None:
    served = tmp_path / "served"
    served.mkdir()
    hub.folder = served
    (served / "config.json").write_text(
        json.dumps({"model_type": "t5", "architectures": ["T5ForConditionalGeneration"]})
    )
    (served / "model.safetensors").write_bytes(bytes(100))
    done = run_script("finetune/fetch_model.py", *ARGUMENTS, **environment(hub))
    assert done.returncode == 1 and "not a causal language model" in done.stderr
    assert "model.safetensors" not in hub.asked
