"""Compare the two engines that translate, fairseq and CTranslate2, on a model of a finished study: BLEU and time.

Run from the repository root in the workflow's environment, after the study::

    .venv/bin/python benchmarks/decoding.py results/runs/transformer/human.random/6400/1
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from models.engines import Model
from models.translation import DecodingSettings, translate
from workbench.tables import read_rows

SETTINGS = {
    "beam": 5,
    "length_penalty": 1.0,
    "sampling": False,
    "temperature": 1.0,
    "max_length_factor": 2.0,
    "batch_tokens": 4096,
    "seed": 1,
    "device": "cpu",
    "max_pieces": 256,
}


def main() -> None:
    """Print BLEU and seconds of each engine and how many outputs are the same."""
    import sacrebleu

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a run")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    results = arguments.run.parents[4]
    model = Model(
        arguments.run / "model.pt",
        arguments.run / "ctranslate2",
        results / "vocab" / "spm.model",
        results / "vocab" / "dict.txt",
    )
    rows = list(read_rows(results / "corpus" / "test.tsv", ["source", "target"]))
    outputs = {}
    for engine in ("fairseq", "ctranslate2"):
        started = time.monotonic()
        settings = DecodingSettings(engine=engine, **SETTINGS)
        translations = translate(model, [source for source, _ in rows], settings, arguments.threads)
        outputs[engine] = [translation.text for translation in translations]
        bleu = sacrebleu.corpus_bleu(outputs[engine], [[target for _, target in rows]]).score
        print(f"{engine}: BLEU {bleu:.2f}, {time.monotonic() - started:.1f} s, imports included")
    same = sum(a == b for a, b in zip(*outputs.values(), strict=True))
    print(f"{same:,} of {len(rows):,} outputs are the same")


if __name__ == "__main__":
    main()
