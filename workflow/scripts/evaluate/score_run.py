"""Score the translations of the test set with sacreBLEU, as a corpus and segment by segment.

Three files are written: the segments (``id source reference hypothesis`` and a column of sentence scores for each
metric); the sufficient statistics of each segment, from which the scores of resamples are computed (``id`` and numbered
columns for each metric, such as ``bleu_1``); and the corpus scores with their signatures, as JSON.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stats.metrics import Scorer, add_metric_arguments, build_scorers, write_counts
from workbench.cli import run_script, say, script_parser
from workbench.files import write_json
from workbench.segments import TestSet, read_generated, read_hypotheses, read_test_set
from workbench.tables import score_text, write_rows


def main(arguments: argparse.Namespace) -> None:
    """Score one file of translations."""
    scorers = build_scorers(arguments.metrics, arguments.metric_options, arguments.target_language)
    if arguments.generated:
        test, hypotheses = read_generated(arguments.hypotheses, arguments.references)
    else:
        test = read_test_set(arguments.references)
        hypotheses = read_hypotheses(arguments.hypotheses, test)
    counts = {scorer.name: scorer.statistics(hypotheses, test.references) for scorer in scorers}

    write_counts(arguments.statistics, test.ids, counts)
    write_segments(arguments.segments, test, hypotheses, scorers, counts)
    scores = corpus_scores(scorers, counts)
    write_json(arguments.scores, {"sentences": len(test.ids), "metrics": scores})
    figures = ", ".join(f"{entry['name']} {entry['score']:.2f}" for entry in scores.values())
    empty = sum(not text for text in hypotheses)
    say(f"{figures} on {len(test.ids):,} sentences" + (f", {empty:,} of them empty" if empty else ""))


def corpus_scores(scorers: list[Scorer], counts: dict[str, np.ndarray]) -> dict[str, dict[str, str | float]]:
    """For each metric: its name, the corpus score, the better direction, the signature and details."""
    result: dict[str, dict[str, str | float]] = {}
    for scorer in scorers:
        score = scorer.score(counts[scorer.name].sum(axis=0))
        result[scorer.name] = {
            "name": score.name,
            "score": round(score.score, 4),
            "better": scorer.better,
            "signature": scorer.corpus.get_signature().format(),
            "details": score._verbose.strip(),
        }
    return result


def write_segments(
    path: Path, test: TestSet, hypotheses: Sequence[str], scorers: list[Scorer], counts: dict[str, np.ndarray]
) -> None:
    """Write each segment with its sentence scores, from a metric's ``counts`` of shape (segments, counts)."""
    columns = ["id", "source", "reference", "hypothesis", *(scorer.name for scorer in scorers)]
    scores = (map(score_text, map(scorer.sentence_score, counts[scorer.name])) for scorer in scorers)
    write_rows(path, columns, zip(test.ids, test.sources, test.references, hypotheses, *scores, strict=True))


PARSER = script_parser(__doc__)
PARSER.add_argument("--hypotheses", type=Path, required=True, help="table with id and text")
PARSER.add_argument("--references", type=Path, required=True, help="table with id, source and target")
PARSER.add_argument("--generated", action="store_true", help="generated text, which may lack some segments")
add_metric_arguments(PARSER)
PARSER.add_argument("--segments", type=Path, required=True, help="output: segments with their scores")
PARSER.add_argument("--statistics", type=Path, required=True, help="output: sufficient statistics")
PARSER.add_argument("--scores", type=Path, required=True, help="output: corpus scores, JSON")


if __name__ == "__main__":
    run_script(PARSER, main)
