"""Count how the checks of LLMs' answers classify human translations, in which they should find nothing.

Each pair of files is read in both directions. Run from the repository root, with aligned files that may be gzipped::

    .venv/bin/python benchmarks/human_outcomes.py de en data/train.de data/train.en data/test.de data/test.en

Prints a table in Markdown, and with ``--show`` each text that is not ``ok``; ``docs/robustness.md`` has its sum.
``--scripts`` counts with the code of another checkout.
"""

from __future__ import annotations

import argparse
import gzip
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parents[1] / "workflow" / "scripts"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("languages", nargs=2, help="codes of the languages of the two sides")
    parser.add_argument("files", nargs="+", type=Path, help="aligned files, one after the other")
    parser.add_argument("--margin", type=float, default=20, help="how many times likelier another language must be")
    parser.add_argument("--show", action="store_true", help="print what is not ok")
    parser.add_argument("--scripts", type=Path, default=HERE, help="workflow/scripts of the code to use")
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.scripts))
    rows = []
    for left, right in zip(arguments.files[::2], arguments.files[1::2], strict=True):
        for step in (1, -1):
            languages, (source, target) = arguments.languages[::step], (left, right)[::step]
            pairs = list(zip(lines(source), lines(target), strict=True))
            counts = count(pairs, languages, arguments.margin, arguments.show)
            rows.append((f"{source.name} → {target.name}", len(pairs), counts))
    outcomes = sorted({outcome for *_, counts in rows for outcome in counts} - {"ok"})
    print("| text | pairs |", " | ".join(f"`{outcome}`" for outcome in outcomes), "|")
    print("|---|---|" + "---|" * len(outcomes))
    for name, pairs_read, counts in rows:
        print(f"| {name} | {pairs_read:,} |", " | ".join(str(counts[outcome]) for outcome in outcomes), "|")


def lines(path: Path) -> list[str]:
    """The lines of a file."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file]


def count(pairs: list[tuple[str, str]], languages: list[str], margin: float, show: bool) -> Counter[str]:
    """How often each outcome occurs in pairs of a source and a human target."""
    from llm.answers.outcomes import classify_text, standards
    from llm.prompts import Languages
    from workbench.text import one_line

    counts: Counter[str] = Counter()
    judged_by = standards(Languages(*languages), margin)
    for source, target in pairs:
        verdict = classify_text(target, one_line(source), "", judged_by)
        counts[str(verdict.outcome)] += 1
        if show and verdict.outcome != "ok":
            print(verdict.outcome, verdict.detail, source, target, sep="\t", file=sys.stderr)
    return counts


if __name__ == "__main__":
    main()
