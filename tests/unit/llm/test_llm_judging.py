"""Judges: what an answer's score is, what is asked again, what is paid, what is in the files."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_server import Server, fake_llm
from llm_judge import Judge
from llm_study import Generator
from paths import PROMPTS
from toy_corpus import toy_corpus

from llm.accounts import collect_ledgers, estimate_cost
from llm.accounts.estimate import Estimate, over_budget, study_estimates, table
from llm.answers.scores import Judgement, Pair, Pairs
from llm.prompts import Templates
from workbench.cli import UserError
from workbench.tables import read_rows, write_rows

PAIRS = toy_corpus(40)
SPOILT = [
    (source, target if place % 2 else " ".join(target.split()[:2])) for place, (source, target) in enumerate(PAIRS)
]


def task(reasoning_tokens: int = 0) -> Judgement:
    files = {"judge": PROMPTS / "judge.txt", "retry": PROMPTS / "judge_retry.txt"}
    return Judgement(Templates(files, {"source": "de", "target": "en"}), reasoning_tokens)


@pytest.mark.parametrize(
    ("text", "outcome", "score"),
    [
        ("85", "ok", "85"),
        (" 0\n", "ok", "0"),
        ("100", "ok", "100"),
        ("85.", "malformed", "85"),
        ("**85**", "malformed", "85"),
        ('"85"', "malformed", "85"),
        ("```\n85\n```", "malformed", "85"),
        ('{"score": 85}', "malformed", "85"),
        ("Score: 85/100", "malformed", "85"),
        ("**Rating:** 85 out of 100.", "malformed", "85"),
        ("I would rate this translation 85%.", "malformed", "85"),
        ("<score>85</score>", "malformed", "85"),
        ("Here is my rating:\n\n85", "malformed", "85"),
        ("85\n\nThe translation leaves out 2 words.", "malformed", "85"),
        ("<think>Is it 20 or 30?</think>85", "malformed", "85"),
        # What would have to be guessed is none.
        ("The translation leaves out 2", "malformed", None),
        ("80 to 90", "malformed", None),
        ("80\n90", "malformed", None),
        ("Adequacy score: 80\nFluency score: 90", "malformed", None),
        ("85.5", "malformed", None),
        ("0.85", "malformed", None),
        ("-5", "malformed", None),
        ("101", "malformed", None),
        ("085", "malformed", None),
        ("7/10", "malformed", None),
        ("Good.", "malformed", None),
        ("", "empty", None),
        ("I'm sorry, but I can't help with that.", "refusal", None),
    ],
)
def test_a_score_is_a_whole_number_or_none(text: str, outcome: str, score: str | None) -> None:
    judgement = task()
    prompt = judgement.prompt(Pair("1", "Das Haus ist alt.", "The house is old."))
    verdict = judgement.classify_text(text, "Das Haus ist alt.", prompt)
    assert verdict.outcome == outcome
    assert (verdict.text if outcome == "ok" else judgement.repair(text, "Das Haus ist alt.", prompt)) == score


def test_the_prompt_holds_both_texts_as_they_are_and_no_answer_depends_on_their_length() -> None:
    pair = Pair("7", "Ein {target} von {source}", "A {source} of {{target}}")
    asked, again = task().prompt(pair), task().prompt(pair, 1)
    assert f"<source>{pair.text}</source>\n<translation>{pair.target}</translation>" in asked
    assert "German" in asked and "English" in asked and pair.id not in asked
    assert again.endswith(asked) and again != asked
    assert task().longest("a") == task().longest("a" * 999) == task(reasoning_tokens=500).longest("a") - 500


def test_only_what_has_a_target_is_judged(tmp_path: Path) -> None:
    write_rows(tmp_path / "pool.tsv", ["id", "source", "target"], [("1", "a", "x"), ("2", "b", "y")])
    write_rows(tmp_path / "text.tsv", ["id", "text"], [("2", "z")])
    assert list(Pairs(tmp_path / "pool.tsv", tmp_path / "text.tsv")) == [Pair("2", "b", "z")]
    human = Pairs(tmp_path / "pool.tsv", None)
    assert len(human) == 2 and next(iter(human)) == Pair("1", "a", "x")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that knows the corpus by heart."""
    pairs = tmp_path_factory.mktemp("pairs") / "pairs.tsv"
    write_rows(pairs, ["source", "target"], PAIRS)
    with fake_llm(pairs=[pairs]) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    running.reset(faults=True)
    yield running
    running.reset(faults=True)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("mode", ["online", "batch"])
def test_spoilt_targets_get_lower_scores(server: Server, tmp_path: Path, provider: str, mode: str) -> None:
    judge = Judge(tmp_path, server, SPOILT, provider, mode=mode, batch={"poll_seconds": 0.05})
    judge.run()
    scores = list(judge.scores().values())
    assert list(judge.scores()) == [f"train:{number}" for number in range(len(SPOILT))]
    assert set(scores[1::2]) == {100}
    assert all(score is not None and 0 < score < 80 for score in scores[::2])
    stats = server.stats()["total"]
    assert stats["answers"] == len(SPOILT) and stats["batch_answers"] == (len(SPOILT) if mode == "batch" else 0)
    ledger = judge.ledger
    assert (ledger["generator"], ledger["mode"], ledger["targets"]) == ("judge judge of strong", mode, len(SPOILT))
    assert ledger["usd"] > 0 and judge.table("rejects") == []


def test_what_was_paid_is_asked_of_no_one_again(server: Server, tmp_path: Path) -> None:
    judge = Judge(tmp_path, server, SPOILT)
    judge.run()
    before = (tmp_path / "scores.tsv").read_bytes()
    judge.generator.update(concurrency=3, max_usd=1)
    judge.run()
    assert (tmp_path / "scores.tsv").read_bytes() == before
    # Another generator that wrote the same, under other ids, and one target more.
    judge.judged = "other"
    judge.write([*SPOILT[:10], (SPOILT[0][0], "Nothing of the kind")], "elsewhere")
    judge.run()
    stats = server.stats()["total"]
    assert (stats["answers"], stats["paid_again"]) == (len(SPOILT) + 1, 0)
    assert (judge.ledger["requests"], judge.ledger["reused"]) == (1, 10)
    score = judge.scores()["elsewhere:10"]
    assert score is not None and score < 30


@pytest.mark.parametrize("fault", ["lead_in", "quotes", "markdown"])
def test_small_talk_is_taken_off_for_nothing(server: Server, tmp_path: Path, fault: str) -> None:
    server.faults(**{fault: 1})
    judge = Judge(tmp_path, server, SPOILT[:6])
    judge.run()
    assert list(judge.scores().values())[1::2] == [100] * 3
    assert server.stats()["total"]["answers"] == 6
    assert {row["action"] for row in judge.table("rejects")} == {"repaired"}


@pytest.mark.parametrize("fault", ["several_lines", "copy", "refusal_text", "length"])
def test_what_holds_no_score_is_asked_again_and_then_left_empty(server: Server, tmp_path: Path, fault: str) -> None:
    server.faults(**{fault: 0.6})
    judge = Judge(tmp_path, server, SPOILT)
    judge.run()
    scores = judge.scores()
    missing = [name for name, score in scores.items() if score is None]
    assert 0 < len(missing) < len(SPOILT)
    assert {row["id"] for row in judge.table("rejects") if row["action"] == "dropped"} == {*missing}
    assert {(row["source"], row["target"]) for row in judge.table("rejects")} <= {*SPOILT}
    assert judge.ledger["left_out"] == len(missing) < judge.ledger["retried"]
    assert server.stats()["total"]["answers"] == judge.ledger["requests"] > len(SPOILT)
    assert {score for name, score in scores.items() if int(name.split(":")[1]) % 2} <= {100, None}


def test_no_score_at_all_is_an_error(server: Server, tmp_path: Path) -> None:
    server.faults(several_lines=1)
    with pytest.raises(UserError, match="none of 3 sources has a score: 3 malformed"):
        Judge(tmp_path, server, SPOILT[:3], retries=0).run()
    assert not (tmp_path / "scores.tsv").exists()


def test_a_judge_that_stops_names_its_place_in_the_configuration(server: Server, tmp_path: Path) -> None:
    server.faults(several_lines=1)
    judge = Judge(tmp_path, server, SPOILT[:3], outcomes={"malformed": ["stop"]})
    with pytest.raises(UserError, match=r"quality\.judge\.outcomes\.malformed end with drop"):
        judge.run()
    (columns,) = {tuple(row) for row in [(tmp_path / "rejects.stopped.tsv").read_text().splitlines()[0].split("\t")]}
    assert columns[-2:] == ("source", "target")


def estimates(judge: Judge, generators: Any) -> list[Estimate]:
    return study_estimates(Namespace(generator=generators, pool=judge.pool, learner=[], test=None))


@pytest.mark.parametrize("limit", ["study", "judge"])
def test_over_the_budget_nothing_is_asked(server: Server, tmp_path: Path, limit: str) -> None:
    given: dict[str, Any] = {"llm": {"max_usd": 1e-6}} if limit == "study" else {"max_usd": 1e-6}
    with pytest.raises(UserError, match=r"llm\.max_usd" if limit == "study" else r"quality\.judge\.max_usd"):
        Judge(tmp_path, server, SPOILT, **given).run()
    assert server.stats()["total"]["requests"] == 0


def test_a_generators_job_counts_what_the_judges_will_cost(tmp_path: Path) -> None:
    judge = Judge(tmp_path, None, SPOILT)
    generator = Generator(tmp_path, None, [source for source, _ in SPOILT])
    asked = [*generator.parsed().generator, *judge.parsed().generator]
    alone = estimates(judge, asked[:1])[0].remaining.usd
    both = sum(found.remaining.usd for found in estimates(judge, asked))
    assert both > alone
    judge.llm["max_usd"] = generator.llm["max_usd"] = (both + alone) / 2
    asked = [*generator.parsed().generator, *judge.parsed().generator]
    assert over_budget(estimates(judge, asked[:1])) == []
    assert ["llm.max_usd" in problem for problem in over_budget(estimates(judge, asked))] == [True]


def test_human_targets_stand_in_for_those_that_are_not_written_yet(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judge = Judge(tmp_path, server, SPOILT[:10])
    (real,) = estimates(judge, judge.parsed().generator)
    assert (real.is_guess, real.sources, real.remaining.calls) == (False, 10, 10)
    text = judge.targets.read_bytes()
    judge.targets.unlink()
    (guess,) = found = estimates(judge, judge.parsed().generator)
    assert (guess.is_guess, guess.remaining.calls) == (True, 10)
    assert guess.remaining.usd == pytest.approx(real.remaining.usd, rel=0.2)
    assert "judge judge of strong: of the pool's human targets" in table(found)
    judge.targets.write_bytes(text)
    judge.run()
    estimate = ["--pool", str(judge.pool), "--generator", *judge.parsed().generator[0]]
    estimate_cost.main(estimate_cost.PARSER.parse_args(estimate))
    printed = capsys.readouterr().out
    assert "human targets" not in printed
    assert printed.splitlines()[1].split()[:8] == ["judge", "judge", "of", "strong", "fake-strong", "online", "10", "0"]


def test_a_judge_has_a_row_among_the_ledgers(server: Server, tmp_path: Path) -> None:
    judge = Judge(tmp_path, server, SPOILT)
    judge.run()
    ledgers = f"judge judge of strong={tmp_path / 'ledger.json'}"
    arguments = ["--ledgers", ledgers, "--output", str(tmp_path / "ledger.tsv")]
    collect_ledgers.main(collect_ledgers.PARSER.parse_args(arguments))
    rows = list(read_rows(tmp_path / "ledger.tsv", ["generator", "sources", "targets", "requests"]))
    assert rows == [("judge judge of strong", "40", "40", "40")]
    assert judge.table("answers")[1]["text"] == "100"
    assert json.loads((tmp_path / "ledger.json").read_text())["parameters"]["model"] == "fake-strong"
