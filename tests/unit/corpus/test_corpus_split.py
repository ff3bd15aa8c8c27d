"""Splits: disjoint in source and target, of the size wanted, and changed as little as possible by a change."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.split_corpus import DRAWN_IN_ORDER, Drawing, LinkedRows, assign
from workbench.cli import UserError
from workbench.tables import read_rows, write_rows
from workbench.text import match_key

SCRIPT = "corpus/split_corpus.py"
COLUMNS = ("id", "source", "target")

Rows = list[tuple[str, str, str]]


def split(folder: Path, rows: Rows, sizes: dict[str, int | None], seed: int = 1) -> dict[str, Rows]:
    """The rows of every split."""
    path = folder / "clean.tsv"
    write_rows(path, COLUMNS, rows)
    corpus = LinkedRows(path, seed)
    taken = assign(corpus, sizes, set(), folder / "cleaning.tsv")
    return {name: [tuple(row) for row in corpus.texts(taken[name])] for name in DRAWN_IN_ORDER}


def numbered(texts: list[tuple[str, str]], part: str = "train") -> Rows:
    return [(f"{part}:{n}", source, target) for n, (source, target) in enumerate(texts, start=1)]


def plain(count: int) -> Rows:
    return numbered([(f"Satz {n}", f"sentence {n}") for n in range(count)])


def assert_disjoint(splits: dict[str, Rows]) -> None:
    for side in (1, 2):
        keys = [{match_key(row[side]) for row in rows} for rows in splits.values()]
        assert len(set().union(*keys)) == sum(map(len, keys))


small_texts = st.lists(
    st.tuples(
        st.sampled_from(["A", "a!", "b", "B b", "c", "d", "e", "f.", "F"]),
        st.sampled_from(["u", "U?", "v", "w", "x", "y", "z"]),
    ),
    max_size=30,
)
few = st.integers(min_value=0, max_value=4)


@settings(max_examples=150, deadline=None)
@given(texts=small_texts, test=few, valid=few, pretrain=few, pool=few, seed=st.integers(0, 3))
def test_disjoint_and_of_exact_size_whatever_the_links(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[tuple[str, str]],
    test: int,
    valid: int,
    pretrain: int,
    pool: int,
    seed: int,
) -> None:
    sizes = {"test": test, "valid": valid, "pretrain": pretrain, "pool": pool}
    try:
        splits = split(tmp_path_factory.mktemp("split"), numbered(texts), sizes, seed)
    except UserError:
        # Large groups of linked rows may leave too few, but never if there is only one split.
        assert len(texts) < sum(sizes.values()) or sum(map(bool, sizes.values())) > 1
        return
    assert {name: len(rows) for name, rows in splits.items()} == sizes
    assert_disjoint(splits)


def test_disjoint_on_a_corpus_with_many_links(tmp_path: Path) -> None:
    draw = random.Random(1)
    texts = [(f"Satz {draw.randrange(2500)}", f"Text {draw.randrange(9000)}") for _ in range(3000)]
    sizes = {"test": 200, "valid": 100, "pretrain": 400, "pool": 500}
    splits = split(tmp_path, numbered(texts), sizes)
    assert {name: len(rows) for name, rows in splits.items()} == sizes
    assert_disjoint(splits)


def test_large_groups_are_not_drawn_first(tmp_path: Path) -> None:
    """A tenth of the rows is a tenth of what is drawn, linked or not."""
    linked = [(f"Gruppe {n}", f"group {n % 60}") for n in range(600)]
    single = [(f"Satz {n}", f"sentence {n}") for n in range(600)]
    share = []
    for seed in range(20):
        write_rows(tmp_path / "clean.tsv", COLUMNS, numbered(linked + single))
        rows = Drawing(LinkedRows(tmp_path / "clean.tsv", seed)).draw(300)
        share.append(sum(row < 600 for row in rows) / 300)
    assert 0.4 < sum(share) / len(share) < 0.6


def test_the_order_of_the_corpus_does_not_matter(tmp_path: Path) -> None:
    rows = plain(200)
    sizes = {"test": 20, "valid": 10, "pretrain": 50, "pool": 60}
    texts = {name: [row[1:] for row in part] for name, part in split(tmp_path, rows, sizes).items()}
    shuffled = [(f"train:{n}", *row[1:]) for n, row in enumerate(reversed(rows), start=1)]
    again = split(tmp_path, shuffled, sizes)
    assert {name: [row[1:] for row in part] for name, part in again.items()} == texts
    other_seed = split(tmp_path, rows, sizes, seed=2)
    assert [row[1:] for row in other_seed["test"]] != texts["test"]


@pytest.mark.parametrize("name", DRAWN_IN_ORDER)
def test_a_size_changes_no_split_before_and_little_after(tmp_path: Path, name: str) -> None:
    rows = plain(400)
    sizes = {"test": 40, "valid": 20, "pretrain": 100, "pool": 120}
    before = split(tmp_path, rows, sizes)
    after = split(tmp_path, rows, {**sizes, name: sizes[name] + 5})
    assert after[name][: sizes[name]] == before[name]
    place = DRAWN_IN_ORDER.index(name)
    for other in DRAWN_IN_ORDER[:place]:
        assert after[other] == before[other]
    for other in DRAWN_IN_ORDER[place + 1 :]:
        assert len(set(before[other]) - set(after[other])) == 5


def test_more_text_moves_only_its_share(tmp_path: Path) -> None:
    sizes = {"test": 100, "valid": 50, "pretrain": 300, "pool": 300}
    before = split(tmp_path, plain(1000), sizes)
    after = split(tmp_path, plain(1010), sizes)
    assert len(set(before["test"]) & set(after["test"])) >= 97
    assert len(set(before["pool"]) & set(after["pool"])) >= 280


def test_given_parts_are_the_splits_in_their_own_order(tmp_path: Path) -> None:
    test = numbered([(f"Test {n}", f"test {n}") for n in range(9)], "test")
    valid = numbered([(f"Valid {n}", f"valid {n}") for n in range(5)], "valid")
    linked = [("train:91", "Test 3", "something"), ("train:92", "etwas", "valid 2")]
    rows = [*plain(20), *linked, *valid, *test]
    sizes = {"test": None, "valid": None, "pretrain": 10, "pool": 10}
    splits = split(tmp_path, rows, sizes)
    assert splits["test"] == test
    assert splits["valid"] == valid
    assert_disjoint(splits)
    fewer = split(tmp_path, rows, {**sizes, "test": 4})["test"]
    assert len(fewer) == 4
    assert fewer == [row for row in test if row in fewer]


def arguments(**sizes: object) -> list[object]:
    wanted = {"pretrain": 10, "pool": 10, "valid": 5, "test": 5, **sizes}
    parts = [v for name, size in wanted.items() for v in ("--split", name, size, f"out/{name}.tsv")]
    return ["--clean", "clean.tsv", "--table", "cleaning.tsv", "--given", "--seed", 1, *parts]


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        (
            {"pool": 41},
            "splits.pool: 41 pairs wanted, 40 left of 60 after test 5, valid 5, pretrain 10; lower a "
            "split, or see in cleaning.tsv why cleaning left pairs out",
        ),
        ({"test": 61}, "splits.test: 61 pairs wanted, 60 left of 60; lower a split"),
        ({"valid": "all"}, "splits.valid: no size, and corpus.valid is not given"),
    ],
)
def test_impossible_sizes(tmp_path: Path, refusal: Callable[..., str], sizes: dict[str, object], says: str) -> None:
    write_rows(tmp_path / "clean.tsv", COLUMNS, plain(60))
    assert says in refusal(SCRIPT, *arguments(**sizes))


def test_too_small_a_given_part(tmp_path: Path, refusal: Callable[..., str]) -> None:
    rows = [*plain(60), ("test:1", "Test", "test")]
    write_rows(tmp_path / "clean.tsv", COLUMNS, rows)
    said = refusal(SCRIPT, *arguments(test=2))
    assert said == "splits.test: 2 wanted, the test part that was given has 1"


@pytest.mark.parametrize("size", [5, "all"])
def test_a_given_part_of_which_nothing_is_left_is_not_replaced(
    tmp_path: Path, refusal: Callable[..., str], size: object
) -> None:
    write_rows(tmp_path / "clean.tsv", COLUMNS, [*plain(60), *numbered([("Test", "test")], "test")])
    said = refusal(SCRIPT, *arguments(test=1, valid=size), "--given", "valid", "test")
    assert said.startswith("splits.valid: cleaning left no pair of the valid part that was given")
    assert "see cleaning.tsv" in said


@pytest.mark.parametrize("given_parts", [[], ["test"]])
def test_a_part_that_is_not_given_is_cut(tmp_path: Path, run_script: Callable, given_parts: list[str]) -> None:
    write_rows(tmp_path / "clean.tsv", COLUMNS, [*plain(60), *numbered([("Test", "test")], "test")])
    done = run_script(SCRIPT, *arguments(test="all"), "--given", *given_parts)
    assert done.returncode == 0, done.stderr
    assert list(read_rows(tmp_path / "out" / "test.tsv", COLUMNS)) == [("test:1", "Test", "test")]
    assert len(list(read_rows(tmp_path / "out" / "valid.tsv", COLUMNS))) == 5


def test_the_script_writes_the_same_bytes_twice(tmp_path: Path, run_script: Callable) -> None:
    write_rows(tmp_path / "clean.tsv", COLUMNS, plain(60))
    contents = []
    for hash_seed in ("1", "2"):
        done = run_script(SCRIPT, *arguments(), PYTHONHASHSEED=hash_seed)
        assert done.returncode == 0, done.stderr
        files = sorted((tmp_path / "out").iterdir())
        assert [file.name for file in files] == ["pool.tsv", "pretrain.tsv", "test.tsv", "valid.tsv"]
        contents.append([file.read_bytes() for file in files])
    assert contents[0] == contents[1]
    assert len(list(read_rows(tmp_path / "out" / "pool.tsv", COLUMNS))) == 10
