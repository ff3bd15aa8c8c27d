"""Fine-tune a randomly initialised language model as the workflow does; tokens a second, memory, decoding.

The model is a Llama of about 110 million parameters, its tokenizer is trained on the text, and the text is made up:
nothing is downloaded. Training and decoding are the workflow's own scripts and functions. From the repository root, in
the workflow's environment with the extra for fine-tuning::

    .venv/bin/python benchmarks/finetune_local.py --device gpu

``--device cpu --parameters small --updates 20`` shows in two minutes that it runs, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gpu_training import matrix_peak, run

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "workflow" / "scripts"
sys.path[:0] = [str(SCRIPTS), str(ROOT / "tests" / "helpers")]

from tiny_llm import tiny_llm  # noqa: E402

LANGUAGES = {"source": "de", "target": "en"}
MODELS = {
    "100M": {"width": 768, "layers": 16, "heads": 12, "vocabulary": 16000},
    "small": {"width": 128, "layers": 2, "heads": 4, "vocabulary": 2000},
}
ROWS = {"train": 20_000, "valid": 200, "test": 1000}


def made_up_pairs(count: int, seed: int) -> list[tuple[str, str]]:
    """Pairs of sentences of 8 to 40 made-up words; a target has its source's words, each in another form."""
    draw = random.Random(1)
    syllables = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "au", "ei")]
    words = ["".join(draw.choices(syllables, k=draw.randint(1, 4))) for _ in range(8000)]
    draw = random.Random(seed)
    sentences = [draw.choices(words, k=draw.randint(8, 40)) for _ in range(count)]
    return [(" ".join(sentence), " ".join(word[::-1] for word in sentence)) for sentence in sentences]


def write_files(folder: Path, model: dict[str, int]) -> int:
    """Write tables, prompt and base model; return the model's parameters."""
    for seed, (name, count) in enumerate(ROWS.items(), start=2):
        rows = [f"{n}\thuman\t{source}\t{target}" for n, (source, target) in enumerate(made_up_pairs(count, seed))]
        (folder / f"{name}.tsv").write_text("\n".join(["id\torigin\tsource\ttarget", *rows, ""]), encoding="utf-8")
    (folder / "prompt.txt").write_text((ROOT / "resources/prompts/translate.txt").read_text(encoding="utf-8"))
    texts = [text for pair in made_up_pairs(5000, 9) for text in pair]
    texts.append((folder / "prompt.txt").read_text(encoding="utf-8"))
    tiny_llm(folder / "base", texts, **model)
    from safetensors import safe_open

    with safe_open(folder / "base" / "model.safetensors", "pt") as tensors:
        return sum(tensors.get_tensor(name).numel() for name in tensors.keys())  # noqa: SIM118  no dictionary


def train(folder: Path, method: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """The report of a training."""
    settings = {
        "languages": LANGUAGES,
        "method": method,
        "lora": {"r": 16, "lora_alpha": 32, "lora_dropout": 0.05, "target_modules": "all-linear"},
        "options": {
            "num_train_epochs": 1,
            "max_steps": arguments.updates,
            "batch_size": arguments.batch_size,
            "learning_rate": 2e-4,
            "lr_scheduler_type": "linear",
            "warmup_ratio": 0.03,
            "weight_decay": 0.0,
            "max_grad_norm": 1.0,
        },
        "max_tokens": 512,
        "unusable": "drop",
        "precision": "auto",
        "seed": 1,
        "device": arguments.device,
        "save_every": max(arguments.updates // 2, 1),
    }
    run(
        "finetune/finetune_local.py",
        *("--label", method, "--threads", arguments.threads, "--code", "benchmark", "--base", folder / "base"),
        *("--dataset", folder / "train.tsv", "--valid", folder / "valid.tsv"),
        *("--prompt", "prompt", folder / "prompt.txt", "--settings", json.dumps(settings)),
        *("--state", folder / f"{method}.state", "--model", folder / method, "--report", folder / f"{method}.json"),
    )
    return json.loads((folder / f"{method}.json").read_text(encoding="utf-8"))


def decode(folder: Path, beams: int, arguments: argparse.Namespace) -> tuple[float, float]:
    """Tokens written and texts translated a second by the fine-tuned model, the time to load it aside."""
    from models.causal_lm import set_threads

    set_threads(arguments.threads)
    from llm.local.decoding import Translator

    settings = {"languages": LANGUAGES, "num_beams": beams, "batch_size": arguments.batch_size}
    settings |= {"max_output_factor": 1.0, "precision": "auto", "device": arguments.device}
    prompts = [("prompt", str(folder / "prompt.txt"))]
    translator = Translator(folder / "base", folder / "full", prompts, settings)
    lines = (folder / "test.tsv").read_text(encoding="utf-8").splitlines()[1 : arguments.texts + 1]
    sources = [line.split("\t")[2] for line in lines]
    list(translator.translate(sources[:2]))  # what is set up at first use
    started = time.monotonic()
    tokens = sum(translation.tokens for translation in translator.translate(sources))
    seconds = time.monotonic() - started
    return tokens / seconds, len(sources) / seconds


def mean_tokens(folder: Path) -> tuple[float, float]:
    """Tokens of an instance: all of them, and those of its completion."""
    from finetune.plan import encode_pairs
    from llm.local.prompting import Prompter, read_templates
    from models.causal_lm import load_tokenizer
    from workbench.pairs import read_training_pairs

    templates = read_templates([("prompt", str(folder / "prompt.txt"))], LANGUAGES)
    prompter = Prompter(load_tokenizer(folder / "base"), templates)
    pairs = list(read_training_pairs(folder / "train.tsv", 1000))
    found = encode_pairs(pairs, prompter, 512, True, folder / "train.tsv")
    completions = sum(len(instance.completion) for instance in found)
    return (completions + sum(len(instance.prompt) for instance in found)) / len(found), completions / len(found)


def main() -> None:
    """Measure, and print figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["gpu", "cpu"], default="gpu")
    parser.add_argument("--parameters", choices=[*MODELS], default="100M", help="size of the model (100M)")
    parser.add_argument("--updates", type=int, default=400, help="updates of each training (400)")
    parser.add_argument("--batch-size", type=int, default=64, help="instances of an update, texts of a batch (64)")
    parser.add_argument("--texts", type=int, default=500, help="texts that are translated (500)")
    parser.add_argument("--threads", type=int, default=4, help="CPU threads (4)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parameters = write_files(folder, MODELS[arguments.parameters])
        reports = {method: train(folder, method, arguments) for method in ("full", "lora")}
        every, target = mean_tokens(folder)
        peak = matrix_peak("cuda" if arguments.device == "gpu" else "cpu")
        decoded = {beams: decode(folder, beams, arguments) for beams in (1, 4)}
    print(f"{parameters / 1e6:,.1f} million parameters; {every:,.0f} tokens an instance, {target:,.0f} of the target")
    for method, report in reports.items():
        tokens = report["target_tokens_per_second"] * every / target
        # Two operations a weight on the way forward, two back, and two more where the weight itself is trained.
        share = (6 if method == "full" else 4) * parameters * tokens / peak
        memory = report["peak_memory_mb"]
        said = f"{memory:,} MB of the GPU" if memory else "memory see below"
        print(
            f"{method}, {report['precision']}: {report['target_tokens_per_second']:,.0f} target tokens/s, "
            f"{tokens:,.0f} tokens/s with prompts, {share:.0%} of the fastest matrix product, {said}, "
            f"batch in {report['batch']['parts']} parts"
        )
    print(
        f"highest memory of a training process: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:,.0f} MB"
    )
    for beams, (tokens, texts) in decoded.items():
        print(f"decoding, {beams} beams: {tokens:,.0f} tokens/s, {texts:,.1f} texts/s")


if __name__ == "__main__":
    main()
