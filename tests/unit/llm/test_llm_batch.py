"""Batches: half the price, whatever happens on the way; nothing submitted twice, nothing forgotten."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from batch_study import KEY_VARIABLE, WORST_USD, Study, ended, in_small_steps, prepared, sentences
from fake_server import Server
from paths import ROOT

from llm.calls import MOST_TOKENS, Usage
from llm.journal import Limits
from workbench.cli import UserError

PROVIDERS = ("openai", "anthropic")
STEP_OF_INTENT = 3  # after the calls are claimed and the batch declared, before it is submitted


@pytest.fixture
def server(running: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    return prepared(running, monkeypatch)


@pytest.fixture(params=PROVIDERS)
def study(request: pytest.FixtureRequest, server: Server, tmp_path: Path) -> Callable[..., Study]:
    def make(count: int, **more: Any) -> Study:
        path = more.pop("path", tmp_path / "journal.sqlite")
        return Study(path, server, request.param, sentences(count), **more)

    return make


def test_all_are_asked_in_batches_and_paid_once(server: Server, study: Callable[..., Study]) -> None:
    ten = study(10)
    ten.run()
    ten.check_done()
    total = server.stats()["total"]
    assert (total["batches"], total["batch_answers"], total["answers"]) == (3, 10, 10)
    assert ten.batches() == ["collected"] * 3
    assert (ten.progress.done, ten.progress.failed) == (10, 0)
    (usd,) = ten.rows("SELECT sum(usd) FROM spend")[0]
    assert usd == pytest.approx((total["input_tokens"] + 2 * total["output_tokens"]) / 1e6)
    ten.run()
    assert server.stats()["total"]["batches"] == 3
    ten.sources += ["Eins mehr."]
    ten.run()
    assert server.stats()["total"]["answers"] == 11


def test_impossible_counts_of_tokens_cost_what_the_requests_can(
    study: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROVIDERS:
        monkeypatch.setattr(f"llm.providers.{name}._usage", lambda *_: Usage(MOST_TOKENS, MOST_TOKENS))
    three = study(3)
    three.run()
    ((most, usd),) = three.rows("SELECT max(input_tokens), sum(usd) FROM attempts")
    assert most < 200 and usd <= 3 * WORST_USD


def test_killed_at_every_step_and_run_again(
    server: Server, study: Callable[..., Study], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_steps(monkeypatch)
    for step in range(1, 100):
        server.reset()
        three = study(3, path=tmp_path / f"{step}.sqlite", batch={"max_requests": 2})
        died = ended(three.process(die_at=step)) == -signal.SIGKILL
        if died:
            three.check_money()
        three.run()
        three.check_done()
        total = server.stats()["total"]
        assert (total["batches"], total["answers"], total["paid_again"]) == (2, 3, 0), f"killed at step {step}"
        if not died:
            assert step > 15
            return
    raise AssertionError("it never came to an end")


def test_killed_at_random_moments(server: Server, study: Callable[..., Study]) -> None:
    server.faults(batch={"seconds": 0.3})
    moments = random.Random(1)
    forty = study(40, batch={"max_requests": 10})
    for _ in range(6):
        child = forty.process()
        time.sleep(moments.uniform(0.0, 0.5))
        os.kill(child, signal.SIGKILL)
        ended(child)
    forty.run()
    forty.check_done()
    total = server.stats()["total"]
    assert (total["batches"], total["answers"], total["paid_again"]) == (4, 40, 0)


def test_two_processes_ask_nothing_twice(server: Server, study: Callable[..., Study]) -> None:
    server.faults(batch={"seconds": 0.2})
    twenty = study(20, batch={"max_requests": 5})
    children = [twenty.process() for _ in range(2)]
    assert [ended(child) for child in children] == [0, 0]
    twenty.check_done()
    assert server.stats()["total"]["answers"] == 20


def test_a_batch_whose_confirmation_is_lost_is_found_again(server: Server, study: Callable[..., Study]) -> None:
    server.faults(batch={"lost": 2, "seconds": 0.2})
    five = study(5, batch={"max_requests": 3})
    five.run()
    five.check_done()
    assert server.stats()["total"]["batches"] == 2


def test_somebody_elses_batch_of_the_same_size_is_left_alone(
    server: Server, study: Callable[..., Study], tmp_path: Path
) -> None:
    five = study(5)
    five.sources = five.sources[:3]
    assert ended(five.process(die_at=STEP_OF_INTENT)) == -signal.SIGKILL
    assert five.batches() == ["intent"]
    server.faults(batch={"seconds": 0.3})
    other = study(0, path=tmp_path / "other.sqlite")
    other.sources = ["Ganz", "anderer", "Text"]
    child = other.process()
    five.run()
    assert ended(child) == 0
    assert (five.answers(), other.answers()) == (3, 3)
    assert five.batches() == ["released", "collected"]
    assert server.stats()["total"]["batches"] == 2


def test_an_upload_whose_confirmation_is_lost_is_used(server: Server, tmp_path: Path) -> None:
    server.faults(batch={"lost_files": 1})
    three = Study(tmp_path / "journal.sqlite", server, "openai", sentences(3))
    three.run()
    three.check_done()
    assert server.stats()["total"]["batches"] == 1


def test_what_was_asked_is_collected_though_nobody_wants_it_any_more(
    server: Server, study: Callable[..., Study]
) -> None:
    server.faults(batch={"seconds": 0.2})
    three = study(3)
    child = three.process()
    wait_until(lambda: three.path.exists() and three.batches() == ["submitted"])
    os.kill(child, signal.SIGKILL)
    ended(child)
    three.sources, three.model = ["Etwas ganz anderes."], "fake-weak"
    three.run()
    assert three.batches() == ["collected", "collected"]
    asked = dict(three.rows("SELECT model, count(*) FROM attempts WHERE state = 'answered' GROUP BY model"))
    assert asked == {"fake-strong": 3, "fake-weak": 1}
    # Nobody knows by now what the old model cost, so it counts at its worst.
    assert three.rows("SELECT sum(usd) FROM attempts WHERE model = 'fake-strong'") == [(pytest.approx(3 * WORST_USD),)]
    three.check_money()


@pytest.mark.parametrize(
    "batch, tokens, batches",
    [
        ({"max_requests": 7}, 10, 2),
        ({"max_requests": 100, "max_bytes": 10_000}, 10, 1),
        ({"max_requests": 100, "max_bytes": 400}, 10, 10),
        ({"max_requests": 100, "max_enqueued_tokens": 80}, 10, 3),
        ({"max_requests": 100, "max_enqueued_tokens": 80}, 1000, 10),
    ],
)
def test_batches_are_split(
    server: Server, study: Callable[..., Study], batch: dict[str, int], tokens: int, batches: int
) -> None:
    ten = study(10, batch=batch, tokens=tokens)
    ten.run()
    ten.check_done()
    assert server.stats()["total"]["batches"] == batches
    for column, limit in (("requests", "max_requests"), ("bytes", "max_bytes")):
        (most,) = ten.rows(f"SELECT max({column}) FROM batches")[0]
        assert most <= batch.get(limit, most)


def test_no_more_tokens_wait_at_the_provider_than_set(server: Server, tmp_path: Path) -> None:
    """Tokens are those of prompt and answer, so the provider, which counts prompts, never refuses."""
    server.faults(batch={"seconds": 0.1, "enqueued_tokens": 200})
    ten = Study(tmp_path / "journal.sqlite", server, "openai", sentences(10), tokens=40)
    ten.batch = {"max_requests": 100, "max_enqueued_tokens": 200}
    ten.run()
    ten.check_done()
    assert ten.batches() == ["collected"] * 5


def test_batches_that_are_too_much_for_the_provider_are_made_smaller(
    server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server.faults(batch={"seconds": 0.1, "enqueued_tokens": 100})
    ten = Study(tmp_path / "journal.sqlite", server, "openai", sentences(10), tokens=40)
    ten.batch = {"max_requests": 100}
    ten.run()
    ten.check_done()
    assert ten.batches()[0] == "failed"
    assert server.stats()["total"]["paid_again"] == 0


@pytest.mark.parametrize("fault", ["expired", "failed"])
def test_only_what_is_missing_is_asked_again(server: Server, study: Callable[..., Study], fault: str) -> None:
    server.faults(batch={fault: 0.5, "batches": 1})
    twenty = study(20, batch={"max_requests": 100})
    twenty.run()
    assert twenty.answers() == 20
    total = server.stats()["total"]
    assert (total["batches"], total["answers"], total["paid_again"]) == (2, 20, 0)
    failed = twenty.rows("SELECT count(*), sum(usd) FROM attempts WHERE state = 'failed'")[0]
    assert failed[0] == twenty.progress.failed > 0
    assert failed[1] == 0
    assert twenty.progress.done == 20
    twenty.check_money()


def test_what_always_fails_is_given_up_after_so_many_rounds(server: Server, study: Callable[..., Study]) -> None:
    server.faults(http_500=0.3)
    twenty = study(20, batch={"max_requests": 100}, attempts=3)
    twenty.run()
    unanswered = 20 - twenty.answers()
    assert 0 < unanswered < 20
    assert server.stats()["total"]["batches"] == 3
    query = "SELECT count(*), count(DISTINCT key) FROM attempts WHERE state = 'failed'"
    assert twenty.rows(query) == [(3 * unanswered, unanswered)]
    assert twenty.progress.done == 20
    server.faults(http_500=None)
    twenty.run()
    assert twenty.answers() == 20


def test_what_the_provider_refuses_is_not_asked_again(server: Server, study: Callable[..., Study]) -> None:
    server.faults(content_policy=0.2, too_long=0.2)
    twenty = study(20, batch={"max_requests": 100})
    twenty.run()
    assert server.stats()["total"]["batches"] == 1
    failures = {failure for (failure,) in twenty.rows("SELECT failure FROM attempts WHERE state = 'failed'")}
    assert failures == {"rejected", "filtered"}
    assert twenty.progress.done == 20


def test_follow_ups_make_the_next_batch(server: Server, study: Callable[..., Study]) -> None:
    server.faults(empty=0.4)
    twenty = study(20, batch={"max_requests": 100})
    twenty.run()
    again = server.stats()["total"]["answers"] - 20
    assert again > 0
    requests = [count for (count,) in twenty.rows("SELECT requests FROM batches ORDER BY id")]
    assert len(requests) in (2, 3) and sum(requests) == 20 + again
    assert twenty.progress.done == 20
    twenty.check_money()


def test_the_budget_holds_and_cheap_answers_make_room(server: Server, study: Callable[..., Study]) -> None:
    """Every request can cost a cent at worst and costs far less: four at a time fit into the budget."""
    ten = study(10, batch={"max_requests": 100}, limits=Limits(4.5 * WORST_USD, None))
    ten.run()
    ten.check_done()
    assert server.stats()["total"]["batches"] == 3


def test_nothing_is_sent_when_the_budget_is_spent(server: Server, study: Callable[..., Study]) -> None:
    ten = study(10, limits=Limits(None, 0.5 * WORST_USD))
    with pytest.raises(UserError, match=r"\$0.0000 of max_usd \$0.005 of the generator are spent.*raise max_usd"):
        ten.run()
    assert server.stats()["total"]["batches"] == 0
    assert ten.rows("SELECT count(*) FROM attempts") == [(0,)]
    ten.check_money()


def test_a_bad_key_ends_the_run_at_once(
    server: Server, study: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "bad-key")
    five = study(5)
    with pytest.raises(UserError, match=f"the batch was not taken: .*set {KEY_VARIABLE}") as error:
        five.run()
    assert "bad-key" not in str(error.value)
    assert five.batches() == ["failed"]
    assert five.rows("SELECT count(*) FROM attempts") == [(0,)]
    monkeypatch.setenv(KEY_VARIABLE, "good-key")
    five.run()
    five.check_done()


def test_a_model_that_nobody_has_ends_the_run(server: Server, study: Callable[..., Study]) -> None:
    """The provider takes the batch and refuses each of its requests."""
    three = study(3, model="no-such-model")
    with pytest.raises(UserError, match="set model"):
        three.run()
    assert server.stats()["total"]["answers"] == 0
    three.check_money()


def test_no_connection_ends_the_run_after_the_patience(server: Server, study: Callable[..., Study]) -> None:
    five = study(5, patience=0.5)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        five.server = Server(f"http://127.0.0.1:{nobody.getsockname()[1]}")
    with pytest.raises(UserError, match=r"no answer for .*no connection"):
        five.run()


def test_an_interrupt_leaves_the_batch_at_the_provider(
    server: Server, study: Callable[..., Study], capfd: pytest.CaptureFixture[str]
) -> None:
    server.faults(batch={"seconds": 1.0})
    three = study(3)
    child = three.process()
    wait_until(lambda: three.path.exists() and three.batches() == ["submitted"])
    os.kill(child, signal.SIGINT)
    assert ended(child) == 1
    assert "KeyboardInterrupt" in capfd.readouterr().err
    assert three.batches() == ["submitted"]
    three.run()
    three.check_done()
    assert server.stats()["total"]["batches"] == 1


def test_a_batch_that_is_gone_is_not_paid_again_by_itself(server: Server, study: Callable[..., Study]) -> None:
    server.faults(batch={"seconds": 5.0})
    three = study(3)
    child = three.process()
    wait_until(lambda: three.path.exists() and three.batches() == ["submitted"])
    os.kill(child, signal.SIGKILL)
    ended(child)
    server.reset(faults=True)
    with pytest.raises(UserError, match=r"does not know batch .*`tools/journal forget JOURNAL 1`"):
        three.run()
    assert server.stats()["total"]["batches"] == 0
    forget = [str(ROOT / "tools" / "journal"), "forget", str(three.path), "1"]
    assert "3 requests, submitted" in told(*forget)
    assert three.batches() == ["submitted"]
    assert "is given up: 3" in told(*forget, "--yes")
    three.run()
    assert three.answers() == 3
    assert three.rows("SELECT count(*), sum(usd) FROM attempts WHERE state = 'lost'") == [
        (3, pytest.approx(3 * WORST_USD))
    ]
    three.check_money()


def test_calls_in_a_forsaken_batch_of_another_generator_are_told(server: Server, study: Callable[..., Study]) -> None:
    server.faults(batch={"seconds": 5.0})
    three = study(3)
    child = three.process()
    wait_until(lambda: three.path.exists() and three.batches() == ["submitted"])
    os.kill(child, signal.SIGKILL)
    ended(child)
    three.name = "another"
    with pytest.raises(UserError, match=r"part of unfinished batch 1 of generator 'generator' \(study 'study'"):
        three.run()


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        try:
            if condition():
                return
        except UserError:  # the journal is not there yet
            pass
        time.sleep(0.02)
    raise AssertionError("it did not come to that")


def told(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
