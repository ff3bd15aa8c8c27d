"""Check the statistics on simulated studies whose truth is known: coverage of intervals, error rate of tests.

Every simulated study has four conditions at three sizes: human text, text that costs something, the same with a remedy,
and a twin of human text that differs by chance only. Segments have different lengths and difficulties; a condition,
a training and the chance of the moment each add to how many n-grams are right. The score is corpus BLEU. The truth is
the score on a test set without end, averaged over seeds without end. Run from the repository root::

    .venv/bin/python benchmarks/coverage.py

Prints tables in Markdown; ``docs/statistics.md`` has them.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy.special import expit
from scipy.stats import norm

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from evaluate.curves import equivalent_sizes, mean_over_sizes, rising
from evaluate.gap import estimate, share_interval
from stats.bootstrap import draw_counts, interval, mean_over_seeds, seed_weights, two_sided_p

SIZES = [1000, 4000, 16000]
CONDITIONS = ("human", "costly", "remedied", "twin")
# Log-odds that a word is right, by condition and size.
QUALITY = {"human": [0.2, 0.45, 0.65], "costly": [0.0, 0.2, 0.4], "remedied": [0.1, 0.32, 0.52]}
QUALITY["twin"] = QUALITY["human"]
HARD = 0.8  # standard deviations of the log-odds: between segments,
OWN = 0.4  # between a condition's segments beyond that,
MOMENT = 0.5  # and between a training's
METHODS = ("segments only", "seeds resampled", "seeds by t, uncorrected", "workbench")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--segments", type=int, default=300)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 5])
    parser.add_argument(
        "--training",
        type=float,
        nargs="+",
        default=[0.0, 0.03, 0.1],
        help="standard deviations of the chance in training, in log-odds",
    )
    arguments = parser.parse_args()
    counts = draw_counts(arguments.segments, arguments.resamples, 1).astype(np.float64)
    counts = np.vstack([np.ones((1, arguments.segments)), counts])
    errors, figures = [], []
    for spread in arguments.training:
        truth, training = true_scores(spread)
        for seeds in arguments.seeds:
            tally = simulate(counts, truth, spread, seeds, arguments.simulations)
            case = [f"{training:.2f}", seeds]
            errors.append([*case, *(f"{tally['error', name]:.1f} ({tally['width', name]:.1f})" for name in METHODS)])
            figures.append([*case, *(f"{tally['covered', name]:.1f}" for name in FIGURES), f"{tally['defined']:.0f}"])
            print(f"training {spread:g}, {seeds} seeds", file=sys.stderr, flush=True)
    case = ["training", "seeds"]
    print("False findings (%) between human and its twin at one size, and the interval's median width (BLEU)\n")
    table([*case, *METHODS], errors)
    print("\nCoverage (%) of the workbench's intervals; the share's where the gap is clear, and how often it is (%)\n")
    table([*case, *FIGURES, "gap clear"], figures)


def simulate(counts: np.ndarray, truth: np.ndarray, spread: float, seeds: int, simulations: int) -> dict:
    """Over simulated studies: rates in per cent by what and method or figure, and median widths."""
    weights = seed_weights(range(1, seeds + 1), len(counts) - 1, 1) if seeds > 1 else np.empty((0, 1))
    chosen = np.random.default_rng(7).integers(seeds, size=(len(counts) - 1, seeds))
    drawn = np.array([np.bincount(row, minlength=seeds) for row in chosen]) / seeds
    found = defaultdict(list)
    for number in range(simulations):
        scores = study_scores(np.random.default_rng([number, seeds]), counts, spread, seeds)
        pair = scores[0, -1], scores[3, -1]
        for method, draws in differences(pair, weights, drawn).items():
            low, high = interval(draws[1:])
            found["error", method].append(100 * (two_sided_p(draws[1:]) < 0.05))
            found["width", method].append(high - low)
        draws = np.array([[mean_over_seeds(cell, weights) for cell in row] for row in scores])
        for name, figure in FIGURES.items():
            covered = figure(draws, truth)
            if covered is not None:
                found["covered", name].append(100 * covered)
        found["defined"].append(100 * (share(draws, truth) is not None))
    return {key: np.median(values) if key[0] == "width" else np.mean(values) for key, values in found.items()}


def differences(pair: tuple[np.ndarray, np.ndarray], weights: np.ndarray, drawn: np.ndarray) -> dict[str, np.ndarray]:
    """Draws of the difference between two cells, shapes (seeds, 1 + resamples), by method."""
    means = [cell.mean(axis=0) for cell in pair]
    resampled = [np.append(cell[:, 0].mean(), np.sum(drawn * cell[:, 1:].T, axis=1)) for cell in pair]
    uncorrected = [mean.copy() for mean in means]
    if len(pair[0]) > 1:
        for mean, cell in zip(uncorrected, pair, strict=True):
            mean[1:] += weights @ cell[:, 0]
    ours = [mean_over_seeds(cell, weights) for cell in pair]
    return {
        method: first - second
        for method, (first, second) in zip(METHODS, (means, resampled, uncorrected, ours), strict=True)
    }


def score(draws: np.ndarray, truth: np.ndarray) -> bool:
    """Whether the interval of a score holds the truth."""
    return holds(interval(draws[0, -1, 1:]), truth[0, -1])


def difference(draws: np.ndarray, truth: np.ndarray) -> bool:
    """The same of a difference that is there."""
    return holds(interval((draws[1] - draws[0])[-1, 1:]), truth[1, -1] - truth[0, -1])


def area(draws: np.ndarray, truth: np.ndarray) -> bool:
    """The same of the area between two learning curves."""
    between = mean_over_sizes(draws[1] - draws[0], SIZES)
    return holds(interval(between[1:]), mean_over_sizes((truth[1] - truth[0])[:, None], SIZES)[0])


def share(draws: np.ndarray, truth: np.ndarray) -> bool | None:
    """The same of the share of the gap closed; None where the gap is not clear."""
    gap, won = draws[0, -1] - draws[1, -1], draws[2, -1] - draws[1, -1]
    true = (truth[2, -1] - truth[1, -1]) / (truth[0, -1] - truth[1, -1])
    told = estimate(gap)
    return holds(share_interval(won[1:], gap[1:]), true) if told.clear and told.low > 0 else None


def exchange(draws: np.ndarray, truth: np.ndarray) -> bool:
    """The same of the human pairs that are worth the largest size of costly text."""
    true = equivalent_sizes(truth[1, -1:], truth[0][:, None], SIZES)[0]
    return holds(interval(equivalent_sizes(draws[1, -1, 1:], rising(draws[0][:, 1:]), SIZES), "inverted_cdf"), true)


FIGURES: dict[str, Callable[[np.ndarray, np.ndarray], bool | None]] = {
    "score": score,
    "difference": difference,
    "area": area,
    "share of the gap": share,
    "exchange rate": exchange,
}


def study_scores(rng: np.random.Generator, counts: np.ndarray, spread: float, seeds: int) -> np.ndarray:
    """Scores of a simulated study: shape (conditions, sizes, seeds, 1 + resamples)."""
    segments = counts.shape[1]
    lengths, hard = draw_segments(rng, segments)
    shape = (len(CONDITIONS), len(SIZES), seeds)
    odds = np.array([QUALITY[name] for name in CONDITIONS])[:, :, None, None] + hard
    odds = (
        odds + OWN * rng.normal(size=(len(CONDITIONS), 1, 1, segments)) + MOMENT * rng.normal(size=(*shape, segments))
    )
    odds = odds + spread * rng.normal(size=(*shape, 1))
    right = np.stack([rng.binomial(n, p) for n, p in orders(lengths, odds)], axis=-1)
    totals = np.tensordot(counts, right, axes=(1, 3))  # (draws, conditions, sizes, seeds, orders)
    possible = counts @ np.stack([n for n, _ in orders(lengths, odds)], axis=-1)
    return np.moveaxis(bleu(totals, possible[:, None, None, None, :]), 0, -1)


def true_scores(spread: float, segments: int = 40_000) -> tuple[np.ndarray, float]:
    """The scores without chance, shape (conditions, sizes), and the standard deviation of a training's (BLEU)."""
    rng = np.random.default_rng(99)
    lengths, hard = draw_segments(rng, segments)
    other = np.hypot(OWN, MOMENT) * rng.normal(size=segments)
    trainings = norm.ppf((np.arange(21) + 0.5) / 21) * spread if spread else [0.0]
    truth = np.empty((len(CONDITIONS), len(SIZES)))
    for row, name in enumerate(CONDITIONS):
        for column, odds in enumerate(QUALITY[name]):
            scores = []
            for training in trainings:
                parts = list(orders(lengths, odds + hard + other + training))
                right = np.array([np.sum(n * p) for n, p in parts])
                scores.append(bleu(right, np.array([n.sum() for n, _ in parts])))
            truth[row, column] = np.mean(scores)
    return truth, float(np.std(scores))


def draw_segments(rng: np.random.Generator, segments: int) -> tuple[np.ndarray, np.ndarray]:
    """Lengths in words, skewed as they are in text, and log-odds of being right."""
    lengths = np.clip(np.exp(rng.normal(2.8, 0.6, size=segments)), 4, 80).astype(np.int64)
    return lengths, HARD * rng.normal(size=segments)


def orders(lengths: np.ndarray, odds: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For n-grams of one to four words: how many there are, and the chance that one is right."""
    for n in range(1, 5):
        yield lengths - n + 1, expit(odds) ** (1 + 0.6 * (n - 1))


def bleu(right: np.ndarray, possible: np.ndarray) -> np.ndarray:
    """Corpus BLEU of output as long as its reference; n-gram orders on the last axis."""
    return 100 * np.exp(np.mean(np.log(right / possible), axis=-1))


def holds(bounds: tuple[float, float], true: float) -> bool:
    """Whether an interval holds a value."""
    return bool(bounds[0] <= true <= bounds[1])


def table(header: list[str], rows: list[list[object]]) -> None:
    """Print a table in Markdown."""
    print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")


if __name__ == "__main__":
    main()
