"""Test each condition against the baseline on the same test set with sacreBLEU's own paired test.

One learner, size and seed at a time. The test uses the sufficient statistics that ``score_run`` wrote, and scores
nothing again. The figures are those of ``sacrebleu REFERENCE -i BASELINE CONDITION... --paired-bs`` (or
``--paired-ar``), with one exception. If the statistics of a condition equal the baseline's in every segment, sacreBLEU
gives the pair its smallest p-value; here the p-value is 1.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
from sacrebleu.metrics.base import Metric
from sacrebleu.significance import PairedTest, Result

from evaluate.results import Comparison
from stats.metrics import CountedMetric, Scorer, SegmentCounts, add_metric_arguments, build_scorers, read_counts
from workbench.cli import UserError, named_files, run_script, say, script_parser
from workbench.records import write_records

TESTS = {"bootstrap": "bs", "randomization": "ar"}


class PairedTestResult(NamedTuple):
    """The result of a paired test of one file against the baseline by one metric."""

    score: float
    baseline_score: float
    difference: float
    p_value: float
    signature: str


def main(arguments: argparse.Namespace) -> None:
    """Compare the conditions of one learner, size and seed."""
    paths = named_files("--statistics", arguments.statistics)
    if arguments.baseline not in paths:
        raise UserError(f"--baseline {arguments.baseline}: not among the conditions given; allowed: {', '.join(paths)}")
    scorers = build_scorers(arguments.metrics, arguments.metric_options, arguments.target_language)
    counts: dict[Path, SegmentCounts] = {}
    for path in paths.values():
        if path not in counts:
            counts[path] = read_counts(path, arguments.metrics, like=next(iter(counts.values()), None))
    results = compare(
        {path: table.metrics for path, table in counts.items()},
        paths[arguments.baseline],
        scorers,
        test=arguments.test,
        samples=arguments.samples,
        seed=arguments.resampling_seed,
        threads=arguments.threads,
    )
    rows = [
        Comparison(
            learner=arguments.learner,
            size=arguments.size,
            seed=arguments.seed,
            metric=scorer.name,
            condition=condition,
            baseline=arguments.baseline,
            test=arguments.test,
            samples=arguments.samples,
            **results[path, scorer.name]._asdict(),
        )
        for scorer in scorers
        for condition, path in paths.items()
        if condition != arguments.baseline
    ]
    write_records(arguments.comparisons, Comparison, rows, leave_out=["p_holm"])
    clear = sum(row.p_value < 0.05 for row in rows)
    say(f"{clear} of {len(rows)} comparisons with {arguments.baseline} have p < 0.05")


def compare(
    counts: Mapping[Path, Mapping[str, np.ndarray]],
    baseline: Path,
    scorers: Sequence[Scorer],
    *,
    test: str,
    samples: int,
    seed: int,
    threads: int,
) -> dict[tuple[Path, str], PairedTestResult]:
    """Run sacreBLEU's paired test of all ``counts`` against those of ``baseline``, by file and metric.

    Raises:
        UserError: ``seed`` is not positive (sacreBLEU takes 0 for "no seed").
    """
    if seed < 1:
        raise UserError(f"--resampling-seed {seed}: must be 1 or more")
    others = [path for path in counts if path != baseline]
    metrics, start = {}, 0
    for scorer in scorers:
        width = counts[baseline][scorer.name].shape[1]
        metrics[scorer.name] = CountedMetric(scorer.corpus, slice(start, start + width))
        start += width
    systems = [
        (str(path), np.hstack([counts[path][name] for name in metrics]).tolist()) for path in (baseline, *others)
    ]
    os.environ["SACREBLEU_SEED"] = str(seed)  # sacreBLEU accepts a seed in no other way
    jobs = max(1, min(threads, len(others)))
    paired = PairedTest(systems, cast(dict[str, Metric], metrics), None, TESTS[test], samples, n_jobs=jobs)
    signatures, scores = paired()
    results = {}
    for name, label in zip(metrics, signatures, strict=True):
        signature = signatures[label].format()
        first, *rest = cast(list[Result], scores[label])
        results[baseline, name] = PairedTestResult(first.score, first.score, 0.0, 1.0, signature)
        for path, result in zip(others, rest, strict=True):
            same = np.array_equal(counts[path][name], counts[baseline][name])
            p_value = 1.0 if same else cast(float, result.p_value)
            difference = result.score - first.score
            results[path, name] = PairedTestResult(result.score, first.score, difference, p_value, signature)
    return results


PARSER = script_parser(__doc__)
PARSER.add_argument("--learner", required=True)
PARSER.add_argument("--size", type=int, required=True, help="instances that the runs were trained on")
PARSER.add_argument("--seed", type=int, required=True, help="seed of the runs")
PARSER.add_argument("--baseline", required=True, help="condition that the others are compared with")
PARSER.add_argument("--statistics", nargs="+", required=True, metavar="CONDITION=FILE", help="of every condition")
add_metric_arguments(PARSER)
PARSER.add_argument("--test", choices=list(TESTS), required=True, help="sacreBLEU's paired test")
PARSER.add_argument("--samples", type=int, required=True, help="resamples or trials of the test")
PARSER.add_argument("--resampling-seed", type=int, required=True, help="seed of the test, 1 or more")
PARSER.add_argument("--threads", type=int, required=True, help="processes, each for one file")
PARSER.add_argument("--comparisons", type=Path, required=True, help="output table")


if __name__ == "__main__":
    run_script(PARSER, main)
