"""Train a base transformer on a GPU as the workflow does; say what it reaches of a plain loop and of the arithmetic.

Vocabulary, training, its conversion and decoding are the workflow's own scripts. The plain loop is
``torch.nn.Transformer`` of the same size on batches of the same text, bf16 by autocast, without fairseq. The limit is
what the GPU's fastest matrix product, measured here, would give if the model were nothing else. From the repository
root, in the workflow's environment, with Multi30k where config/multi30k.yaml says::

    .venv/bin/python benchmarks/gpu_training.py --text data/multi30k --updates 8000 --gpus 1

``--device cpu --width 64 --layers 1 --updates 20`` shows in a minute that it runs, and nothing else.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import sacrebleu
import sentencepiece
import torch

SCRIPTS = Path(__file__).resolve().parents[1] / "workflow" / "scripts"
PARTS = {"train": "train", "valid": "val", "test": "test_2016_flickr"}
LANGUAGES = {"source": "de", "target": "en"}
MAX_PIECES = 256
SPECIAL, END = 3, 2  # numbers before the first piece in the plain loop: 0 pads, 2 ends a text and begins the next
WARM_UP = 20  # steps of the plain loop that are not timed


def write_tables(text: Path, folder: Path) -> None:
    """Write every part as the workflow's table of ``id source target``."""
    for part, name in PARTS.items():
        sides = [gzip.decompress((text / f"{name}.{language}.gz").read_bytes()) for language in LANGUAGES.values()]
        pairs = zip(*(side.decode().replace("\t", " ").splitlines() for side in sides), strict=True)
        rows = [f"{number}\t{source.strip()}\t{target.strip()}" for number, (source, target) in enumerate(pairs)]
        (folder / f"{part}.tsv").write_text("\n".join(["id\tsource\ttarget", *rows, ""]), encoding="utf-8")


def run(script: str, *arguments: object) -> None:
    """Run one of the workflow's scripts."""
    command = [sys.executable, SCRIPTS / script, *map(str, arguments)]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(SCRIPTS)}, check=True)


def recipe(arguments: argparse.Namespace) -> dict[str, object]:
    """fairseq-train's options: the transformer of Vaswani et al. (2017), base, with a shared vocabulary."""
    options: dict[str, object] = {
        "arch": "transformer",
        "share-all-embeddings": True,
        "dropout": 0.1,
        "criterion": "fused_label_smoothed_cross_entropy",
        "label-smoothing": 0.1,
        "optimizer": "fused_adamw",
        "adam-betas": "(0.9, 0.98)",
        "lr": 0.0007,
        "lr-scheduler": "inverse_sqrt",
        "warmup-updates": min(4000, arguments.updates // 2),
        "max-tokens": arguments.max_tokens,
        "max-update": arguments.updates,
    }
    for side in ("encoder", "decoder"):
        options |= {
            f"{side}-layers": arguments.layers,
            f"{side}-embed-dim": arguments.width,
            f"{side}-ffn-embed-dim": 4 * arguments.width,
            f"{side}-attention-heads": arguments.width // 64,
        }
    return options | ({"bf16": True} if arguments.device == "gpu" else {})


class Utilisation:
    """What ``nvidia-smi`` says of the GPUs, once a second, while a block runs; nothing where it is not there."""

    def __enter__(self) -> Utilisation:
        self.percent: list[float] = []
        self.megabytes: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        query = ["nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits"]
        while not self._over.wait(1):
            try:
                said = subprocess.run(query, capture_output=True, text=True, check=True).stdout
            except (OSError, subprocess.CalledProcessError):
                return
            for line in said.splitlines():
                percent, megabytes = line.split(",")
                self.percent.append(float(percent))
                self.megabytes.append(float(megabytes))


def train(folder: Path, arguments: argparse.Namespace) -> dict[str, float]:
    """Train and decode by the workflow; return tokens a second, BLEU, and the GPU's use while it trained."""
    gpu = arguments.device == "gpu"
    settings = {
        "options": recipe(arguments),
        "seed": 1,
        "languages": LANGUAGES,
        "device": arguments.device,
        "gpus": arguments.gpus if gpu else 0,
        "max_pieces": MAX_PIECES,
        "save_every": max(arguments.updates // 4, 1),
        "checkpoint": "best",
    }
    model = {"spm": folder / "spm.model", "dictionary": folder / "dict.txt", "ctranslate2": folder / "ct2"}
    files = [str(word) for name, file in model.items() for word in (f"--{name}", file)]
    with Utilisation() as used:
        run(
            "train/train_model.py",
            *("--label", "training", "--threads", arguments.threads, "--code", "benchmark", *files),
            *("--dataset", folder / "train.tsv", "--valid", folder / "valid.tsv", "--settings", json.dumps(settings)),
            *("--state", folder / "state", "--model", folder / "model.pt", "--report", folder / "training.json"),
        )
    decoding = {"engine": "ctranslate2", "beam": 5, "length_penalty": 1, "max_length_factor": 2, "batch_tokens": 4096}
    decoding |= {"sampling": False, "temperature": 1, "seed": 1, "max_pieces": MAX_PIECES, "device": arguments.device}
    run(
        "generate/generate_targets.py",
        *("--threads", arguments.threads, "--provider", "fairseq", "--split", folder / "test.tsv", "--empty", "keep"),
        *(
            word
            for name, file in [*model.items(), ("checkpoint", folder / "model.pt")]
            for word in ("--input", name, file)
        ),
        *("--settings", json.dumps(decoding), "--output", folder / "hypotheses.tsv"),
    )
    columns = [line.split("\t") for line in (folder / "hypotheses.tsv").read_text(encoding="utf-8").splitlines()]
    hypotheses = [row[columns[0].index("text")] for row in columns[1:]]
    references = [line.split("\t")[2] for line in (folder / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    report = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    return {
        "tokens": report["target_tokens_per_second"],
        "bleu": sacrebleu.corpus_bleu(hypotheses, [references]).score,
        "percent": statistics.mean(used.percent) if used.percent else float("nan"),
        "megabytes": max(used.megabytes, default=float("nan")),
    }


def batches(folder: Path, max_tokens: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The training text in batches of pairs of similar length, padded with 0, at most ``max_tokens`` a side."""
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spm.model"))
    rows = [line.split("\t") for line in (folder / "train.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    encoded = [processor.encode([row[side] for row in rows]) for side in (1, 2)]
    sides = [[[*(piece + SPECIAL for piece in text), END] for text in side] for side in encoded]
    found, waiting, longest = [], [], 0
    for pair in sorted(zip(*sides, strict=True), key=lambda pair: max(map(len, pair))):
        longest = max(longest, *map(len, pair))
        if waiting and (len(waiting) + 1) * longest > max_tokens:
            found.append(waiting)
            waiting = []
        waiting.append(pair)
    pad = torch.nn.utils.rnn.pad_sequence
    return [
        tuple(pad([torch.tensor(pair[side]) for pair in batch], batch_first=True) for side in (0, 1))
        for batch in [*found, waiting]
    ]


class PlainTransformer(torch.nn.Module):
    """``torch.nn.Transformer`` with one table of embeddings for both sides and the projection."""

    def __init__(self, words: int, width: int, layers: int) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(words, width)
        self.transformer = torch.nn.Transformer(
            width, width // 64, layers, layers, 4 * width, dropout=0.1, batch_first=True
        )

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Logits of shape (pairs, length, words)."""
        mask = torch.nn.Transformer.generate_square_subsequent_mask(target.size(1), device=target.device)
        states = self.transformer(
            self.embed(source),
            self.embed(target),
            tgt_mask=mask,
            tgt_is_causal=True,
            src_key_padding_mask=source == 0,
            memory_key_padding_mask=source == 0,
        )
        return states @ self.embed.weight.t()


def plain_loop(folder: Path, words: int, arguments: argparse.Namespace) -> float:
    """Target tokens a second of a plain PyTorch loop on one device."""
    device = "cuda" if arguments.device == "gpu" else "cpu"
    model = PlainTransformer(words + SPECIAL, arguments.width, arguments.layers).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    data = batches(folder, arguments.max_tokens)
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(1)).tolist()
    tokens = started = 0.0
    for step in range(WARM_UP + min(arguments.updates, 500)):
        if step == WARM_UP:
            if device == "cuda":
                torch.cuda.synchronize()
            tokens, started = 0, time.monotonic()
        source, target = (side.to(device) for side in data[order[step % len(order)]])
        before = torch.nn.functional.pad(target[:, :-1], (1, 0), value=END)
        with torch.autocast(device, dtype=torch.bfloat16):
            logits = model(source, before)
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1).float(), target.flatten(), ignore_index=0, label_smoothing=0.1
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        tokens += int((target != 0).sum())
    return tokens / (time.monotonic() - started)


def matrix_peak(device: str) -> float:
    """Floating-point operations a second of the fastest bf16 product of square matrices."""
    best = 0.0
    for size in (4096, 8192) if device == "cuda" else (1024,):
        left, right = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
        for timed in (False, True):
            started = time.monotonic()
            for _ in range(20):
                left @ right
            if device == "cuda":
                torch.cuda.synchronize()
            if timed:
                best = max(best, 20 * 2 * size**3 / (time.monotonic() - started))
    return best


def operations_per_target_token(words: int, folder: Path, arguments: argparse.Namespace) -> float:
    """Of one update: two a weight on the way forward and four back, for every token that the weight sees.

    A layer has 4 w² weights in each attention and 8 w² in its feed-forward part; attention's own products are left out.
    """
    data = batches(folder, arguments.max_tokens)
    source, target = (sum(int((batch[side] != 0).sum()) for batch in data) for side in (0, 1))
    square = arguments.width**2 * arguments.layers
    encoder, decoder, crossed = 12 * square, 14 * square + words * arguments.width, 2 * square
    return 6 * (source * (encoder + crossed) + target * decoder) / target


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, default=Path("data/multi30k"), help="folder of Multi30k (data/multi30k)")
    parser.add_argument("--device", choices=["gpu", "cpu"], default="gpu")
    parser.add_argument("--gpus", type=int, default=1, help="GPUs of the workflow's training (1)")
    parser.add_argument("--threads", type=int, default=4, help="CPU threads (4)")
    parser.add_argument("--updates", type=int, default=8000, help="updates of the workflow's training (8000)")
    parser.add_argument("--max-tokens", type=int, default=8192, help="tokens of a batch (8192)")
    parser.add_argument("--width", type=int, default=512, help="model width (512)")
    parser.add_argument("--layers", type=int, default=6, help="layers of each side (6)")
    parser.add_argument("--vocabulary", type=int, default=8000, help="SentencePiece size (8000)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tables(arguments.text, folder)
        run(
            "vocab/train_vocab.py",
            *("--pretrain", folder / "train.tsv", "--model-type", "unigram", "--size", arguments.vocabulary),
            *("--character-coverage", 1, "--model", folder / "spm.model", "--dictionary", folder / "dict.txt"),
        )
        ours = train(folder, arguments)
        plain = plain_loop(folder, arguments.vocabulary, arguments)
        peak = matrix_peak("cuda" if arguments.device == "gpu" else "cpu")
        limit = peak / operations_per_target_token(arguments.vocabulary, folder, arguments)
    print(
        f"workflow, {arguments.gpus} {arguments.device}: {ours['tokens']:,.0f} target tokens/s, BLEU {ours['bleu']:.1f}"
    )
    print(f"GPU while it trained: {ours['percent']:.0f} % busy, at most {ours['megabytes']:,.0f} MB")
    print(
        f"plain PyTorch loop, one {arguments.device}: {plain:,.0f} target tokens/s, {ours['tokens'] / plain:.2f} of it"
    )
    print(f"limit of one by its matrix products, {peak / 1e12:,.1f} TFLOP/s: {limit:,.0f} target tokens/s")
    print(f"reached: {ours['tokens'] / limit / arguments.gpus:.1%} of it a {arguments.device}")


if __name__ == "__main__":
    main()
