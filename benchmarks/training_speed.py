"""Measure what each lever of ``workflow/scripts/train/fairseq_fast`` is worth on this machine.

Trains stock fairseq and then the module, one lever after another, for the same number of updates
on the same parallel text, one thread each, and prints target tokens per CPU second (user and
system) of the training steps, start-up left out, and the ratio to stock. `these` are
all levers in float32, in the workflow's environment. Nothing is asserted:
times depend on the machine. Run it from the repository root, in an environment with fairseq,
sentencepiece and torch, on a table with a header line and the columns id, source and target::

    python benchmarks/training_speed.py results/corpus/pretrain.tsv --updates 150

``tcmalloc`` is measured if the library is installed (Debian: libtcmalloc-minimal4).
"""

import argparse
import csv
import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import sentencepiece

REPOSITORY = Path(__file__).resolve().parents[1]
USER_DIR = REPOSITORY / "workflow" / "scripts" / "train" / "fairseq_fast"
START_UP_UPDATES = 5
"""Updates of the run that is subtracted, so that neither imports nor first steps count."""

STOCK = ["--optimizer", "adam", "--criterion", "label_smoothed_cross_entropy"]
ADAMW = ["--user-dir", str(USER_DIR), "--optimizer", "fused_adamw"]
FUSED = [*ADAMW, "--criterion", "fused_label_smoothed_cross_entropy"]
GLIBC = {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=4294967296"}


def levers() -> dict[str, tuple[list[str], dict[str, str]]]:
    """Return the variants in the order of measurement: options and environment by name."""
    these = [*FUSED, "--fast-dropout"]
    medium = ["--matmul-precision", "medium"]
    variants: dict[str, tuple[list[str], dict[str, str]]] = {
        "stock": (STOCK, {}),
        "fused_adamw": ([*ADAMW, *STOCK[2:]], {}),
        "+ fused loss": (FUSED, {}),
        "+ fast dropout": (these, {}),
        "+ glibc tunables": (these, GLIBC),
        "these + medium": ([*these, *medium], GLIBC),
        "these + bf16": ([*these, "--autocast", "bf16"], GLIBC),
        "these + bf16 + medium": ([*these, "--autocast", "bf16", *medium], GLIBC),
    }
    found = sorted(Path("/usr/lib").glob("*/libtcmalloc_minimal.so.4"))
    if found:
        variants["+ tcmalloc"] = (these, {"LD_PRELOAD": str(found[0])})
    return variants


def binarize(table: Path, folder: Path, vocabulary: int) -> Path:
    """Segment and binarize the pairs of `table` below `folder`; return fairseq's data folder."""
    with table.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        pairs = [(row["source"], row["target"]) for row in reader]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(text for pair in pairs for text in pair),
        model_prefix=str(folder / "spm"),
        vocab_size=vocabulary,
        minloglevel=2,
    )
    model = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spm.model"))
    for side, suffix in enumerate(("src", "tgt")):
        with (folder / f"train.{suffix}").open("w", encoding="utf-8") as out:
            for pair in pairs:
                out.write(" ".join(model.encode(pair[side], out_type=str)) + "\n")
    command = ["fairseq-preprocess", "-s", "src", "-t", "tgt", "--joined-dictionary"]
    command += ["--trainpref", str(folder / "train"), "--destdir", str(folder / "bin")]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "bin"


def train(
    data: Path,
    updates: int,
    arguments: argparse.Namespace,
    variant: list[str],
    environment: dict[str, str],
) -> tuple[float, float]:
    """Train for `updates` updates; return CPU seconds and target tokens seen, start-up included."""
    width = str(arguments.width)
    feed_forward = str(2 * arguments.width)
    command = ["fairseq-train", str(data), "--task", "translation", "--arch", "transformer"]
    for side in ("encoder", "decoder"):
        command += [f"--{side}-layers", str(arguments.layers), f"--{side}-embed-dim", width]
        command += [f"--{side}-ffn-embed-dim", feed_forward, f"--{side}-attention-heads", "4"]
        command += [f"--{side}-normalize-before"]
    command += ["--share-all-embeddings", "--dropout", "0.1", "--label-smoothing", "0.1"]
    command += ["--adam-betas", "(0.9,0.98)", "--clip-norm", "1", "--lr", "0.002"]
    command += ["--lr-scheduler", "inverse_sqrt", "--warmup-updates", "200", "--seed", "1"]
    command += ["--max-tokens", str(arguments.max_tokens), "--max-update", str(updates)]
    command += ["--required-batch-size-multiple", "1", "--num-workers", "0", "--cpu"]
    # Even with --no-save, fairseq makes the folder of its checkpoints.
    command += ["--save-dir", str(data.parent / "checkpoints"), "--no-save"]
    command += ["--disable-validation", "--log-interval", "1000000"]
    command += ["--log-format", "json", *variant]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}{done.stdout[-3000:]}")
    per_batch = re.findall(r'"train_wpb": "([0-9.]+)"', done.stderr + done.stdout)
    seconds = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return seconds, updates * float(per_batch[-1])


def main() -> None:
    """Read the arguments, measure every lever, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="TSV with the columns id, source and target")
    parser.add_argument("--updates", type=int, default=150, help="updates measured (150)")
    parser.add_argument("--layers", type=int, default=2, help="layers of each side (2)")
    parser.add_argument("--width", type=int, default=192, help="model width (192)")
    parser.add_argument("--max-tokens", type=int, default=1024, help="tokens a batch (1024)")
    parser.add_argument("--vocabulary", type=int, default=2000, help="SentencePiece size (2000)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = binarize(arguments.table, Path(folder), arguments.vocabulary)
        print(f"{'lever':22} {'tokens/CPU s':>12} {'ratio':>6} {'start-up, CPU s':>15}")
        stock = None
        for name, (variant, environment) in levers().items():
            short, few = train(data, START_UP_UPDATES, arguments, variant, environment)
            updates = START_UP_UPDATES + arguments.updates
            long, many = train(data, updates, arguments, variant, environment)
            speed = (many - few) / (long - short)
            stock = stock or speed
            print(f"{name:22} {speed:12,.0f} {speed / stock:6.2f} {short:15.1f}", flush=True)


if __name__ == "__main__":
    main()
