"""Size and power of the swap test of lexical diversity, and the coverage of its intervals, on simulated pairs of texts.

Run from the repository root in the workflow's environment::

    .venv/bin/python benchmarks/diversity_test.py --simulations 1000

Words follow Zipf's law; each segment has a subject, which both texts share and which comes twice, as in translations of
the same source. In the first regime both texts have the same law: the share of p-values at or below 0.05 is the test's
type-I error. In the second the law of one text is steeper and its segments are shorter: the share is the test's power,
and the true difference is the mean over all simulations.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from analyse.diversity.comparison import MEASURES, DiversityComparison, DiversitySettings
from stats.significance import draw_swaps, randomisation_test

SETTINGS = DiversitySettings(
    tokenize=None,
    tokens=100_000,
    types_tokens=300,
    window=50,
    threshold=0.72,
    draws=42,
    self_bleu_segments=60,
    swaps=99,
)
# Exponent of Zipf's law and mean number of words of a segment, of both texts.
REGIMES = {"same": ((1.0, 10), (1.0, 10)), "steeper": ((1.1, 9), (1.0, 10))}
KINDS = 1000


def write(rng: np.random.Generator, subjects: np.ndarray, exponent: float, words: int) -> list[list[str]]:
    """A segment for each subject."""
    weights = np.arange(1, KINDS + 1) ** -exponent
    text = []
    for subject in subjects:
        line = rng.choice(KINDS, size=rng.poisson(words), p=weights / weights.sum())
        text.append([f"w{word}" for word in (subject, *line, subject)])
    return text


def simulate(regime: str, arguments: argparse.Namespace) -> np.ndarray:
    """Difference, low, high and p-value of every measure, shape (simulations, measures, 4)."""
    first, second = REGIMES[regime]
    results = np.empty((arguments.simulations, len(MEASURES), 4))
    for number in range(arguments.simulations):
        rng = np.random.default_rng([arguments.seed, number])
        subjects = rng.integers(KINDS, size=arguments.segments)
        texts = [write(rng, subjects, *law) for law in (first, second)]
        comparison = DiversityComparison(*texts, range(arguments.segments), SETTINGS)
        values = comparison.values(draw_swaps(arguments.segments, arguments.swaps, number + 1))
        for place in range(len(MEASURES)):
            result = randomisation_test(values[:, place, 0] - values[:, place, 1])
            results[number, place] = result.value, result.low, result.high, result.p_value
    return results


def main() -> None:
    """Print a table for each regime."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--segments", type=int, default=100)
    parser.add_argument("--swaps", type=int, default=99)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for regime in REGIMES:
        results = simulate(regime, arguments)
        truth = np.zeros(len(MEASURES)) if regime == "same" else results[:, :, 0].mean(axis=0)
        print(f"{regime}: {arguments.simulations:,} pairs of {arguments.segments} segments, {arguments.swaps} swaps")
        for place, name in enumerate(MEASURES):
            _, low, high, p_values = results[:, place].T
            covered = np.mean((low <= truth[place]) & (truth[place] <= high))
            print(f"  {name:<12} p <= 0.05: {np.mean(p_values <= 0.05):6.1%}   intervals that cover: {covered:6.1%}")


if __name__ == "__main__":
    main()
