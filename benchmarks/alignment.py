"""False alarms of the alignment check on real text, and the displaced pairs that it finds.

Run from the repository root in the workflow's environment, with a pair of line-aligned files for each text::

    .venv/bin/python benchmarks/alignment.py --text news data/news.de data/news.en

Repeated pairs are left out. Aligned pairs are given to the check as a corpus is, 10,000 at a time: every doubt is a
false alarm. *Letters replaced* is the same with Greek letters for all Latin ones of the target, so that the two sides
share no word. *Slips* are 1,000 pairs whose targets lose or double one to three lines at a random place: how many are
found, and how far from that place at most. *Short files* are 10, 20 or 40 pairs whose targets are rotated by one: the
share that is found. *Stretches* are the same with 100 to 200 aligned pairs before and after.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from corpus.parallel_text import read_aligned
from workbench.alignment import doubt

Pairs = list[tuple[str, str]]
SHIFTS = (-3, -2, -1, 1, 2, 3)  # lines that are lost (-) or doubled (+)
STRETCHES = (10, 20, 40, 80)
AROUND, SLIPPED = 200, 1000  # most pairs before and after a stretch, and pairs of a text that slips


def greek(text: str) -> str:
    """``text`` in other letters."""
    return "".join(chr(0x3B1 + ord(c.lower()) % 24) if c.isascii() and c.isalpha() else c for c in text)


def slips(pairs: Pairs, shift: int, draws: int, rng: random.Random) -> Iterator[int | None]:
    """How far from the place of each slip the check found it; None if it did not."""
    for _ in range(draws):
        start, place = rng.randrange(len(pairs) - SLIPPED - 3), rng.randrange(100, SLIPPED - 100)
        sources, texts = zip(*pairs[start : start + SLIPPED + 3], strict=True)
        slipped = (*texts[:place], *texts[place - shift :])
        found = doubt(sources[:SLIPPED], slipped[:SLIPPED])
        yield abs(found.place - place) if found else None


def found_stretches(pairs: Pairs, size: int, around: int, draws: int, rng: random.Random) -> float:
    """The share of rotated stretches, with up to ``around`` aligned pairs before and after them, that raise a doubt."""
    found = 0
    for _ in range(draws):
        start, before = rng.randrange(len(pairs) - size - 2 * around), rng.randint(around // 2, around)
        sources, texts = zip(*pairs[start : start + before + size + around], strict=True)
        last = before + size - 1
        rotated = (*texts[:before], texts[last], *texts[before:last], *texts[last + 1 :])
        found += doubt(sources, rotated) is not None
    return found / draws


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", nargs=3, action="append", required=True, metavar=("NAME", "SOURCE", "TARGET"))
    parser.add_argument("--draws", type=int, default=100, help="stretches of each size; a tenth of it for each slip")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    heads = "text | rows | distinct pairs | false alarms | letters replaced | slips found | farthest"
    print(f"| {heads} | short files found | stretches found |\n{9 * '|---'}|")
    for name, *files in arguments.text:
        rng = random.Random(arguments.seed)
        rows = list(read_aligned(*map(Path, files), 1 << 16))
        pairs = list(dict.fromkeys(pair for pair in rows if all(pair)))
        chunks = [tuple(zip(*pairs[n : n + 10_000], strict=True)) for n in range(0, len(pairs), 10_000)]
        alarms = [sum(doubt(*chunk) is not None for chunk in chunks)]
        alarms.append(sum(doubt(sources, [*map(greek, texts)]) is not None for sources, texts in chunks))
        distances = [d for shift in SHIFTS for d in slips(pairs, shift, arguments.draws // 10, rng)]
        hits = [distance for distance in distances if distance is not None]
        shares = [
            ", ".join(f"{found_stretches(pairs, n, around, arguments.draws, rng):.0%} of {n}" for n in STRETCHES)
            for around in (0, AROUND)
        ]
        print(
            f"| {name} | {len(rows):,} | {len(pairs):,} | {alarms[0]} | {alarms[1]} | {len(hits)} of {len(distances)} "
            f"| {max(hits, default=0)} | {' | '.join(shares)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
