"""What asking will cost, said before anything is asked: counted calls, limits, the table."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from llm_study import Generator

from llm import prompt_llm, session
from llm.accounts import estimate_cost
from llm.accounts.estimate import Estimate, over_budget, study_estimates, table
from workbench.cli import UserError

SOURCES = ["Das Haus ist sehr alt.", "Der Hund schläft heute.", "Die Katze trinkt ihre Milch."]


def one(tmp_path: Path, **changes: Any) -> Generator:
    return Generator(tmp_path, None, SOURCES, **changes)


def of(*generators: Generator) -> list[Estimate]:
    """The estimates of generators that are in one study."""
    arguments = generators[0].parsed()
    arguments.generator = [argument for generator in generators for argument in generator.parsed().generator]
    return study_estimates(arguments)


def named(generator: Generator, name: str) -> Generator:
    generator.name = name
    return generator


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    (found,) = of(one(tmp_path))
    assert (found.sources, found.remaining.calls, found.paid, found.study_paid) == (3, 3, 0, 0)
    assert 0 < found.remaining.usd < found.remaining.worst_usd
    assert not (tmp_path / "journal.sqlite").exists()


def test_samples_and_prices_multiply(tmp_path: Path) -> None:
    (single,) = of(one(tmp_path))
    (triple,) = of(one(tmp_path, samples=3))
    (dear,) = of(one(tmp_path, price={"input": 10, "output": 20}))
    (batch,) = of(one(tmp_path, mode="batch", price={"input": 1, "output": 2, "batch": 0.5}))
    assert triple.remaining.calls == 9
    assert triple.remaining.usd == pytest.approx(3 * single.remaining.usd)
    assert dear.remaining.usd == pytest.approx(10 * single.remaining.usd)
    assert batch.remaining.usd == pytest.approx(single.remaining.usd / 2)


def test_a_limit_is_broken_by_all_generators_together(tmp_path: Path) -> None:
    cost = of(one(tmp_path))[0].remaining.usd
    study = {"journal": str(tmp_path / "journal.sqlite"), "max_usd": cost * 1.5}
    first, second = (named(one(tmp_path, llm=study, model=f"m-{name}"), name) for name in ("first", "second"))
    assert over_budget(of(first)) == over_budget(of(second)) == []
    (problem,) = over_budget(of(first, second))
    assert "llm.max_usd" in problem
    second.generator["max_usd"] = cost / 2
    problems = over_budget(of(first, second))
    assert ["generators.second.max_usd" in problem for problem in problems] == [True, False]
    assert not any("\n" in problem for problem in problems)


def test_over_the_limit_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(asking: Any, pool: Any) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(session, "ask", ask)
    with pytest.raises(UserError, match=r"generators\.gpt\.max_usd is") as caught:
        one(tmp_path, max_usd=1e-6).run()
    assert "\n" not in str(caught.value)


def test_without_generators_there_is_nothing_to_pay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool = one(tmp_path).pool
    assert over_budget([]) == []
    estimate_cost.main(estimate_cost.PARSER.parse_args(["--pool", str(pool)]))
    assert "nothing to pay" in capsys.readouterr().out


def test_the_table_names_generators_prices_and_the_limit(tmp_path: Path) -> None:
    lines = table(of(named(one(tmp_path), "first"), named(one(tmp_path, model="m-2"), "second"))).splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["generator", "first", "second", "the"]
    assert lines[1].split()[:5] == ["first", "fake-strong", "online", "3", "3"]
    assert lines[3].split()[:3] == ["the", "study", "6"]
    assert "llm.max_usd: $10.00" in lines[4] and "first: configuration" in lines[4]


def test_a_script_without_the_studys_generators_goes_by_the_limits_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = one(tmp_path).parsed()
    arguments.generator = []
    monkeypatch.setattr(session, "ask", lambda asking, pool: asyncio.sleep(0))
    with pytest.raises(UserError, match="not asked yet"):
        prompt_llm.main(arguments)
