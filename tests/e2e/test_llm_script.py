"""The script that asks LLMs, by itself against the fake server: every fault, online and in batches."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_server import Server, fake_llm
from llm_study import Generator, toy_sources
from toy_corpus import toy_corpus

from workbench.cli import UserError
from workbench.tables import write_rows

pytestmark = pytest.mark.slow

SOURCES = 40
PATIENT: dict[str, Any] = {
    "concurrency": 8,
    "attempts": 2,
    "patience": 6,
    "timeout": 0.7,
    "outcomes": {"failed": ["drop"]},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that knows the corpus by heart."""
    pairs = tmp_path_factory.mktemp("pairs") / "pairs.tsv"
    write_rows(pairs, ["source", "target"], toy_corpus(1000))
    with fake_llm(pairs=pairs) as running:
        yield running


@pytest.fixture
def fresh(server: Server) -> Iterator[Server]:
    """The server with no faults and no memory."""
    server.reset(faults=True)
    yield server
    server.reset(faults=True)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("key", ["bad-key", "forbidden-key", "poor-key"])
def test_a_key_that_does_not_work_stops_at_once(
    fresh: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: str, key: str
) -> None:
    monkeypatch.setenv("SOME_KEY", key)
    generator = Generator(tmp_path, fresh, toy_sources(SOURCES), provider, api_key_env="SOME_KEY", concurrency=8)
    with pytest.raises(UserError) as caught:
        generator.run()
    assert "\n" not in str(caught.value)
    assert 1 <= fresh.stats()["total"]["requests"] <= 9
    assert fresh.stats()["total"]["answers"] == 0


def test_a_bad_key_is_one_line_even_where_models_cannot_be_looked_up(fresh: Server, tmp_path: Path) -> None:
    fresh.faults(local={"models": 0}, latency=0.1)
    generator = Generator(tmp_path, fresh, toy_sources(SOURCES), api_key_env="SOME_KEY", concurrency=8)
    status, printed = generator.script(SOME_KEY="bad-key")
    assert status == 1
    errors = [line for line in printed if "ERROR" in line]
    assert len(errors) == 1 and errors[0].startswith("[gpt] ERROR: ")
    assert "Traceback" not in generator.log
    assert fresh.stats()["total"]["requests"] <= 1 + 8
    # Where there is a journal, the script says that the key is missing.
    status, printed = generator.script(SOME_KEY="")
    assert status == 1
    assert len(printed) == 1 and "SOME_KEY" in printed[0]
    assert "Traceback" not in generator.log


HARMLESS = {"http_429": 1, "http_429_bare": 1, "http_500": 1, "http_503": 1, "http_529": 1}
FAULTS: dict[str, dict[str, Any]] = {
    # The provider is at fault: the first tries fail.
    **{name: {name: {"share": 0.2, "attempts": tries}} for name, tries in HARMLESS.items()},
    "drop_before": {"drop_before": {"share": 0.2, "attempts": 1}},
    "drop_middle": {"drop_middle": {"share": 0.2, "attempts": 1}},
    # The request is: all of its tries fail.
    **{
        f"{name}, always": {name: 0.2}
        for name in (
            *("http_500", "http_502", "timeout", "drop_before", "drop_middle", "truncated_json", "invalid_json"),
            *("too_long", "bad_request", "content_policy"),
        )
    },
    **{
        name: {name: 0.2}
        for name in (
            *("refusal", "refusal_text", "content_filter", "empty", "length", "lead_in", "quotes", "markdown"),
            *("several_lines", "echo", "copy", "wrong_language"),
        )
    },
    "a rate limit": {"rate": {"per_second": 30, "burst": 5}},
    "a tail": {"latency": {"base": 0.01, "tail_share": 0.2, "tail_factor": 20}},
    "a changing model": {"drift": {"after": 20}},
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_source_has_a_target_or_a_reason(
    fresh: Server, tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    fresh.faults(**FAULTS[name])
    generator = Generator(tmp_path, fresh, toy_sources(SOURCES), **PATIENT)
    with caplog.at_level(logging.INFO):
        generator.run()
    check_served(generator, fresh)
    check_quiet(caplog, capfd)
    if name == "a changing model":
        assert "THE MODEL CHANGED" in generator.ledger["notes"]


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize(
    "faults",
    [{"batch": {"expired": 0.2, "failed": 0.2, "batches": 2}, "refusal_text": 0.2, "too_long": 0.1}, {"http_500": 0.2}],
)
def test_every_source_of_a_batch_has_a_target_or_a_reason(
    fresh: Server,
    tmp_path: Path,
    provider: str,
    faults: dict[str, Any],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    fresh.faults(**faults)
    settings = {**PATIENT, "timeout": 10, "mode": "batch", "batch": {"max_requests": 15, "poll_seconds": 0.05}}
    generator = Generator(tmp_path, fresh, toy_sources(SOURCES), provider, **settings)
    with caplog.at_level(logging.INFO):
        generator.run()
    check_served(generator, fresh)
    check_quiet(caplog, capfd)


def test_several_sentences_at_once_survive_what_does_not_fit(
    fresh: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    fresh.faults(misaligned=0.3, refusal=0.1, truncated_json={"share": 0.2, "attempts": 1})
    generator = Generator(tmp_path, fresh, toy_sources(SOURCES), sentences_per_request=5, **PATIENT)
    with caplog.at_level(logging.INFO):
        generator.run()
    check_served(generator, fresh)
    check_quiet(caplog, capfd)


def test_everything_at_once_leaves_no_traceback_in_the_log(fresh: Server, tmp_path: Path) -> None:
    shares = {
        name: 0.03 for name in ("refusal", "empty", "length", "quotes", "several_lines", "bad_request", "http_502")
    }
    fresh.faults(
        **shares, **{name: {"share": 0.1, "attempts": 1} for name in (*HARMLESS, "drop_before", "drop_middle")}
    )
    sources = toy_sources(100)
    generator = Generator(tmp_path, fresh, [*sources, *sources[:20]], **PATIENT)
    status, printed = generator.script()
    assert status == 0, printed
    assert "Traceback" not in generator.log
    check_served(generator, fresh)


def check_served(generator: Generator, server: Server) -> None:
    """The ledger is complete and agrees with what the server counted."""
    generator.check_accounts()
    ledger, stats = generator.ledger, server.stats()["total"]
    assert ledger["answered"] == stats["answers"] - stats["lost"]
    assert ledger["lost"] == 0
    answered = {row["key"]: float(row["usd"]) for row in generator.table("answers") if row["usd"]}
    assert sum(answered.values()) <= ledger["usd"] + 1e-6


def check_quiet(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing was logged as an error, and nothing printed a traceback."""
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert "Traceback" not in caplog.text + "".join(capfd.readouterr())
