"""Datasets contain what a condition says, at every size, over the same sources."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from curate.build_dataset import PARSER
from curate.build_dataset import main as build
from curate.selecting import allot
from workbench.cli import UserError
from workbench.draws import draw_names, random_order
from workbench.generated import Generated, write_generated
from workbench.tables import read_rows, write_rows


@pytest.mark.parametrize(
    "mixture",
    [
        {"human": 1.0},
        {"human": 0.5, "a": 0.5},
        {"human": 0.2, "a": 0.5, "b": 0.3},
        {"a": 0.333, "b": 0.333, "c": 0.334},
    ],
)
def test_a_mixture_holds_at_every_size(mixture: dict[str, float]) -> None:
    given = list(allot(mixture, 1000))
    for size in range(1, 1001):
        for origin, fraction in mixture.items():
            assert abs(given[:size].count(origin) - fraction * size) <= 1


def test_the_order_of_mixture_keys_changes_nothing() -> None:
    assert list(allot({"a": 0.5, "b": 0.5}, 50)) == list(allot({"b": 0.5, "a": 0.5}, 50))


def test_an_instance_keeps_its_place_when_others_come_and_go() -> None:
    ids = [f"train:{n}" for n in range(200)]
    order = [ids[place] for place in random_order(ids, 1)]
    fewer = [name for name in ids if not name.endswith("7")]
    assert [fewer[place] for place in random_order(fewer, 1)] == [name for name in order if not name.endswith("7")]
    assert order != ids
    assert order != [ids[place] for place in random_order(ids, 2)]


def test_a_draw_is_the_beginning_of_the_random_order() -> None:
    ids = [f"train:{number}" for number in range(100)]
    order = [ids[place] for place in random_order(ids, 3)]
    assert draw_names(iter(ids), None, 3) == draw_names(iter(ids), 200, 3) == order
    assert draw_names(iter(ids), 20, 3) == order[:20]


def recipe(**mixture: float) -> str:
    return condition(mixture)


def condition(mixture: dict[str, float], **changes: object) -> str:
    """A condition as the script takes it, the plainest unless ``changes`` say otherwise."""
    plain = {"combine": "draw", "copies": 1, "order": "random", "reverse": False}
    return json.dumps({"mixture": mixture, **plain, **changes})


def run(tmp_path: Path, recipe: str, *more: str) -> list[tuple[str, ...]]:
    pool = [(f"train:{n}", f"Quelle {n}", f"human {n}") for n in range(20)]
    write_rows(tmp_path / "pool.tsv", ["id", "source", "target"], pool)
    arguments = ["--pool", str(tmp_path / "pool.tsv"), "--recipe", recipe, "--seed", "1", *more]
    build(PARSER.parse_args([*arguments, "--output", str(tmp_path / "dataset.tsv")]))
    return list(read_rows(tmp_path / "dataset.tsv", ["id", "origin", "source", "target"]))


def test_each_source_has_the_target_of_its_origin(tmp_path: Path) -> None:
    write_generated(tmp_path / "g.tsv", (Generated(f"train:{n}", f"machine {n}") for n in range(20)))
    rows = run(tmp_path, recipe(human=0.5, g=0.5), "--generated", "g", str(tmp_path / "g.tsv"))
    assert {row[0] for row in rows} == {f"train:{n}" for n in range(20)}
    for name, origin, source, target in rows:
        number = name.partition(":")[2]
        assert source == f"Quelle {number}"
        assert target == ("human " if origin == "human" else "machine ") + number
    human = run(tmp_path, recipe(human=1))
    assert [row[0] for row in human] == [row[0] for row in rows]


def test_a_generator_that_lacks_a_source_is_refused(tmp_path: Path) -> None:
    write_generated(tmp_path / "g.tsv", (Generated(f"train:{n}", "x") for n in range(19)))
    with pytest.raises(UserError, match=r"'g' has no target for 1 of the pool's 20 sources, the first is train:19"):
        run(tmp_path, recipe(g=1), "--generated", "g", str(tmp_path / "g.tsv"))


POOL = [f"train:{n}" for n in range(20)]


def generator(tmp_path: Path, name: str, lacking: set[str]) -> tuple[str, str]:
    """A generator's name and its text, which lacks the targets of some sources."""
    path = tmp_path / f"{name}.tsv"
    write_generated(path, (Generated(i, f"{name} {i}") for i in POOL if i not in lacking))
    return name, str(path)


def test_what_a_generator_lacks_leaves_every_condition(tmp_path: Path) -> None:
    a = generator(tmp_path, "a", {"train:3", "train:4"})
    b = generator(tmp_path, "b", {"train:4", "train:9"})
    gapped = ["--gapped", *a, "--gapped", *b]
    human = run(tmp_path, recipe(human=1), *gapped)
    only_a = run(tmp_path, recipe(a=1), "--generated", *a, *gapped)
    mixed = run(tmp_path, recipe(a=0.5, b=0.5), "--generated", *a, "--generated", *b, *gapped)
    sources = [(row[0], row[2]) for row in human]
    assert {name for name, _ in sources} == {*POOL} - {"train:3", "train:4", "train:9"}
    assert [(row[0], row[2]) for row in only_a] == [(row[0], row[2]) for row in mixed] == sources
    # Those that stay keep their order.
    assert [row for row in run(tmp_path, recipe(human=1)) if row in human] == human
    assert all(row[3] == f"{row[1]} {row[0]}" for row in [*only_a, *mixed])


def test_a_mixture_holds_among_the_sources_that_stay(tmp_path: Path) -> None:
    a = generator(tmp_path, "a", {f"train:{n}" for n in range(7)})
    rows = run(tmp_path, recipe(human=0.5, a=0.5), "--generated", *a, "--gapped", *a)
    assert len(rows) == 13
    for size in range(1, 14):
        assert abs(sum(row[1] == "a" for row in rows[:size]) - size / 2) <= 1


def test_a_fallback_keeps_the_sources_under_its_own_name(tmp_path: Path) -> None:
    a = generator(tmp_path, "a", {"train:3", "train:4"})
    rows = run(tmp_path, recipe(a=1), "--generated", *a, "--fallback", "a", "human")
    assert len(rows) == 20
    assert {row[0]: row[3] for row in rows if row[1] == "human"} == {"train:3": "human 3", "train:4": "human 4"}
    b = generator(tmp_path, "b", set())
    rows = run(tmp_path, recipe(a=1), "--generated", *a, "--generated", *b, "--fallback", "a", "b")
    assert {row[0]: (row[1], row[3]) for row in rows if row[1] != "a"} == {
        name: ("b", f"b {name}") for name in ("train:3", "train:4")
    }


def test_a_fallback_and_a_generator_that_leaves_gaps_work_together(tmp_path: Path) -> None:
    a, b = generator(tmp_path, "a", {"train:3"}), generator(tmp_path, "b", {"train:4"})
    rows = run(
        tmp_path, recipe(a=0.5, b=0.5), "--generated", *a, "--generated", *b, "--fallback", "a", "human", "--gapped", *b
    )
    assert {row[0] for row in rows} == {*POOL} - {"train:4"}
    assert {row[0] for row in rows if row[1] == "human"} <= {"train:3"}


def test_a_fallback_with_gaps_is_refused(tmp_path: Path) -> None:
    a, b = generator(tmp_path, "a", {"train:3"}), generator(tmp_path, "b", {"train:3"})
    with pytest.raises(UserError, match="'b' has no target for 1 of the pool's 20 sources"):
        run(tmp_path, recipe(a=1), "--generated", *a, "--generated", *b, "--fallback", "a", "b")
