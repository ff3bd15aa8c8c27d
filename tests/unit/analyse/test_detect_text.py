"""The detector finds style where there is some, finds none where there is none, and ranks by it."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from analyse.detectors import ngrams
from analyse.detectors.cross_fitting import fold_order
from analyse.detectors.detect_text import PARSER, main
from workbench.cli import UserError
from workbench.draws import random_order
from workbench.generated import Generated, write_generated
from workbench.tables import read_rows, write_rows
from workbench.text import match_key

WORDS = ["the", "a", "new", "file", "folder", "user", "name", "was", "is", "not", "found", "please", "save", "in", "of"]
NGRAMS = {
    "word_ngrams": [1, 2],
    "character_ngrams": [2, 3],
    "min_df": 2,
    "max_features": 1000,
    "C": 1.0,
    "lowercase": False,
    "fold_typography": False,
}
SETTINGS = {"kind": "ngrams", "folds": 5, "least": 20, "pairs": None, **NGRAMS}


class Found(NamedTuple):
    """What the detector wrote: its report, the rows of ``scores.tsv`` and those of ``rank.tsv``."""

    report: dict[str, Any]
    scores: list[tuple[str, ...]]
    rank: list[tuple[str, ...]]


def sentences(count: int, seed: str, style: Callable[[int], str] = lambda number: "") -> list[str]:
    """Made-up targets of one author, who adds ``style`` of the number of the sentence."""
    rng = random.Random(seed)
    return [" ".join([*rng.choices(WORDS, k=8), style(number)]).strip() for number in range(count)]


def detect(
    folder: Path,
    first: list[str],
    second: list[str | None],
    sources: list[str] | None = None,
    threads: int = 1,
    **changes: Any,
) -> Found:
    """Run the script on the targets of ``human`` and ``g``; None is a gap of ``g``."""
    sources = sources or [f"Satz {number}" for number in range(len(first))]
    pool = [(f"t:{n}", *texts) for n, texts in enumerate(zip(sources, first, strict=True))]
    write_rows(folder / "pool.tsv", ["id", "source", "target"], pool)
    write_generated(folder / "g.tsv", (Generated(f"t:{n}", text) for n, text in enumerate(second) if text is not None))
    names = {"scores": "scores.tsv", "rank": "rank.tsv", "report": "detector.json"}
    files = {"pool": "pool.tsv", "first-text": "pool.tsv", "second-text": "g.tsv", **names}
    arguments = ["--first", "human", "--second", "g", "--seed", "1", "--threads", str(threads)]
    arguments += ["--settings", json.dumps(SETTINGS | changes)]
    for option, name in files.items():
        arguments += [f"--{option}", str(folder / name)]
    main(PARSER.parse_args(arguments))
    return Found(
        json.loads((folder / "detector.json").read_text(encoding="utf-8")),
        list(read_rows(folder / "scores.tsv", ["id", "origin", "fold", "probability"])),
        list(read_rows(folder / "rank.tsv", ["id", "score", "rank"])),
    )


def test_a_planted_style_is_found_and_reported(tmp_path: Path) -> None:
    found = detect(
        tmp_path, sentences(200, "a", lambda _: "indeed"), sentences(200, "b", lambda n: "truly" if n % 10 else "")
    )
    report = found.report
    assert report["auc_low"] > 0.95
    assert report["brier"] < 0.05
    assert "words: indeed" in [text for text, weight in report["features"]["first"][:5] if weight > 0]
    assert "words: truly" in [text for text, weight in report["features"]["second"][:5] if weight < 0]
    assert report["roc"][0] == [0, 0]
    assert report["roc"][-1] == [1, 1]
    by_author = {(name, origin): float(probability) for name, origin, _, probability in found.scores}
    assert len(by_author) == 400
    assert sum(by_author[f"t:{n}", "human"] > 0.5 > by_author[f"t:{n}", "g"] for n in range(200)) > 190


def test_two_authors_of_one_style_are_not_distinguished(tmp_path: Path) -> None:
    report = detect(tmp_path, sentences(300, "a"), sentences(300, "b")).report
    assert report["auc_low"] < 0.5 < report["auc_high"]
    assert report["brier"] == pytest.approx(0.25, abs=0.01)
    assert sum(row["count"] for row in report["calibration"]) == 600


def test_a_word_of_the_source_in_both_targets_does_not_help(tmp_path: Path) -> None:
    first, second = sentences(300, "a"), sentences(300, "b")
    report = detect(
        tmp_path,
        [f"{text} w{n}w w{n}w w{n}w" for n, text in enumerate(first)],
        [f"{text} w{n}w w{n}w w{n}w" for n, text in enumerate(second)],
    ).report
    assert report["auc_low"] < 0.5 < report["auc_high"]


def test_what_was_learned_from_a_source_does_not_help_with_the_same_source_under_another_id(tmp_path: Path) -> None:
    # Every source comes twice, and each author always has the same odd word for it.
    first = [f"{text} h{n // 2}h" for n, text in enumerate(sentences(300, "a"))]
    second = [f"{text} g{n // 2}g" for n, text in enumerate(sentences(300, "b"))]
    same = [f"Satz {n // 2}" if n % 2 else f"SATZ – {n // 2}!" for n in range(300)]
    options: dict[str, Any] = {"word_ngrams": [1, 1], "character_ngrams": None, "min_df": 1}
    report = detect(tmp_path, first, second, same, **options).report
    assert report["auc_low"] < 0.5 < report["auc_high"]
    # Under sources that look different the odd words do help: the case has teeth.
    assert detect(tmp_path, first, second, **options).report["auc_low"] > 0.6


def test_targets_in_the_first_authors_style_come_first(tmp_path: Path) -> None:
    human = sentences(300, "a", lambda n: "indeed" if n % 7 else "")
    machine = sentences(300, "b", lambda n: "indeed" if n % 2 else "truly")
    found = detect(tmp_path, human, machine)
    names = [name for name, _, _ in found.rank]
    assert [rank for _, _, rank in found.rank] == [str(rank) for rank in range(1, 301)]
    assert {int(name.partition(":")[2]) % 2 for name in names[:145]} == {1}
    assert {int(name.partition(":")[2]) % 2 for name in names[155:]} == {0}
    scores = [float(score) for _, score, _ in found.rank]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0 > scores[-1]  # log-odds


def test_where_style_is_weak_no_fold_comes_first(tmp_path: Path) -> None:
    # Ranked by the folds' calibrated probabilities, two of the five would have none among the first quarter here.
    found = detect(tmp_path, sentences(300, "a0"), sentences(300, "b0"))
    fold = {name: number for name, origin, number, _ in found.scores if origin == "g"}
    first = Counter(fold[name] for name, _, _ in found.rank[:75])
    assert len(first) == 5
    assert all(8 <= count <= 22 for count in first.values())


def test_the_same_bytes_whatever_the_threads(tmp_path: Path) -> None:
    first, second = sentences(100, "a", lambda n: "indeed" if n % 3 else ""), sentences(100, "b")
    written = []
    for threads in (1, 2):
        detect(tmp_path, first, second, threads=threads)
        written.append([(tmp_path / name).read_bytes() for name in ("scores.tsv", "rank.tsv", "detector.json")])
    assert written[0] == written[1]


def test_targets_that_are_the_same_are_counted_and_scored_alike(tmp_path: Path) -> None:
    first, second = sentences(120, "a", lambda n: "indeed"), sentences(120, "b", lambda n: "truly")
    second[:40] = first[:40]
    found = detect(tmp_path, first, second)
    assert found.report["targets"] == 120
    assert found.report["identical"] == 40
    by_author = {(name, origin): probability for name, origin, _, probability in found.scores}
    assert all(by_author[f"t:{n}", "human"] == by_author[f"t:{n}", "g"] for n in range(40))
    assert 0.7 < found.report["auc"] < 0.98


def test_an_author_and_a_copy_of_it_are_not_distinguished(tmp_path: Path) -> None:
    texts = sentences(60, "a")
    found = detect(tmp_path, texts, list(texts))
    report = found.report
    assert (report["identical"], report["auc"], report["brier"]) == (60, 0.5, 0.25)
    assert report["features"] == {"first": [], "second": []}
    # Ties follow the study's random order.
    ids = [f"t:{n}" for n in range(60)]
    assert [name for name, _, _ in found.rank] == [ids[place] for place in random_order(ids, 1)]


def test_a_source_that_one_author_lacks_is_left_out(tmp_path: Path) -> None:
    second: list[str | None] = [*sentences(60, "b")]
    second[7] = None
    found = detect(tmp_path, sentences(60, "a"), second)
    assert found.report["targets"] == 59
    assert "t:7" not in {row[0] for row in found.scores}


def test_typographic_marks_count_unless_they_are_folded(tmp_path: Path) -> None:
    curly, straight = sentences(150, "a", lambda n: "“x” – ’s"), sentences(150, "b", lambda n: '"x" - \'s')
    assert detect(tmp_path, curly, straight).report["auc_low"] > 0.95
    report = detect(tmp_path, curly, straight, fold_typography=True).report
    assert report["auc_low"] < 0.5 < report["auc_high"]


def test_too_few_sources_are_refused_with_the_number_that_is_needed(tmp_path: Path) -> None:
    # 19 different sources in 40 rows.
    sources = [f"Satz {n % 19}" for n in range(40)]
    with pytest.raises(UserError, match=r"human and g: 19 different sources .* at least 20 are needed"):
        detect(tmp_path, sentences(40, "a"), sentences(40, "b"), sources)
    with pytest.raises(UserError, match="at least 50 are needed"):
        detect(tmp_path, sentences(40, "a"), sentences(40, "b"), least=50)
    assert not (tmp_path / "scores.tsv").exists()


def styled(count: int) -> tuple[list[str], list[str]]:
    """Targets of two authors, of whom each has a word of his own in two of three targets."""
    return tuple(
        sentences(count, seed, lambda number, word=word: word if number % 3 else "")
        for seed, word in (("a", "indeed"), ("b", "truly"))
    )


def test_from_a_sample_all_targets_are_scored_and_ranked(tmp_path: Path) -> None:
    found = detect(tmp_path, *styled(300), pairs=60)
    assert found.report["drawn"] == 60
    assert (found.report["targets"], len(found.scores), len(found.rank)) == (300, 600, 300)
    assert sum(row["count"] for row in found.report["calibration"]) == 600
    assert 0.7 < found.report["auc_low"] < found.report["auc"] < found.report["auc_high"]


def test_a_sample_of_all_is_no_sample(tmp_path: Path) -> None:
    written = []
    for pairs in (None, 100):
        detect(tmp_path, *styled(100), pairs=pairs)
        written.append([(tmp_path / name).read_bytes() for name in ("scores.tsv", "rank.tsv", "detector.json")])
    assert written[0] == written[1]
    assert b"drawn" not in written[0][2]


def test_texts_outside_the_sample_teach_nothing(tmp_path: Path) -> None:
    first, second = styled(200)
    before = detect(tmp_path, first, second, pairs=50)
    # Folds are dealt by sources, so the same 50 are drawn: two models without them know which.
    drawn = {f"t:{n}" for n in np.flatnonzero(fold_order([match_key(f"Satz {n}") for n in range(200)], 1) < 50)}
    changed = [text if f"t:{n}" in drawn else f"{text} truly" for n, text in enumerate(first)]
    after = detect(tmp_path, changed, second, pairs=50)
    assert [row for row in before.scores if row[0] in drawn] == [row for row in after.scores if row[0] in drawn]
    assert before.report["features"] == after.report["features"]
    assert before.report["auc"] > after.report["auc"]


@pytest.mark.parametrize("changes", [{}, {"lowercase": True, "fold_typography": True}, {"word_ngrams": None}])
def test_a_text_outside_the_sample_has_the_score_it_would_have_inside_whatever_the_chunk(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    texts = [f"{text} “X” – Ä" for author in styled(40) for text in author]
    learned, first = np.arange(60), np.arange(60) < 30
    rows = np.arange(80)[::-1]
    whole = ngrams.detector(NGRAMS | changes, texts, np.full(80, True)).fit(learned, first).scores(rows)
    model = ngrams.detector(NGRAMS | changes, texts, np.arange(80) < 60).fit(learned, first)
    found = []
    for size in (3, 10_000):
        monkeypatch.setattr(ngrams, "_CHUNK", size)
        found.append(model.scores(rows).tolist())
    assert found[0] == found[1]
    assert found[0] == pytest.approx(whole.tolist(), rel=1e-9)
