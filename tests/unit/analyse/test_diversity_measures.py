"""Each measure of lexical diversity against worked examples, plain definitions and libraries that compute it."""

from __future__ import annotations

import math
import random
from collections import Counter

import numpy as np
import pytest
from sacrebleu.metrics import BLEU
from scipy.optimize import minimize_scalar
from scipy.stats import entropy as scipy_entropy
from scipy.stats import hypergeom, zipfian

from analyse.diversity.measures import (
    entropy,
    expected_types,
    hdd,
    mattr,
    mtld,
    repeat_distances,
    yule_k,
    zipf_exponent,
)
from analyse.diversity.self_bleu import SelfBleu
from analyse.diversity.tokenization import word_splitter
from workbench.cli import UserError

SONG = word_splitter("13a")(
    "The cat sat on the mat, and the dog sat on the log, while the bird in the old tree sang a song of the sea. And "
    "the mat was red, but the log was brown; and the dog saw the cat, and the cat saw the bird, and no one saw the sea."
)


def numbered(words: list[str]) -> np.ndarray:
    """Words as whole numbers."""
    kinds = {word: number for number, word in enumerate(sorted(set(words)))}
    return np.array([kinds[word] for word in words], dtype=np.int64)


def counted(words: list[str]) -> np.ndarray:
    """How often each word occurs."""
    return np.bincount(numbered(words))


def both_ways(words: list[str], threshold: float = 0.72) -> float:
    """MTLD as it is published: the mean of both directions."""
    before, after = repeat_distances(numbered(words))
    return float(mtld(np.stack([before, after[::-1]]), threshold).mean())


def zipf_words(count: int, kinds: int, seed: int) -> list[str]:
    """Words drawn by Zipf's law."""
    drawn = random.Random(seed)
    return [f"w{rank}" for rank in drawn.choices(range(kinds), [1 / (rank + 1) for rank in range(kinds)], k=count)]


def test_values_of_lexicalrichness() -> None:
    """What lexicalrichness 0.5.1 says of the same words; textcomplexity 0.11.0 agrees on all of them but HD-D."""
    before, _ = repeat_distances(numbered(SONG))
    assert mattr(before, 10) == pytest.approx(77.33333333333336)
    assert both_ways(SONG) == pytest.approx(16.26923076923077)
    assert hdd(counted(SONG), 10) == pytest.approx(76.7208366594617)
    assert yule_k(counted(SONG)) == pytest.approx(788.7517146776406)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_lexicalrichness(seed: int) -> None:
    library = pytest.importorskip("lexicalrichness")
    words = zipf_words(2000, 800, seed)
    theirs = library.LexicalRichness(" ".join(words), preprocessor=None, tokenizer=str.split)
    before, _ = repeat_distances(numbered(words))
    assert mattr(before, 50) == pytest.approx(100 * theirs.mattr(50))
    assert both_ways(words) == pytest.approx(theirs.mtld(0.72))
    assert hdd(counted(words), 42) == pytest.approx(100 * theirs.hdd(42))
    assert yule_k(counted(words)) == pytest.approx(theirs.yulek)


def test_mtld_by_hand() -> None:
    # Forwards, a b a b is full at 2/3: one factor of three, then "b c d" of which nothing is gone.
    forward, _ = repeat_distances(numbered(list("ababcd")))
    assert mtld(forward[np.newaxis], 0.72).tolist() == [6.0]
    # "a b c d a" is at 4/5, so 0.2 of the 0.28 from 1 to the threshold are gone.
    forward, _ = repeat_distances(numbered(list("abcda")))
    assert mtld(forward[np.newaxis], 0.72).tolist() == pytest.approx([5 / (0.2 / 0.28)])


def test_mtld_reads_each_direction_on_its_own() -> None:
    before, after = repeat_distances(numbered(list("aabcdefg")))
    forward, backward = mtld(np.stack([before, after[::-1]]), 0.72)
    assert forward == 8 / 1
    assert backward == pytest.approx(8 / ((1 - 7 / 8) / 0.28))


def test_mtld_of_a_long_text_is_that_of_a_plain_reading() -> None:
    words = zipf_words(7000, 1500, 3)
    factors, types, length = 0.0, set(), 0
    for word in words:
        types.add(word)
        length += 1
        if len(types) / length <= 0.72:
            factors, types, length = factors + 1, set(), 0
    factors += (1 - len(types) / length) / 0.28 if length else 0
    before, _ = repeat_distances(numbered(words))
    assert mtld(np.stack([before, before]), 0.72) == pytest.approx([7000 / factors] * 2)


@pytest.mark.parametrize("window", [1, 2, 50, 200])
def test_mattr_is_the_mean_over_windows(window: int) -> None:
    words = zipf_words(200, 60, 1)
    ratios = [len(set(words[at : at + window])) / window for at in range(len(words) - window + 1)]
    before, _ = repeat_distances(numbered(words))
    assert mattr(before, window) == pytest.approx(100 * sum(ratios) / len(ratios))


@pytest.mark.parametrize("tokens", [1, 7, 42, 199, 200])
def test_rarefaction_is_the_hypergeometric_expectation(tokens: int) -> None:
    counts = counted(zipf_words(200, 60, 2))
    expected = sum(1 - hypergeom.pmf(0, 200, count, tokens) for count in counts)
    assert expected_types(counts, tokens) == pytest.approx(expected)


def test_rarefaction_by_hand() -> None:
    # Of a a b, two words can be drawn as aa, ab, ab: two, and 1 + 2 + 2 types in three draws.
    assert expected_types(np.array([2, 1]), 2) == pytest.approx(5 / 3)
    assert expected_types(np.array([2, 0, 1]), 3) == 2


def test_yule_by_hand() -> None:
    # a a a b b c: 9 + 4 + 1 less 6 tokens, over 36.
    assert yule_k(np.array([3, 2, 1])) == pytest.approx(1e4 * 8 / 36)


def test_entropy() -> None:
    assert entropy(np.array([2, 2, 2, 2, 0])) == pytest.approx(2)
    counts = counted(SONG)
    assert entropy(counts) == pytest.approx(scipy_entropy(counts / counts.sum(), base=2))


def test_zipf_is_the_likeliest_exponent() -> None:
    counts = counted(zipf_words(5000, 900, 4))
    ranked = np.sort(counts)[::-1]
    ranks = np.arange(1, len(ranked) + 1)
    best = minimize_scalar(
        lambda s: -float(ranked @ zipfian.logpmf(ranks, s, len(ranked))), bounds=(0.1, 3), method="bounded"
    )
    assert zipf_exponent(counts) == pytest.approx(best.x, abs=1e-4)
    assert zipf_exponent(np.array([5, 5, 5, 5])) == pytest.approx(0, abs=1e-9)


def test_too_short_a_text_has_no_value() -> None:
    nothing = np.array([], dtype=np.int64)
    before, _ = repeat_distances(nothing)
    values = [mattr(before, 1), *mtld(before[np.newaxis], 0.72), expected_types(nothing, 1), hdd(nothing, 42)]
    values += [yule_k(nothing), entropy(nothing), zipf_exponent(nothing), hdd(np.array([41]), 42)]
    assert all(math.isnan(value) for value in values)


def sacrebleu_self_bleu(text: list[list[str]]) -> float:
    """sacreBLEU's score of each segment with all others as its references."""
    lines = [" ".join(words) for words in text]
    turned = [lines[turn:] + lines[:turn] for turn in range(1, len(lines))]
    return BLEU(tokenize="none").corpus_score(lines, turned).score


@pytest.mark.parametrize("seed", range(3))
def test_self_bleu_is_that_of_sacrebleu(seed: int) -> None:
    drawn = random.Random(seed)
    one = [zipf_words(drawn.randint(0, 14), 25, 100 * seed + number) for number in range(30)]
    other = [zipf_words(len(words), 25, 100 * seed + 50 + number) for number, words in enumerate(one)]
    swapped = np.array([drawn.random() < 0.5 for _ in one])
    mixed = [b if swap else a for a, b, swap in zip(one, other, swapped, strict=True)]
    scores = SelfBleu(one, other).scores(swapped)
    assert scores[0] == pytest.approx(sacrebleu_self_bleu(mixed))
    assert SelfBleu(one, other).scores(~swapped) == scores[::-1]


def test_self_bleu_cuts_the_longer_text() -> None:
    short, long = [["a", "b"]] * 6, [["a", "b", "c"]] * 6
    assert SelfBleu(long, short).scores(np.zeros(6, dtype=bool)) == (
        pytest.approx(sacrebleu_self_bleu(long[:4])),
        pytest.approx(sacrebleu_self_bleu(short)),
    )


def test_words() -> None:
    split = word_splitter("13a")
    assert split("“Well-known”, don’t—STOP! 1,000 $5 … ’tis «x»") == [
        "well-known",
        "don't",
        "stop",
        "1,000",
        "5",
        "tis",
        "x",
    ]
    assert split("don't") == split("don’t")
    assert split("- – — … !?") == []


def test_words_of_a_language_without_blanks() -> None:
    assert word_splitter("zh")("你好,OK。") == ["你", "好", "ok"]
    assert Counter(word_splitter("char")("すもも。")) == {"す": 1, "も": 2}


def test_unknown_tokenizer() -> None:
    with pytest.raises(UserError, match=r"analysis\.diversity\.tokenize: 'moses'"):
        word_splitter("moses")
