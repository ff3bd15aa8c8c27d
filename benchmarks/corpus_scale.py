"""Measure what a large corpus takes: seconds and highest memory of every rule up to a training, at several sizes.

Run from the repository root in the workflow's environment, on an idle machine::

    .venv/bin/python benchmarks/corpus_scale.py --pairs 20000 200000 2000000

For each size it makes up a German-English corpus and the text of two generators, writes a study with orders by quality
and by likeness to human text, and runs its corpus, generated text, quality, detectors, analysis, datasets,
vocabulary and one training on half of the pool, of a tiny model and two updates only: what it takes besides is its
data. Words follow Zipf's law; they are those of the fake LLM's dictionary and compounds of them.

Seconds are those of Snakemake's benchmark files. On a machine with other work they say little, so the processor's
seconds are next to them. These and the memory are the kernel's own counts, looked up while a job runs; Snakemake looks
at long jobs twice a minute only. A rule that runs several times counts with its dearest job. Ends with 1 where a rule
took more than ``--most`` MB. ``--folder`` keeps everything, and a second run goes on there.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import itertools
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
import yaml

DICTIONARY = Path("fake_llm/dictionary.tsv")
BLOCK = 10_000  # pairs that are made up at a time
WORDS = 60_000
LENGTHS = (5, 35)  # words of a sentence
LEARNER = {
    "arch": "transformer",
    **{f"{part}-layers": 1 for part in ("encoder", "decoder")},
    **{f"{part}-embed-dim": 32 for part in ("encoder", "decoder")},
    "share-all-embeddings": True,
    "optimizer": "adam",
    "lr": 0.001,
    "criterion": "label_smoothed_cross_entropy",
    "max-tokens": 1000,
    "max-update": 2,
}
# Of each generator: the share of words that it leaves out, the share that it takes for more frequent ones.
GENERATORS = {"strong": (0.02, 0.1), "weak": (0.05, 0.4)}
SECONDS_BETWEEN_LOOKS = 0.5


class Lexicon(NamedTuple):
    """Words of both languages that translate each other, the most frequent first, and their frequencies summed up."""

    source: np.ndarray
    target: np.ndarray
    cumulated: np.ndarray


class Cost(NamedTuple):
    """What the dearest job of a rule took: seconds on the clock and of the processor, memory in MB."""

    seconds: float = 0.0
    processor: float = 0.0
    megabytes: float = 0.0

    def or_more(self, other: Cost) -> Cost:
        """The larger of each figure."""
        return Cost(*map(max, self, other))


def read_lexicon(rng: np.random.Generator) -> Lexicon:
    """The dictionary's words in a random order, then compounds of two of them."""
    rows = [line.split("\t") for line in DICTIONARY.read_text(encoding="utf-8").splitlines()]
    pairs = [(row[0], row[1].replace(" ", "")) for row in rows if len(row) == 2]
    rng.shuffle(pairs)
    words = dict(pairs)
    while len(words) < WORDS:
        (first, one), (second, other) = (pairs[place] for place in rng.integers(len(pairs), size=2))
        words.setdefault(f"{first}{second}", f"{one}{other}")
    frequencies = 1 / (np.arange(WORDS) + 2.7)
    cumulated = np.cumsum(frequencies) / frequencies.sum()
    return Lexicon(np.array(list(words), object), np.array(list(words.values()), object), cumulated)


def sentence(words: np.ndarray) -> str:
    """Words as a sentence."""
    text = " ".join(words)
    return f"{text[:1].upper()}{text[1:]}."


def made_up(count: int, seed: int) -> Iterator[tuple[str, ...]]:
    """Yield the source, the human target and each generator's target of ``count`` pairs."""
    rng = np.random.default_rng(seed)
    lexicon = read_lexicon(rng)
    for start in range(0, count, BLOCK):
        lengths = rng.integers(*LENGTHS, size=min(BLOCK, count - start), endpoint=True)
        ends = np.cumsum(lengths)
        words = np.searchsorted(lexicon.cumulated, rng.random(ends[-1]))
        versions = []
        for left_out, simpler in GENERATORS.values():
            chosen = np.where(rng.random(len(words)) < simpler, words // 2, words)
            versions.append((chosen, rng.random(len(words)) >= left_out))
        for begin, end in zip(ends - lengths, ends, strict=True):
            places = slice(begin, end)
            generated = (sentence(lexicon.target[chosen[places][kept[places]]]) for chosen, kept in versions)
            yield sentence(lexicon.source[words[places]]), sentence(lexicon.target[words[places]]), *generated


def write_texts(folder: Path, count: int) -> None:
    """Write the made-up corpus and generated text, one file each."""
    names = ["source", "human", *GENERATORS]
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context((folder / f"{name}.txt").open("w", encoding="utf-8")) for name in names]
        for texts in made_up(count, seed=1):
            for file, text in zip(files, texts, strict=True):
                file.write(text + "\n")


def study(folder: Path, count: int) -> dict[str, object]:
    """A study of the made-up corpus: nine tenths of it are the pool; a part is left for what cleaning drops."""
    strong, weak = GENERATORS
    pool = count * 9 // 10
    return {
        "results": str(folder / "results"),
        "languages": {"source": "de", "target": "en"},
        "corpus": {
            "kind": "files",
            "files": {"train": {"source": str(folder / "source.txt"), "target": str(folder / "human.txt")}},
        },
        "splits": {"pretrain": count // 20, "pool": pool, "valid": 300, "test": 300},
        "vocab": {"size": 2000},
        "learners": {"tiny": {"kind": "fairseq", "options": LEARNER}},
        "generators": {name: {"provider": "files", "targets": str(folder / f"{name}.txt")} for name in GENERATORS},
        "quality": {
            "oracle": {"metric": "oracle"},
            "length": {"metric": "length"},
            "language": {"metric": "language", "generators": [strong]},
            "consensus": {"metric": "consensus", "generators": [strong]},
            "blend": {"metric": "rank_average", "of": ["language", "consensus"], "generators": [strong]},
        },
        "conditions": {
            "human": {"mixture": {"human": 1}},
            "strong": {"mixture": {strong: 1}},
            "mixed": {"mixture": {"human": 0.4, strong: 0.3, weak: 0.3}},
            "best-first": {"mixture": {strong: 1}, "order": "quality:blend"},
            "by-length": {"mixture": {strong: 0.5, weak: 0.5}, "order": "quality:length"},
            "by-oracle": {"mixture": {strong: 1}, "order": "quality:oracle"},
            "by-human": {"mixture": {strong: 1}, "order": "human_like"},
        },
        # What takes as long at every size is kept short, without a change of its memory.
        "analysis": {"diversity": {"swaps": 250}},
        # At the whole pool all orders are one.
        "sizes": [pool // 2],
    }


def measure(folder: Path, count: int, cores: int) -> dict[str, Cost]:
    """Make the study of ``count`` pairs in ``folder``, run it, and return what each rule took."""
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "study.yaml"
    if not configuration.exists():
        write_texts(folder, count)
        configuration.write_text(yaml.safe_dump(study(folder, count), sort_keys=False))
    looks = folder / "looks.tsv"
    model = f"{folder}/results/runs/tiny/human.random/{study(folder, count)['sizes'][0]}/1/model.pt"
    for target in (["--until", "build_dataset", "score_generator", "train_vocab"], ["analysis"], [model]):
        run_watched(["--configfile", str(configuration), "--cores", str(cores), *target], looks)
    costs = read_looks(looks)
    benchmarks = folder / "results" / "benchmarks"
    for path in benchmarks.rglob("*.tsv"):
        rule = path.relative_to(benchmarks).parts[0]
        with path.open(encoding="utf-8", newline="") as file:
            row = next(csv.DictReader(file, delimiter="\t"))
        seen = [float(row[name]) if row[name] not in ("-", "NA") else 0.0 for name in ("s", "cpu_time", "max_rss")]
        costs[rule] = costs.get(rule, Cost()).or_more(Cost(*seen))
    return costs


def run_watched(arguments: list[str], looks: Path) -> None:
    """Run Snakemake and add what its jobs took to a table ``rule processor megabytes``."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    process = subprocess.Popen([sys.executable, "-m", "snakemake", "--quiet", "all", *arguments], env=environment)
    taken: dict[tuple[str, int], Cost] = {}
    ended = threading.Event()
    watcher = threading.Thread(target=watch, args=(process.pid, taken, ended))
    watcher.start()
    status = process.wait()
    ended.set()
    watcher.join()
    with looks.open("a", encoding="utf-8") as file:
        file.writelines(f"{rule}\t{cost.processor:.2f}\t{cost.megabytes:.1f}\n" for (rule, _), cost in taken.items())
    if status:
        sys.exit(f"snakemake ended with {status}")


def watch(pid: int, taken: dict[tuple[str, int], Cost], ended: threading.Event) -> None:
    """Keep what every job below a process has taken, by rule and the job's own process, until ``ended``."""
    while not ended.wait(SECONDS_BETWEEN_LOOKS):
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(pid).children(recursive=True):
                with contextlib.suppress(psutil.Error, OSError):
                    rule = re.search(r"/logs/(\w+)/", " ".join(child.cmdline()))
                    most = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{child.pid}/status").read_text())
                    if rule and most:
                        times = child.cpu_times()
                        cost = Cost(0.0, times.user + times.system, int(most[1]) * 1024 / 10**6)
                        taken[rule[1], child.pid] = taken.get((rule[1], child.pid), Cost()).or_more(cost)


def read_looks(table: Path) -> dict[str, Cost]:
    """What the dearest job of each rule took, as :func:`run_watched` saw it."""
    costs: dict[str, Cost] = {}
    for line in table.read_text(encoding="utf-8").splitlines():
        rule, *figures = line.split("\t")
        costs[rule] = costs.get(rule, Cost()).or_more(Cost(0.0, *map(float, figures)))
    return costs


def print_table(sizes: list[int], costs: list[dict[str, Cost]]) -> None:
    """Print a row a rule: what it took at each size, and how the processor's seconds grew from the size before."""
    heads = [f"{size:,}: s | CPU s | MB" for size in sizes]
    growths = [f"CPU s at {large / small:g} times as many" for small, large in itertools.pairwise(sizes)]
    print(f"| rule | {' | '.join([*heads, *growths])} |")
    print("|" + "---|" * (1 + 3 * len(heads) + len(growths)))
    for rule in sorted(costs[-1], key=lambda rule: -costs[-1][rule].processor):
        found = [cost.get(rule, Cost()) for cost in costs]
        cells = [f"{cost.seconds:.0f} | {cost.processor:.1f} | {cost.megabytes:.0f}" for cost in found]
        pairs = itertools.pairwise(found)
        grown = [f"× {after.processor / before.processor:.1f}" if before.processor else "" for before, after in pairs]
        print(f"| `{rule}` | {' | '.join([*cells, *grown])} |")


def main() -> None:
    """Measure each size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, nargs="+", default=[20_000, 200_000], help="sizes of the corpus")
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--most", type=float, default=4000, help="MB that no rule may exceed")
    parser.add_argument("--folder", type=Path, help="where everything is kept; left out: a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        costs = [measure(folder / str(count), count, arguments.cores) for count in arguments.pairs]
    print_table(arguments.pairs, costs)
    largest = max(((cost.megabytes, rule) for found in costs for rule, cost in found.items()), default=(0, ""))
    if largest[0] > arguments.most:
        sys.exit(f"{largest[1]} took {largest[0]:.0f} MB, more than {arguments.most:.0f}")


if __name__ == "__main__":
    main()
