"""The online executor against the fake server: nothing lost, nothing paid twice, an end with a reason."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_server import Server
from llm_settings import llm_setup

from llm.asking import setup
from llm.asking.gate import REFUSALS_THAT_END
from llm.asking.online import OnlineExecutor
from llm.asking.progress import Progress
from llm.calls import MOST_TOKENS, Usage, Work
from llm.journal import Journal, Limits
from llm.prices import price_of
from llm.providers import open_api
from llm.providers.api import Api
from workbench.cli import UserError

MODEL = "fake-strong"
SETTINGS = {"concurrency": 8, "attempts": 4, "patience": 30}
WORST = 0.01
NO_LIMITS = Limits()


class Follower:
    """A dialogue of one call an item, except for what ``then`` says."""

    def __init__(self, then: dict[str, Work] | None = None) -> None:
        self.ended: Counter[str] = Counter()
        self._then = then or {}

    def follow(self, work: Work) -> Work | None:
        self.ended[work.call.key] += 1
        return self._then.get(work.item)


class Run:
    """One run of the executor and what can be asked about it afterwards."""

    def __init__(self, server: Server, path: Path, key_variable: str | None = None, **settings: Any) -> None:
        self.settings = {**SETTINGS, **settings}
        self.api = self._api(server, key_variable)
        self._server, self._key_variable = server, key_variable
        self.path = path / "journal.sqlite"
        self.dialogue = Follower()
        self.progress: Progress | None = None

    def _api(self, server: Server, key_variable: str | None) -> Api:
        asked = {"provider": "openai", "model": MODEL, "base_url": server.openai, "api_key_env": key_variable}
        return open_api({**asked, "timeout": self.settings.get("timeout", 5), "concurrency": 8})

    def works(self, number: int, first: int = 0) -> list[Work]:
        texts = (f"Translate from German into English:\n\nSatz {n}: das Haus ist alt." for n in range(first, number))
        return [Work(self.api.call(None, text, 60, 0, 0), WORST, 50, text) for text in texts]

    def __call__(
        self,
        works: Iterable[Work | None],
        limits: Limits = NO_LIMITS,
        per_minute: float | None = None,
    ) -> None:
        async def run() -> None:
            api = self._api(self._server, self._key_variable)
            with Journal(self.path, "study", "generator", api.sdk) as journal:
                self.progress = Progress(20, lambda: journal.spent()[1], limits.generator_usd)
                price = price_of("openai", MODEL, self._server.openai, {"input": 0.1, "output": 0.1}, False)
                changes = {"requests_per_minute": per_minute, "max_usd": limits.generator_usd, **self.settings}
                asked = llm_setup(api, journal, price, self.dialogue, **changes)
                try:
                    await OnlineExecutor(asked, self.progress).run(iter(works))
                finally:
                    await api.close()

        asyncio.run(run())

    def attempts(self) -> Counter[str]:
        """How many attempts of each state the journal holds."""
        return Counter(state for (state,) in self.rows("SELECT state FROM attempts"))

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return list(Journal.open_reading(self.path).read(sql, parameters))


def test_every_call_is_answered_once_and_never_asked_again(server: Server, tmp_path: Path) -> None:
    run = Run(server, tmp_path)
    works = run.works(40)
    run([*works, None])
    assert run.attempts() == {"answered": 40}
    assert set(run.dialogue.ended.values()) == {1}
    assert len(run.dialogue.ended) == 40
    assert (run.progress.asked, run.progress.found) == (40, 1)
    run([*works, *run.works(41, first=40)])
    assert server.stats()["total"]["answers"] == 41


def test_at_most_concurrency_requests_at_once(server: Server, tmp_path: Path) -> None:
    server.faults(latency=0.02)
    Run(server, tmp_path, concurrency=3)(Run(server, tmp_path).works(12))
    assert server.stats()["most_in_flight"] == 3


def test_a_follow_up_is_asked_before_what_is_new(server: Server, tmp_path: Path) -> None:
    run = Run(server, tmp_path, concurrency=1)
    first, second, *new, following = run.works(6)
    run.dialogue = Follower({first.item: following})
    run([first, second, *new])
    # The second one is on its way already when the first answer is on disk.
    assert list(run.dialogue.ended) == [work.call.key for work in (first, second, following, *new)]
    assert run.progress.asked == 5


@pytest.mark.parametrize(
    "fault",
    ["http_500", "http_503", "http_529", "drop_before", "drop_middle", "truncated_json", "invalid_json"],
)
def test_a_passing_fault_loses_nothing(server: Server, tmp_path: Path, fault: str) -> None:
    server.faults(**{fault: {"share": 0.2, "attempts": 1}})
    run = Run(server, tmp_path)
    run(run.works(60))
    assert run.attempts()["answered"] == 60
    assert run.attempts()["failed"] == server.stats()["total"]["faults"][fault] > 0
    paid = not fault.startswith("http_")
    lost = [usd for (usd,) in run.rows("SELECT usd FROM attempts WHERE state = 'failed'")]
    assert set(lost) == {WORST if paid else 0.0}


def test_a_timeout_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.faults(timeout={"share": 0.1, "attempts": 1})
    run = Run(server, tmp_path, timeout=0.5)
    run(run.works(30))
    assert run.attempts()["answered"] == 30


@pytest.mark.parametrize("fault", ["http_429", "http_429_bare"])
def test_429s_lose_nothing_and_do_not_count_as_attempts(server: Server, tmp_path: Path, fault: str) -> None:
    server.faults(**{fault: {"share": 0.2, "attempts": 1}})
    run = Run(server, tmp_path, attempts=1)
    run(run.works(30))
    assert run.attempts()["answered"] == 30
    assert run.progress.throttled == run.attempts()["failed"] > 0


def test_retry_after_is_kept_and_holds_nothing_else_back(server: Server, tmp_path: Path) -> None:
    server.faults(http_429={"share": 0.25, "attempts": 1})
    run = Run(server, tmp_path, concurrency=1)
    run(run.works(12))
    failed = run.rows("SELECT key, ended FROM attempts WHERE state = 'failed'")
    assert failed
    for key, ended in failed:
        ((started,),) = run.rows("SELECT started FROM attempts WHERE key = ? AND state = 'answered'", (key,))
        assert started - ended > 0.95
    first = failed[0][0]
    order = [key for (key,) in run.rows("SELECT key FROM attempts WHERE state = 'answered' ORDER BY ended")]
    works = [work.call.key for work in run.works(12)]
    assert order.index(first) > works.index(first)


def test_a_call_that_always_fails_ends_and_the_others_go_on(server: Server, tmp_path: Path) -> None:
    server.faults(http_500={"share": 0.1})
    run = Run(server, tmp_path, attempts=2)
    run(run.works(40))
    always = server.stats()["total"]["faults"]["http_500"] // 2
    assert run.attempts() == {"answered": 40 - always, "failed": 2 * always}
    assert len(run.dialogue.ended) == 40


@pytest.mark.parametrize(("fault", "kind"), [("too_long", "rejected"), ("content_policy", "filtered")])
def test_what_can_never_be_answered_is_asked_once(server: Server, tmp_path: Path, fault: str, kind: str) -> None:
    server.faults(**{fault: {"share": 0.2}})
    run = Run(server, tmp_path)
    run(run.works(30))
    assert run.attempts()["failed"] == server.stats()["total"]["faults"][fault] > 0
    assert {failure for (failure,) in run.rows("SELECT failure FROM attempts WHERE state = 'failed'")} == {kind}
    assert len(run.dialogue.ended) == 30


def test_the_same_refusal_of_the_first_requests_ends_the_run_with_the_servers_words(
    server: Server, tmp_path: Path
) -> None:
    server.faults(too_long=1.0)
    run = Run(server, tmp_path)
    with pytest.raises(UserError, match=r"the first 10 requests were all refused in the same way: .*maximum context"):
        run(run.works(40))
    assert server.stats()["total"]["requests"] < 2 * REFUSALS_THAT_END
    run = Run(server, tmp_path / "more", concurrency=1)
    run.path.parent.mkdir()
    server.faults(too_long={"share": 0.5})  # one answer is enough to go on
    run(run.works(40))
    assert run.attempts()["failed"] > REFUSALS_THAT_END


def test_a_server_that_counts_too_many_tokens_is_not_believed(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("llm.asking.setup.say", said.append)
    monkeypatch.setattr("llm.providers.openai._usage", lambda *_: Usage(MOST_TOKENS, MOST_TOKENS))
    setup._warn_of_counts.cache_clear()
    run = Run(server, tmp_path)
    run(run.works(12), Limits(None, 12 * WORST))
    ((most, usd),) = run.rows("SELECT max(input_tokens), sum(usd) FROM attempts")
    assert 60 < most < 200 and usd < 12 * WORST
    assert len(said) == 1 and "counts of tokens are missing or impossible" in said[0]


def test_a_bad_key_ends_the_run_at_once(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAD_KEY", "bad-key")
    run = Run(server, tmp_path, "BAD_KEY")
    with pytest.raises(UserError, match=r"BAD_KEY.*nothing more is sent"):
        run(run.works(200))
    assert server.stats()["total"]["requests"] <= SETTINGS["concurrency"]


def test_no_credit_ends_the_run_and_what_was_served_is_kept(server: Server, tmp_path: Path) -> None:
    server.faults(quota=25, latency={"base": 0.01, "jitter": 0.05})
    run = Run(server, tmp_path)
    with pytest.raises(UserError, match="credit"):
        run(run.works(200))
    assert run.attempts()["answered"] == server.stats()["total"]["answers"]
    assert not run.attempts()["sent"]


def test_the_worst_case_of_what_is_in_flight_counts(server: Server, tmp_path: Path) -> None:
    server.faults(latency=0.01)
    run = Run(server, tmp_path)
    run(run.works(20), Limits(None, 3.5 * WORST))
    assert run.attempts() == {"answered": 20}
    assert server.stats()["most_in_flight"] <= 3


def test_a_spent_budget_ends_the_run_and_says_what_is_left(server: Server, tmp_path: Path) -> None:
    server.faults(truncated_json=1.0)
    run = Run(server, tmp_path, attempts=1)
    with pytest.raises(UserError, match=r"\$0.0300 of max_usd \$0.035 of the generator.* 17 of 20 items are left"):
        run(run.works(20), Limits(None, 3.5 * WORST))
    assert server.stats()["total"]["answers"] == 3


def test_a_provider_that_is_down_is_tried_by_one_request_at_a_time(server: Server, tmp_path: Path) -> None:
    server.faults(http_503=1.0)
    run = Run(server, tmp_path, patience=2)
    with pytest.raises(UserError, match=r"no answer for \d s, longer than patience \(2 s\): .*503"):
        run(run.works(500))
    assert server.stats()["total"]["requests"] < 40


def test_a_provider_that_comes_back_is_asked_for_everything(server: Server, tmp_path: Path) -> None:
    server.faults(http_503={"share": 1, "attempts": 1}, latency=0.01)
    run = Run(server, tmp_path, attempts=2)
    run(run.works(40))
    assert run.attempts()["answered"] == 40


def test_nobody_there_ends_after_patience(server: Server, tmp_path: Path) -> None:
    nowhere = Server("http://127.0.0.1:9")
    run = Run(nowhere, tmp_path, patience=1)
    with pytest.raises(UserError, match="no connection"):
        run(run.works(5))
    assert {usd for (usd,) in run.rows("SELECT usd FROM attempts")} == {0.0}


def test_a_wait_beyond_patience_ends_the_run(server: Server, tmp_path: Path) -> None:
    server.faults(rate={"per_second": 0.001, "burst": 2, "retry_after": 3600})
    run = Run(server, tmp_path)
    with pytest.raises(UserError, match=r"the provider asks to wait 3,600 s, longer than patience \(30 s\)"):
        run(run.works(20))
    assert run.attempts()["answered"] == 2


def test_a_limit_that_is_told_is_kept(server: Server, tmp_path: Path) -> None:
    server.faults(rate={"per_second": 100, "burst": 30})
    run = Run(server, tmp_path, concurrency=50)
    run(run.works(150), per_minute=6000)
    assert run.attempts()["answered"] == 150
    assert run.progress.throttled <= 3


def test_a_limit_that_is_not_told_is_learnt(server: Server, tmp_path: Path) -> None:
    server.faults(rate={"per_second": 50, "burst": 10})
    run = Run(server, tmp_path, concurrency=20)
    run(run.works(120))
    assert run.attempts()["answered"] == 120
    assert run.progress.throttled < 60


def test_a_model_that_changes_in_mid_run_is_said(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("llm.asking.online.say", said.append)
    server.faults(drift=10)
    Run(server, tmp_path)(Run(server, tmp_path).works(20))
    assert len([line for line in said if "now serves fake-strong-2026-11-01" in line]) == 1


def test_a_defect_of_the_caller_ends_the_run(server: Server, tmp_path: Path) -> None:
    run = Run(server, tmp_path)
    good = run.works(3)

    def broken() -> Iterator[Work]:
        yield from good
        raise UserError("the pool is gone")

    with pytest.raises(UserError, match="the pool is gone"):
        run(broken())
    assert not run.attempts()["sent"]
