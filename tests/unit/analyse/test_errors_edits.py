"""TER's edits by type, and scores, are sacreBLEU's."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF, TER, lib_ter

from analyse.errors.segment_errors import Edits, count_edits, edits_of
from stats.metrics import build_scorers

WORDS = [*"abcdefghij", "the", "The", "file.", "(file)"]


def texts(count: int, longest: int) -> tuple[list[str], list[str]]:
    """References, and hypotheses that are these with words moved, dropped, added and exchanged."""
    rng = random.Random("ter")
    hypotheses, references = [], []
    for _ in range(count):
        reference = rng.choices(WORDS, k=rng.randint(0, longest))
        words = [word for word in reference if rng.random() > 0.15]
        cut = rng.randint(0, len(words))
        words = words[cut:] + words[:cut] if rng.random() < 0.5 else words
        words = [rng.choice(WORDS) if rng.random() < 0.15 else word for word in words]
        words += rng.choices(WORDS, k=rng.choice([0, 0, 3]))
        hypotheses.append(" ".join(words))
        references.append(" ".join(reference))
    return hypotheses, references


@pytest.mark.parametrize("options", [{}, {"normalized": True, "case_sensitive": True}, {"no_punct": True}])
def test_edit_types_add_up_to_sacrebleus_statistics(options: dict[str, bool]) -> None:
    hypotheses, references = texts(60, 15)
    [scorer] = build_scorers(["ter"], {"ter": options}, "en")
    edits = edits_of(hypotheses, references, scorer)
    ours = np.array([(sum(edit[:4]), edit.reference_words) for edit in edits])
    np.testing.assert_array_equal(ours, scorer.statistics(hypotheses, references))
    score = TER(**options).corpus_score(hypotheses, [references]).score
    assert scorer.score(ours.sum(axis=0)).score == score


def test_the_search_for_shifts_ends_where_sacrebleus_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lib_ter, "_MAX_SHIFT_CANDIDATES", 30)
    hypotheses, references = texts(30, 20)
    [scorer] = build_scorers(["ter"], {}, "en")
    ours = [(sum(edit[:4]), edit.reference_words) for edit in edits_of(hypotheses, references, scorer)]
    np.testing.assert_array_equal(ours, scorer.statistics(hypotheses, references))


@pytest.mark.parametrize(
    ("hypothesis", "reference", "expected"),
    [
        ("a b c", "a b c", Edits(0, 0, 0, 0, 3)),
        ("a c", "a b c", Edits(1, 0, 0, 0, 3)),
        ("a b x c", "a b c", Edits(0, 1, 0, 0, 3)),
        ("a x c", "a b c", Edits(0, 0, 1, 0, 3)),
        ("c d e a b", "a b c d e", Edits(0, 0, 0, 1, 5)),
        ("a b", "", Edits(0, 2, 0, 0, 0)),
        ("", "a b", Edits(2, 0, 0, 0, 2)),
    ],
)
def test_each_type_is_what_mends_the_text(hypothesis: str, reference: str, expected: Edits) -> None:
    assert count_edits(hypothesis.split(), reference.split()) == expected


def test_the_two_texts_exchanged_exchange_insertions_and_deletions() -> None:
    short, long = ["a", "b"], ["a", "b", "c", "d"]
    there, back = count_edits(short, long), count_edits(long, short)
    assert (there.insertions, there.deletions) == (back.deletions, back.insertions) == (2, 0)


def test_bleu_and_chrf_are_sacrebleus() -> None:
    hypotheses, references = texts(40, 15)
    for metric, scorer in zip((BLEU(), CHRF()), build_scorers(["bleu", "chrf"], {}, "en"), strict=True):
        totals = scorer.statistics(hypotheses, references).sum(axis=0)
        assert scorer.score(totals).score == metric.corpus_score(hypotheses, [references]).score
