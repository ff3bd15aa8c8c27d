"""Two texts compared: equal numbers of words, symmetry, the size and the power of the randomisation test."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from analyse.diversity.comparison import MEASURES, DiversityComparison, DiversitySettings
from analyse.diversity.measures import entropy
from analyse.diversity.paired_texts import pair_texts
from stats.significance import draw_swaps, randomisation_test
from workbench.draws import draw_names

SETTINGS = DiversitySettings(
    tokenize=None,
    tokens=100_000,
    types_tokens=300,
    window=50,
    threshold=0.72,
    draws=42,
    self_bleu_segments=30,
    swaps=199,
)
Text = list[list[str]]


def written(segments: int, seed: int, words: int = 10, exponent: float = 1.0, kinds: int = 400) -> Text:
    """Segments of words by Zipf's law, each with a subject that comes again in it."""
    drawn = random.Random(seed)
    weights = [1 / (rank + 1) ** exponent for rank in range(kinds)]
    text = []
    for _ in range(segments):
        subject = f"w{drawn.randrange(kinds)}"
        line = [f"w{rank}" for rank in drawn.choices(range(kinds), weights, k=drawn.randint(words // 2, words))]
        text.append([subject, *line, subject])
    return text


def swap_tests(text: Text, human: Text, swaps: int = SETTINGS.swaps, seed: int = 1) -> dict[str, Any]:
    """The randomisation test of every measure."""
    comparison = DiversityComparison(text, human, range(len(text)), SETTINGS)
    values = comparison.values(draw_swaps(len(text), swaps, seed))
    return {name: randomisation_test(values[:, place, 0] - values[:, place, 1]) for place, name in enumerate(MEASURES)}


def test_both_texts_give_the_same_number_of_words_whoever_changes_sides() -> None:
    first, second = written(40, 1, words=20), written(40, 2, words=8)
    paired = pair_texts(first, second, range(40), 10_000)
    assert paired.count == sum(min(len(a), len(b)) for a, b in zip(first, second, strict=True))
    for swapped in draw_swaps(40, 20, 3):
        one, other = paired.sides(swapped)
        assert len(one) == len(other) == paired.count


def test_the_longer_text_loses_segments_that_the_hash_puts_last() -> None:
    first, second = [["a", "b"], ["c", "d"], ["e", "f"]], [["a"], ["c"], ["e"]]
    paired = pair_texts(first, second, [2, 0, 1], 100)
    longer, shorter = paired.sides(np.zeros(3, dtype=bool))
    # In the order of the file c d | e f | a b, and of the three words a b c are the first by the hash.
    assert "".join("abcdef"[item] for item in longer) == "cab"
    assert "".join("abcdef"[item] for item in shorter) == "cea"


def test_swapped_segments_change_sides() -> None:
    paired = pair_texts([["a"], ["b"]], [["c"], ["d"]], [0, 1], 100)
    one, other = paired.sides(np.array([True, False]))
    assert (one.tolist(), other.tolist()) == ([2, 1], [0, 3])


def test_a_limit_keeps_the_first_segments_by_the_hash() -> None:
    paired = pair_texts(written(50, 1), written(50, 2), range(50), 60)
    assert paired.count == 60
    assert paired.segments < 20


def test_the_order_of_an_id_depends_on_nothing_else() -> None:
    ids = [f"pool:{number}" for number in range(100)]
    fewer = ids[::3]
    assert [name for name in draw_names(ids, None, 1, "diversity") if name in fewer] == draw_names(
        fewer[::-1], None, 1, "diversity"
    )
    assert draw_names(ids, None, 1, "diversity") != draw_names(ids, None, 2, "diversity")


def test_changing_the_roles_turns_every_sign() -> None:
    first, second = written(60, 1), written(60, 2, exponent=1.3)
    there, back = swap_tests(first, second), swap_tests(second, first)
    for name in MEASURES:
        if name == "vocabulary":  # the human text's role in it is different
            continue
        assert there[name].value == -back[name].value, name
        assert (there[name].low, there[name].high) == (-back[name].high, -back[name].low)
        assert there[name].p_value == back[name].p_value


def test_the_same_text_does_not_differ() -> None:
    text = written(60, 1)
    for result in swap_tests(text, text, swaps=19).values():
        assert (result.value, result.low, result.high, result.p_value) == (0, 0, 0, 1)


def test_the_same_call_gives_the_same_figures() -> None:
    assert swap_tests(written(50, 1), written(50, 2)) == swap_tests(written(50, 1), written(50, 2))


def test_frequent_words_for_rare_ones_are_found() -> None:
    human = written(150, 1)
    frequent = {f"w{rank}" for rank in range(40)}
    drawn = random.Random(9)
    plain = [[word if word in frequent else f"w{drawn.randrange(40)}" for word in words] for words in human]
    results = swap_tests(plain, human, swaps=99)
    for name, better in MEASURES.items():
        if name == "zipf":  # measures how evenly words are used, however few they are
            continue
        result = results[name]
        less_diverse = result.high < 0 if better == "higher" else result.low > 0
        assert less_diverse and result.p_value < 0.05, name


def test_uneven_use_of_words_is_found() -> None:
    result = swap_tests(written(150, 1, exponent=1.4), written(150, 2), swaps=99)["zipf"]
    assert result.low > 0 and result.p_value < 0.05


def test_rare_words_for_frequent_ones_are_found_too() -> None:
    human = written(150, 1)
    drawn = random.Random(9)
    rich = [[word if drawn.random() < 0.7 else f"x{drawn.randrange(4000)}" for word in words] for words in human]
    results = swap_tests(rich, human)
    for name in ("types", "mattr", "mtld", "distinct_1", "entropy"):
        assert results[name].low > 0 and results[name].p_value < 0.05, name
    # Words that no human text has do not bring a text nearer to the human vocabulary.
    assert results["vocabulary"].value < 0


def test_length_alone_is_not_diversity() -> None:
    human = written(200, 1, words=12)
    longer = [words + more for words, more in zip(written(200, 2, words=12), written(200, 3, words=12), strict=True)]
    results = swap_tests(longer, human, swaps=99)
    assert all(results[name].p_value > 0.05 for name in ("types", "distinct_1", "entropy", "zipf"))


def test_a_difference_by_chance_is_found_in_one_of_twenty() -> None:
    """Type-I error at 5 % over simulated pairs of texts of the same origin; of all measures in benchmarks/."""
    found, simulations = 0, 300
    for number in range(simulations):
        one, other = (written(24, 2 * number + side, words=6, kinds=150) for side in range(2))
        paired = pair_texts(one, other, range(24), 10_000)
        differences = []
        for swapped in draw_swaps(24, 19, number + 1):
            counts = [np.bincount(items, minlength=paired.kinds) for items in paired.sides(swapped)]
            differences.append(entropy(counts[0]) - entropy(counts[1]))
        found += randomisation_test(np.array(differences)).p_value <= 0.05
    assert 4 <= found <= 27  # binomial of 300 and 5 %: 99.8 % of all cases


@pytest.mark.parametrize("text", [[[], []], [["a"], []]])
def test_texts_too_short_have_no_difference(text: Text) -> None:
    results = swap_tests(text, [["a"], ["b"]], swaps=9)
    assert results["mattr"] is results["hdd"] is results["self_bleu"] is None
