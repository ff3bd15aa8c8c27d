"""The journal keeps every answer and every cent, whatever goes wrong in a process."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from journalling import COST, WORST, accounts_agree, answer, ask, busy, call, cut_off, reply, states, wait_for

from llm.calls import Call, Failure, FailureKind
from llm.journal import Claim, Journal, Limits, OverBudget, Stored, Ticket
from llm.journal.calls import Answered, batch_tickets, claim, settle_answers
from llm.journal.ledger import ledger
from llm.journal.presence import SILENT_SECONDS
from workbench.cli import UserError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "answers.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal(path, "study", "gpt", "openai 3.52.0") as journal:
        yield journal


def test_an_answer_is_asked_once_and_found_by_every_study(path: Path) -> None:
    with Journal(path, "study", "gpt", "openai 3.52.0") as journal:
        stored = wait_for(lambda: ask(journal, 1))
        assert journal.answered(call(1).key) == stored
        assert journal.spent() == (COST, COST)
    with Journal(path, "other study", "other") as journal:
        again = wait_for(lambda: journal.begin(call(1), WORST))
        assert again == stored
        assert (again.raw, again.usd, again.model, again.fingerprint) == ('{"text": "Haus"}', COST, "m-1", "fp")
        assert (again.study, again.generator, again.sdk, again.request_id) == ("study", "gpt", "openai 3.52.0", "req-1")
        assert (again.input_tokens, again.output_tokens, again.cached_tokens) == (10, 5, 2)
        assert again.headers == {"x-request-id": "req-1"}
        assert time.time() - 60 < again.started <= again.ended <= time.time()
        assert journal.answered(call(2).key) is None
        assert journal.spent() == (0.0, 0.0)
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["answers.sqlite"]


def test_whatever_shapes_an_answer_makes_another_call() -> None:
    base = Call("openai", "http://server/v1", "v1", {"model": "m", "seed": 1})
    others = [
        Call("anthropic", base.base_url, base.api_version, base.body),
        Call(base.provider, "http://other/v1", base.api_version, base.body),
        Call(base.provider, base.base_url, "v2", base.body),
        Call(base.provider, base.base_url, base.api_version, {"model": "m", "seed": 2}),
        Call(base.provider, base.base_url, base.api_version, base.body, 1),
    ]
    assert len({base.key, *(other.key for other in others)}) == 6
    assert Call(base.provider, base.base_url, base.api_version, {"seed": 1, "model": "m"}).key == base.key


def test_failures_are_kept_and_the_call_may_be_asked_again(journal: Journal) -> None:
    async def go() -> None:
        for failure, usd in ((busy(), 0.0), (cut_off(), WORST)):
            ticket = await journal.begin(call(1), WORST)
            assert isinstance(ticket, Ticket)
            await journal.fail(ticket, failure, usd)
        assert journal.last_failure(call(1).key) == (FailureKind.TRANSIENT, "the answer broke off")
        await ask(journal, 1)

    assert journal.last_failure(call(1).key) is None
    wait_for(go)
    assert journal.answered(call(1).key) is not None
    assert journal.spent() == (WORST + COST, WORST + COST)
    accounts_agree(journal)
    accounts = ledger(journal, "study", "gpt")
    assert accounts["requests"] == 3
    assert accounts["failures"] == {"throttled": 1, "transient": 1}
    assert (accounts["answered"], accounts["failed"], accounts["throttled"], accounts["repeated"]) == (1, 2, 1, 2)
    assert (accounts["input_tokens"], accounts["output_tokens"], accounts["cached_tokens"]) == (10, 5, 2)
    assert (accounts["usd"], accounts["usd_unsure"]) == (WORST + COST, WORST)
    assert accounts["models"] == {"m-1": 1}
    assert ledger(journal, "study", "nobody")["first"] is None


def test_a_call_in_flight_is_waited_for(journal: Journal) -> None:
    async def go() -> None:
        ticket = await journal.begin(call(1), WORST)
        waiting = [asyncio.create_task(journal.begin(call(1), WORST)) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in waiting)
        assert isinstance(ticket, Ticket)
        stored = await journal.finish(ticket, reply(), answer(), COST)
        assert await asyncio.gather(*waiting) == [stored] * 3

        ticket = await journal.begin(call(2), WORST)
        second = asyncio.create_task(journal.begin(call(2), WORST))
        await asyncio.sleep(0.05)
        assert isinstance(ticket, Ticket)
        await journal.fail(ticket, busy(), 0.0)
        assert isinstance(await second, Ticket)

    wait_for(go)


def test_the_same_call_twice_at_the_same_time(journal: Journal) -> None:
    async def go() -> None:
        async def one() -> Ticket | Stored:
            outcome = await journal.begin(call(1), WORST)
            return await journal.finish(outcome, reply(), answer(), COST) if isinstance(outcome, Ticket) else outcome

        stored = await asyncio.gather(*(one() for _ in range(20)))
        assert len(set(entry.attempt for entry in stored)) == 1

    wait_for(go)
    assert states(journal) == {"answered": 1}


def test_the_budget_counts_what_is_in_flight(journal: Journal) -> None:
    async def go() -> None:
        limits = Limits(study_usd=3 * WORST, generator_usd=2 * WORST)
        first, _ = [await journal.begin(call(number), WORST, limits) for number in (1, 2)]
        with pytest.raises(OverBudget) as refused:
            await journal.begin(call(3), WORST, limits)
        assert (refused.value.scope, refused.value.spent, refused.value.limit) == ("generator", 2 * WORST, 2 * WORST)
        assert isinstance(first, Ticket)
        await journal.finish(first, reply(), answer(), 0.0)
        assert isinstance(await journal.begin(call(3), WORST, limits), Ticket)
        assert isinstance(await journal.begin(call(1), WORST, limits), Stored)  # an answer that is there costs nothing

    wait_for(go)
    with Journal(journal.path, "study", "other") as other:
        limits = Limits(study_usd=3 * WORST)
        wait_for(lambda: ask(other, 10, WORST, limits))
        with pytest.raises(OverBudget, match=r"study: \$0.7500 of \$0.7500"):
            wait_for(lambda: ask(other, 11, WORST, limits))
        assert states(other)["sent"] == 2
        accounts_agree(other)


def test_limits_in_one_transaction_are_kept_too(journal: Journal) -> None:
    async def go() -> None:
        limits = Limits(study_usd=5 * WORST)
        outcomes = await asyncio.gather(
            *(journal.begin(call(number), WORST, limits) for number in range(50)), return_exceptions=True
        )
        assert Counter(type(outcome) for outcome in outcomes) == {Ticket: 5, OverBudget: 45}

    wait_for(go)
    assert journal.spent() == (5 * WORST, 5 * WORST)


def test_who_is_cancelled_while_claiming_leaves_nothing(journal: Journal) -> None:
    async def go() -> None:
        tasks = [asyncio.create_task(journal.begin(call(number), WORST)) for number in range(20)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert all(task.cancelled() for task in tasks)

    wait_for(go)
    assert states(journal) == {}
    assert journal.spent() == (0.0, 0.0)


def test_an_answer_is_written_though_its_task_is_cancelled(journal: Journal) -> None:
    async def go() -> None:
        ticket = await journal.begin(call(1), WORST)
        assert isinstance(ticket, Ticket)
        task = asyncio.create_task(journal.finish(ticket, reply(), answer(), COST))
        await asyncio.sleep(0)
        task.cancel()

    wait_for(go)
    journal.close()
    with Journal(journal.path, "study", "gpt") as again:
        assert again.answered(call(1).key) is not None
        assert again.spent() == (COST, COST)


def test_a_call_that_was_never_sent_is_given_back(journal: Journal) -> None:
    async def go() -> None:
        ticket = await journal.begin(call(1), WORST)
        assert isinstance(ticket, Ticket)
        await journal.withdraw(ticket)
        await journal.withdraw(ticket)

    wait_for(go)
    assert states(journal) == {}
    assert journal.spent() == (0.0, 0.0)


def test_what_is_in_flight_at_the_end_is_lost_at_its_worst_price(path: Path) -> None:
    with Journal(path, "study", "gpt") as journal:
        ticket = wait_for(lambda: journal.begin(call(1), WORST))
    assert isinstance(ticket, Ticket)
    with Journal(path, "study", "gpt") as journal:
        assert states(journal) == {"lost": 1}
        assert journal.spent() == (WORST, WORST)
        wait_for(lambda: journal.finish(ticket, reply(), answer(), COST))  # it came after all
        assert states(journal) == {"answered": 1}
        assert journal.spent() == (COST, COST)


def test_a_ticket_is_settled_once(journal: Journal) -> None:
    async def go() -> None:
        ticket = await journal.begin(call(1), WORST)
        assert isinstance(ticket, Ticket)
        stored = await journal.finish(ticket, reply(), answer(), COST)
        await journal.fail(ticket, cut_off(), WORST)
        assert await journal.finish(ticket, reply("other"), answer(), 2 * COST) == stored

    wait_for(go)
    assert states(journal) == {"answered": 1}
    assert journal.spent() == (COST, COST)


def test_of_two_answers_the_first_holds_and_both_are_paid(path: Path) -> None:
    with Journal(path, "study", "gpt") as journal:
        lost = wait_for(lambda: journal.begin(call(1), WORST))
    assert isinstance(lost, Ticket)
    with Journal(path, "study", "gpt") as journal:
        stored = wait_for(lambda: ask(journal, 1))
        assert wait_for(lambda: journal.finish(lost, reply("late"), answer(), COST)) == stored
        assert journal.answered(call(1).key) == stored
        assert states(journal) == {"answered": 1, "failed": 1}
        assert journal.spent() == (2 * COST, 2 * COST)
        assert ledger(journal, "study", "gpt")["failures"] == {"answered twice": 1}


def test_a_failed_write_undoes_itself_only(journal: Journal) -> None:
    def wrong(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO accounts(name) VALUES ('wrong')")
        raise ValueError("no")

    def right(db: sqlite3.Connection) -> int:
        return db.execute("INSERT INTO accounts(name) VALUES ('right')").rowcount

    async def go() -> None:
        results = await asyncio.gather(
            journal.write(wrong), journal.write(right), ask(journal, 1), return_exceptions=True
        )
        assert isinstance(results[0], ValueError)
        assert results[1] == 1

    wait_for(go)
    assert journal.read("SELECT name FROM accounts") == [("right",)]
    assert journal.answered(call(1).key) is not None


def test_calls_in_a_batch_outlive_their_process(path: Path) -> None:
    with Journal(path, "study", "gpt") as journal:
        claims = [Claim(call(number), WORST, Limits()) for number in range(300)]
        outcomes = wait_for(lambda: journal.write(lambda db: claim(db, journal.owner, claims, batch=7)))
        assert all(isinstance(outcome, Ticket) for outcome in outcomes)
    with Journal(path, "study", "gpt") as journal:
        assert states(journal) == {"sent": 300}
        with pytest.raises(UserError, match=r"part of batch 7 of generator 'gpt'.*mode: batch"):
            wait_for(lambda: journal.begin(call(5), WORST))

        def settle(db: sqlite3.Connection) -> list[Stored]:
            tickets = list(batch_tickets(db, 7))
            return settle_answers(db, [Answered(ticket, reply(), answer(), COST, time.time()) for ticket in tickets])

        assert len(wait_for(lambda: journal.write(settle))) == 300
        assert states(journal) == {"answered": 300}
        assert journal.spent()[0] == pytest.approx(300 * COST)


def test_reading_only_changes_nothing(path: Path, journal: Journal) -> None:
    wait_for(lambda: ask(journal, 1))
    with Journal.open_reading(path, "study", "gpt") as reading:
        assert reading.spent() == (COST, COST)
        assert [row for row in reading.stream("SELECT key FROM attempts")] == [(call(1).key,)]
        with pytest.raises(UserError):
            reading.read("DELETE FROM attempts")
    with pytest.raises(UserError, match="there is no journal"):
        Journal.open_reading(path.with_name("other"))


@pytest.mark.parametrize("content", [b"id\tsource\n", b"x"])
def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pool.tsv"
    path.write_bytes(content)
    for opening in (lambda: Journal(path, "s", "g"), lambda: Journal.open_reading(path)):
        with pytest.raises(UserError, match="is not a journal of LLM answers"):
            opening()
    assert path.read_bytes() == content
    assert [entry.name for entry in tmp_path.iterdir()] == ["pool.tsv"]


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE calls(x)")
    db.commit()
    db.close()
    before = path.read_bytes()
    with pytest.raises(UserError, match="is not a journal of LLM answers"):
        Journal(path, "s", "g")
    assert path.read_bytes() == before


def test_a_newer_version_is_refused(path: Path) -> None:
    Journal(path, "s", "g").close()
    db = sqlite3.connect(path)
    db.execute("UPDATE meta SET value = 99")
    db.commit()
    db.close()
    for opening in (lambda: Journal(path, "s", "g"), lambda: Journal.open_reading(path)):
        with pytest.raises(UserError, match=r"version 99.*update the workbench"):
            opening()


def test_a_damaged_journal_is_said_so(path: Path, journal: Journal) -> None:
    wait_for(lambda: ask(journal, 1))
    journal.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * len(content[4096:])
    path.write_bytes(content)
    with pytest.raises(UserError, match="damaged"), Journal(path, "study", "gpt") as damaged:
        damaged.answered(call(1).key)


def test_another_host_is_refused_while_it_is_at_work(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Journal(path, "study", "gpt")
    wait_for(lambda: here.begin(call(1), WORST))
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    with pytest.raises(UserError, match=r"in use on host .* one journal serves one host"):
        Journal(path, "study", "gpt")
    long_ago = time.time() - SILENT_SECONDS - 1
    wait_for(lambda: here.write(lambda db: db.execute("UPDATE workers SET seen = ?", (long_ago,)).rowcount))
    with Journal(path, "study", "gpt") as there:
        assert states(there) == {"lost": 1}
    here.close()


def test_half_a_character_in_a_servers_message_does_not_break_the_journal(tmp_path: Path) -> None:
    async def fail_and_finish(journal: Journal) -> None:
        first, second = await journal.begin(call(1), WORST), await journal.begin(call(2), WORST)
        assert isinstance(first, Ticket) and isinstance(second, Ticket)
        await journal.fail(first, Failure(FailureKind.REJECTED, "bad prompt: \ud83d"), 0.0)
        await journal.finish(second, reply(), answer(), COST)

    with Journal(tmp_path / "journal.sqlite", "study", "generator") as journal:
        asyncio.run(fail_and_finish(journal))
        assert journal.last_failure(call(1).key) == (FailureKind.REJECTED, "bad prompt: ?")
        assert journal.answered(call(2).key) is not None
