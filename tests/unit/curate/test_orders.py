"""Orders put the right instances first, in any mixture and at every size; generators are combined as configured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from curate.build_dataset import PARSER
from curate.build_dataset import main as build
from curate.selecting import most_diverse
from workbench.generated import Generated, write_generated
from workbench.tables import read_rows, write_rows

COUNT = 40
POOL = [f"train:{n}" for n in range(COUNT)]
GOOD = {name for name in POOL if int(name.partition(":")[2]) % 4 == 0}  # a quarter of `a`'s targets is planted as good


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A pool, two generators and the ranks of their targets: `a` has its good ones first, `b` is ranked by number."""
    write_rows(tmp_path / "pool.tsv", ["id", "source", "target"], [(i, f"Quelle {i}", f"human {i}") for i in POOL])
    for name in "ab":
        write_generated(tmp_path / f"{name}.tsv", (Generated(i, f"{name} says {i}") for i in POOL))
    ranked = {"a": sorted(POOL, key=lambda i: (i not in GOOD, i)), "b": POOL}
    for name, ids in ranked.items():
        rows = [(i, "", rank) for rank, i in enumerate(ids, start=1)]
        write_rows(tmp_path / f"{name}.rank.tsv", ["id", "score", "rank"], rows)
    return tmp_path


Row = tuple[str, ...]


def dataset(
    files: Path, mixture: dict[str, float], ranks: dict[str, str] | None = None, **changes: object
) -> list[Row]:
    """Rows ``id origin target`` of a condition; ``ranks`` names for each origin the generator whose ranks order it."""
    plain = {"combine": "draw", "copies": 1, "order": "random", "reverse": False}
    arguments = ["--pool", str(files / "pool.tsv"), "--seed", "1", "--output", str(files / "dataset.tsv")]
    arguments += ["--recipe", json.dumps({"mixture": mixture, **plain, **changes})]
    for origin in mixture:
        if origin != "human":
            arguments += ["--generated", origin, str(files / f"{origin}.tsv")]
    for origin, name in (ranks or {}).items():
        arguments += ["--ranks", origin, str(files / f"{name}.rank.tsv")]
    build(PARSER.parse_args(arguments))
    return list(read_rows(files / "dataset.tsv", ["id", "origin", "target"]))


def test_the_best_come_first_and_reversed_last(files: Path) -> None:
    first = dataset(files, {"a": 1}, {"a": "a"}, order="quality:x")
    assert {row[0] for row in first[: len(GOOD)]} == GOOD
    last = dataset(files, {"a": 1}, {"a": "a"}, order="quality:x", reverse=True)
    assert last == first[::-1]


def test_all_orders_hold_the_same_instances_at_the_whole_pool(files: Path) -> None:
    mixture = {"human": 0.25, "a": 0.5, "b": 0.25}
    random = dataset(files, mixture)
    for changes in ({"order": "quality:x"}, {"order": "quality:x", "reverse": True}, {"reverse": True}):
        ranks = {"a": "a", "b": "b"} if "order" in changes else None
        assert sorted(dataset(files, mixture, ranks, **changes)) == sorted(random)


def test_an_order_within_a_mixture_keeps_its_shares_at_every_size(files: Path) -> None:
    mixture = {"human": 0.25, "a": 0.5, "b": 0.25}
    random = dataset(files, mixture)
    rows = dataset(files, mixture, {"a": "a", "b": "b"}, order="quality:x")
    for size in range(1, COUNT + 1):
        for origin, share in mixture.items():
            assert abs(sum(row[1] == origin for row in rows[:size]) - share * size) <= 1
    own = [row[0] for row in rows if row[1] == "a"]
    goods = [name in GOOD for name in own]
    assert goods == sorted(goods, reverse=True)
    # Human instances are the same ones in the same order as in the random order.
    assert [row for row in rows if row[1] == "human"] == [row for row in random if row[1] == "human"]


def test_human_text_can_take_the_order_of_a_generator(files: Path) -> None:
    machine = dataset(files, {"a": 1}, {"a": "a"}, order="quality:x")
    human = dataset(files, {"human": 1}, {"human": "a"}, order="quality:x")
    assert [row[0] for row in human] == [row[0] for row in machine]
    assert {row[1] for row in human} == {"human"}


def test_the_random_order_turned_round_is_its_control(files: Path) -> None:
    random = dataset(files, {"a": 1})
    assert dataset(files, {"a": 1}, reverse=True) == random[::-1]
    mixture = {"human": 0.5, "a": 0.5}
    rows, turned = dataset(files, mixture), dataset(files, mixture, reverse=True)
    assert [row for row in turned if row[1] == "human"] == [row for row in rows if row[1] == "human"]
    assert [row for row in turned if row[1] == "a"] == [row for row in rows if row[1] == "a"][::-1]


def test_a_target_without_a_rank_comes_last_in_both_directions(files: Path) -> None:
    rows = [row for row in read_rows(files / "a.rank.tsv", ["id", "score", "rank"]) if row[0] not in POOL[:3]]
    write_rows(files / "a.rank.tsv", ["id", "score", "rank"], rows)
    for reverse in (False, True):
        ordered = dataset(files, {"a": 1}, {"a": "a"}, order="quality:x", reverse=reverse)
        assert {row[0] for row in ordered[-3:]} == set(POOL[:3])


def test_all_outputs_of_a_source_are_adjacent_and_have_their_control(files: Path) -> None:
    both = dataset(files, {"a": 0.5, "b": 0.5}, combine="all")
    assert len(both) == 2 * COUNT
    assert [row[1] for row in both] == ["a", "b"] * COUNT
    assert [row[0] for row in both[::2]] == [row[0] for row in both[1::2]]
    twice = dataset(files, {"a": 1}, copies=2)
    assert [row[0] for row in twice] == [row[0] for row in both]  # as many instances and sources at every size
    best = dataset(files, {"a": 0.5, "b": 0.5}, {"a": "a", "b": "a"}, combine="all", order="quality:x")
    assert {row[0] for row in best[: 2 * len(GOOD)]} == GOOD


def test_the_most_diverse_targets_are_taken(files: Path) -> None:
    write_generated(files / "a.tsv", (Generated(i, "always the same words here") for i in POOL))
    write_generated(
        files / "b.tsv", (Generated(i, f"new{n} words{n} come{n} every{n} time{n}") for n, i in enumerate(POOL))
    )
    rows = dataset(files, {"a": 0.5, "b": 0.5}, combine="diverse")
    assert len(rows) == COUNT == len({row[0] for row in rows})
    assert sum(row[1] == "b" for row in rows) >= COUNT - 1
    # What is chosen for a source depends on those before it only: a smaller pool is a prefix in spirit and in order.
    assert [row[0] for row in rows] == [row[0] for row in dataset(files, {"a": 1})]


def test_variety_is_counted_in_words_and_in_scripts_without_blanks_in_characters() -> None:
    ids, mixture = ["1", "2"], {"a": 0.5, "b": 0.5}
    plain = {"1": "The cat sat.", "2": "the CAT, sat!"}
    # In what `a` says the second time nothing is new but case and marks, or the order of the words.
    spaced = {"a": plain, "b": {"1": "The cat sat.", "2": "the cat runs"}}
    assert most_diverse(ids, mixture, lambda origin, name: spaced[origin][name]) == [("1", ["a"]), ("2", ["b"])]
    unspaced = {"a": {"1": "猫が眠る。", "2": "眠る猫が"}, "b": {"1": "猫が眠る。", "2": "犬は走っ"}}
    assert most_diverse(ids, mixture, lambda origin, name: unspaced[origin][name]) == [("1", ["a"]), ("2", ["b"])]
