"""Give up batches and fine-tuning jobs whose answers or models cannot be fetched any more.

The requests of a batch count as paid at their worst price, because the provider may have answered them, and can be
asked again. What a job cost, or may cost, stays counted as spent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from llm.accounts.show import charged
from llm.asking.remote import Hold
from llm.journal import Journal, batches, tunings
from llm.journal.batches import Batch
from llm.journal.tunings import Tuning
from llm.prices import dollars
from llm.tuning.job import hold_name
from workbench.cli import UserError, say


def forget(path: Path, names: Sequence[str], is_sure: bool) -> None:
    """Give up batches and jobs, or say what would be lost.

    Args:
        path: the journal.
        names: numbers in the journal, or names at the provider.
        is_sure: without this, only say what would be lost.

    Raises:
        UserError: there is no such batch or job, it has ended already, or a process works on it.
    """
    with Journal.open_reading(path) as journal:
        found = [_find(journal, name) for name in names]
    for one in found:
        if isinstance(one, Batch):
            _forget_batch(path, one, is_sure)
        else:
            _forget_job(path, one, is_sure)


def _find(journal: Journal, name: str) -> Batch | Tuning:
    """The batch or job of this name.

    Raises:
        UserError: there is none, or there are both.
    """
    batch = _find_batch(journal, name)
    job = tunings.find(journal, name)
    if batch is not None and job is not None:
        # The number of both. As a rule, one of them has ended and cannot be meant.
        is_live = job.state in tunings.LIVE
        if is_live and batch.state in batches.UNFINISHED:
            raise UserError(
                f"{journal.path}: {name} is the number of a batch and of a fine-tuning job: give the name instead, "
                f"{batch.remote_id or batch.intent} for the batch or {job.name} for the job"
            )
        return job if is_live else batch
    found = batch or job
    if found is None:
        raise UserError(
            f"{journal.path}: there is no batch and no fine-tuning job {name!r}: `tools/journal show` lists them"
        )
    return found


def _find_batch(journal: Journal, name: str) -> Batch | None:
    numbers = journal.read(
        "SELECT id FROM batches WHERE remote_id = :name OR intent = :name OR CAST(id AS TEXT) = :name ORDER BY id DESC",
        {"name": name},
    )
    return batches.find(journal, numbers[0][0]) if numbers else None


def _forget_batch(path: Path, batch: Batch, is_sure: bool) -> None:
    if batch.state not in batches.UNFINISHED:
        raise UserError(f"{path}: batch {batch.id} cannot be given up: it is {batch.state}")
    hold = Hold.take(path, batch.intent)
    if hold is None:
        raise UserError(f"{path}: a process works on batch {batch.id}: end that first")
    try:
        what = f"batch {batch.id} of generator {batch.generator!r} ({batch.requests:,} requests, {batch.state})"
        if not is_sure:
            say(f"{what} would be given up, and its requests asked and paid again; add --yes to do it")
            return
        with Journal(path, batch.study, batch.generator) as journal:
            lost = asyncio.run(journal.write(partial(batches.forget, batch=batch)))
        say(f"{what} is given up: {lost:,} of its requests can be asked again")
    finally:
        hold.drop()


def _forget_job(path: Path, tuning: Tuning, is_sure: bool) -> None:
    if tuning.state not in tunings.LIVE:
        raise UserError(f"{path}: job {tuning.name} cannot be given up: it is {tuning.state}")
    hold = Hold.take(path, hold_name(tuning.key))
    if hold is None:
        raise UserError(f"{path}: a process works on job {tuning.name}: end that first")
    try:
        what = f"job {tuning.name} of {tuning.study} {tuning.run} ({tuning.state})"
        usd = dollars(charged(tuning))
        if not is_sure:
            say(
                f"{what} would be given up; {usd} stay counted as spent, and a rerun creates and pays a new "
                "job; add --yes to do it"
            )
            return
        with Journal(path, tuning.study, tuning.generator) as journal:
            asyncio.run(journal.write(partial(tunings.forget, tuning=tuning, message="given up by hand")))
        say(f"{what} is given up; {usd} stay counted as spent")
    finally:
        hold.drop()
