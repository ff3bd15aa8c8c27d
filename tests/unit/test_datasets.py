"""Datasets hold what a condition says, at every size, over the same sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from curate.build_dataset import allot, parser, random_order
from curate.build_dataset import main as build
from workbench.cli import UserError
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


def run(tmp_path: Path, recipe: str, *more: str) -> list[tuple[str, ...]]:
    pool = [(f"train:{n}", f"Quelle {n}", f"human {n}") for n in range(20)]
    write_rows(tmp_path / "pool.tsv", ["id", "source", "target"], pool)
    arguments = ["--pool", str(tmp_path / "pool.tsv"), "--recipe", recipe, "--seed", "1", *more]
    build(parser().parse_args([*arguments, "--output", str(tmp_path / "dataset.tsv")]))
    return list(read_rows(tmp_path / "dataset.tsv", ["id", "origin", "source", "target"]))


def test_each_source_has_the_target_of_its_origin(tmp_path: Path) -> None:
    write_generated(tmp_path / "g.tsv", (Generated(f"train:{n}", f"machine {n}") for n in range(20)))
    recipe = '{"mixture": {"human": 0.5, "g": 0.5}, "order": "random"}'
    rows = run(tmp_path, recipe, "--generated", "g", str(tmp_path / "g.tsv"))
    assert {row[0] for row in rows} == {f"train:{n}" for n in range(20)}
    for name, origin, source, target in rows:
        number = name.partition(":")[2]
        assert source == f"Quelle {number}"
        assert target == ("human " if origin == "human" else "machine ") + number
    human = run(tmp_path, '{"mixture": {"human": 1}, "order": "random"}')
    assert [row[0] for row in human] == [row[0] for row in rows]


def test_a_generator_that_lacks_a_source_is_refused(tmp_path: Path) -> None:
    write_generated(tmp_path / "g.tsv", (Generated(f"train:{n}", "x") for n in range(19)))
    with pytest.raises(UserError, match=r"'g' has no target for 1 of the pool's 20 sources, the first is train:19"):
        run(tmp_path, '{"mixture": {"g": 1}, "order": "random"}', "--generated", "g", str(tmp_path / "g.tsv"))
