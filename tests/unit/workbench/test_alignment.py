"""Texts that have slipped by some lines are doubted, and real pairs, short user-interface texts among them, are not."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from toy_corpus import toy_corpus

from workbench.alignment import doubt

# One to four sentences each, because all sentences of the toy corpus are about as long.
DRAWN = random.Random(1)
PARTS = [DRAWN.sample(toy_corpus(2000), DRAWN.randint(1, 4)) for _ in range(400)]
SOURCES, TARGETS = ([" ".join(pair[side] for pair in part) for part in PARTS] for side in (0, 1))


def greek(text: str) -> str:
    """``text`` in other letters, so that the two sides share no word."""
    return "".join(chr(0x3B1 + ord(c.lower()) % 24) if c.isascii() and c.isalpha() else c for c in text)


@pytest.mark.parametrize("script", [str, greek])
@pytest.mark.parametrize("size", [6, 10, 40, 400])
def test_aligned_texts_are_not_doubted(script: Callable[[str], str], size: int) -> None:
    texts = [script(text) for text in TARGETS]
    starts = range(0, 400 - size + 1, size)
    assert [doubt(SOURCES[n : n + size], texts[n : n + size]) for n in starts] == [None] * len(starts)


@pytest.mark.parametrize("script", [str, greek])
@pytest.mark.parametrize("lines", [-3, -1, 1, 2])
def test_displaced_texts_are_doubted_where_they_begin(script: Callable[[str], str], lines: int) -> None:
    texts = [script(text) for text in TARGETS]
    if lines < 0:  # lost
        slipped = [*texts[:200], *texts[200 - lines :], *texts[:-lines]]
    else:  # doubled
        slipped = [*texts[:200], *texts[200 - lines : 400 - lines]]
    found = doubt(SOURCES, slipped)
    assert found is not None
    assert abs(found.place - 200) <= 8
    assert f"fit the source {-lines:+d} lines away" in found.reason


def test_real_pairs_of_a_grammar_without_any_variety_are_not_doubted() -> None:
    sources, texts = zip(*toy_corpus(3000), strict=True)
    assert doubt(sources, texts) is None


def test_texts_of_other_sources_are_doubted() -> None:
    shuffled = random.Random(1).sample(TARGETS, len(TARGETS))
    assert doubt(SOURCES, shuffled) == (0, "texts fit the sources beside them no better than those of their neighbours")


def test_equal_texts_in_a_row() -> None:
    texts = [*TARGETS[:4], *["I cannot help with that."] * 3]
    assert doubt(SOURCES[:7], texts) == (4, "'I cannot help with that.' is given for 3 different sources in a row")
    assert doubt(["Wagen", "Auto", "PKW"], ["car"] * 3) is None
    assert doubt(["Bitte warten."] * 3, ["Please be patient."] * 3) is None


def test_empty_and_cut_texts_are_faults_of_another_kind() -> None:
    assert doubt(SOURCES, [text if n % 2 else "" for n, text in enumerate(TARGETS)]) is None
    assert doubt(SOURCES, [text if n % 2 else text[: len(text) // 2] for n, text in enumerate(TARGETS)]) is None


def test_a_part_of_the_sources_is_compared_with_the_lines_of_all() -> None:
    places = list(range(0, 400, 3))
    assert doubt([SOURCES[n] for n in places], TARGETS, places) is None
    found = doubt([SOURCES[n] for n in places], [*TARGETS[:100], *TARGETS[101:], TARGETS[0]], places)
    assert found is not None
    assert 90 <= found.place <= 110
