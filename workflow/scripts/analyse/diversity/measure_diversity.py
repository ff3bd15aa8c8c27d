"""Measure the lexical diversity of a text and of the human text of the same segments, at equal numbers of words.

The text may have several versions, one for each seed of a run. Values and differences are then means over them, and one
draw decides for all versions whether a segment's targets are exchanged. docs/diversity.md explains every measure.
"""

import argparse
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from analyse.diversity.comparison import MEASURES, DiversityComparison, DiversitySettings
from analyse.diversity.tokenization import word_splitter
from stats.metrics import build_scorers
from stats.significance import draw_swaps, randomisation_test
from workbench.cli import UserError, progress, run_script, say, script_parser
from workbench.draws import draw_names
from workbench.generated import read_targets
from workbench.languages import tokenizer_without_mecab
from workbench.tables import p_text, score_text, write_rows

# seeds: versions of the text; tokens: words of each text that are compared; chrf: against the human text, in points.
COLUMNS = (
    *("seeds", "measure", "tokens", "value", "human", "difference", "difference_low", "difference_high", "p_value"),
    *("better", "chrf"),
)
_BATCH = 250  # swaps that are measured at a time


def main(arguments: argparse.Namespace) -> None:
    """Write the table of one text."""
    settings = DiversitySettings(**json.loads(arguments.settings))
    human = read_targets(arguments.references)
    versions = [read_targets(path) for path in arguments.text]
    ids = [name for name in human if all(name in version for version in versions)]
    if not ids:
        raise UserError(f"{arguments.text[0]}: holds no segment of {arguments.references}; delete the older file")
    if len(ids) < len(human):
        say(f"{len(human) - len(ids):,} of {len(human):,} segments have no target in the text and are left out")
    split = word_splitter(settings.tokenize or tokenizer_without_mecab(arguments.target_language))
    order, (reference, *texts) = split_enough(
        [human, *versions], draw_names(ids, None, arguments.seed, "diversity"), split, settings.tokens
    )
    places = {name: place for place, name in enumerate(ids)}
    comparisons = compare(texts, reference, [places[name] for name in order], settings)
    rows = measured_rows(comparisons, draw_swaps(len(order), settings.swaps, arguments.seed))
    chrf = score_text(mean_chrf(versions, human, order, arguments.target_language))
    write_rows(arguments.output, COLUMNS, ([len(versions), *row, chrf] for row in rows))
    clear = sum(row[-2] != "" and float(row[-2]) < 0.05 for row in rows)
    say(
        f"{clear} of {len(rows)} measures differ from the human text with p < 0.05 "
        f"({comparisons[0].tokens:,} words of each)"
    )


def split_enough(
    texts: Sequence[Mapping[str, str]], order: Sequence[str], split: Callable[[str], list[str]], tokens: int
) -> tuple[list[str], list[list[list[str]]]]:
    """Split the segments of each text into words, in ``order``, until each text has enough for ``tokens`` words.

    The first text is the one that the others are compared with.

    Returns:
        The ids of these segments, and the words of each segment of each text.
    """
    kept: list[str] = []
    words: list[list[list[str]]] = [[] for _ in texts]
    counts = [0] * (len(texts) - 1)
    for name in order:
        if min(counts) >= tokens:
            break
        kept.append(name)
        for place, text in enumerate(texts):
            words[place].append(split(text[name]))
        counts = [count + min(len(words[0][-1]), len(text[-1])) for count, text in zip(counts, words[1:], strict=True)]
    return kept, words


def compare(
    texts: Sequence[list[list[str]]], human: list[list[str]], reading: list[int], settings: DiversitySettings
) -> list[DiversityComparison]:
    """Each version of a text with the human text, all of them cut to the same number of words."""
    shorter = [sum(min(len(a), len(b)) for a, b in zip(text, human, strict=True)) for text in texts]
    cut = replace(settings, tokens=min(settings.tokens, *shorter))
    return [DiversityComparison(text, human, reading, cut) for text in texts]


def measured_rows(comparisons: Sequence[DiversityComparison], swaps: np.ndarray) -> list[list[str]]:
    """The row of every measure, without the columns ``seeds`` and ``chrf``."""
    batches = [swaps[start : start + _BATCH] for start in range(0, len(swaps), _BATCH)]
    values = np.concatenate(
        [
            np.mean([comparison.values(batch) for comparison in comparisons], axis=0)
            for batch in progress(batches, len(batches), "batches of swaps")
        ]
    )
    rows = []
    for number, (name, better) in enumerate(MEASURES.items()):
        text, human = (None if math.isnan(value) else float(value) for value in values[0, number])
        test = randomisation_test(values[:, number, 0] - values[:, number, 1])
        difference = (test.value, test.low, test.high) if test else (None, None, None)
        cells = [score_text(value) for value in (text, human, *difference)]
        rows.append([name, str(comparisons[0].tokens), *cells, p_text(test.p_value if test else None), better])
    return rows


def mean_chrf(versions: Sequence[Mapping[str, str]], human: Mapping[str, str], ids: list[str], language: str) -> float:
    """Mean corpus chrF of the versions against the human text, in points, with sacreBLEU's defaults."""
    (scorer,) = build_scorers(["chrf"], {}, language)
    scores = [scorer.corpus_score((version[name], human[name]) for name in ids) for version in versions]
    return sum(scores) / len(scores)


PARSER = script_parser(__doc__)
PARSER.add_argument("--text", type=Path, nargs="+", required=True, help="table with id and text, one per seed")
PARSER.add_argument("--references", type=Path, required=True, help="human targets of the segments (id target)")
PARSER.add_argument("--target-language", required=True, help="ISO code of the language of the text")
PARSER.add_argument("--settings", required=True, help="JSON: analysis.diversity")
PARSER.add_argument("--seed", type=int, required=True, help="seed of the order of segments and of the swaps")
PARSER.add_argument("--output", type=Path, required=True, help="table to write")


if __name__ == "__main__":
    run_script(PARSER, main)
