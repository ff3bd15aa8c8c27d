"""Give up batches and fine-tuning jobs whose answers or models cannot be fetched any more.

The requests of a batch count as paid at their worst price, because the provider may have answered them, and can be
asked again. What a job cost, or may cost, stays counted as spent.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

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
        _forget(path, one, is_sure)


def _find(journal: Journal, name: str) -> Batch | Tuning:
    """The batch or job of this name.

    Raises:
        UserError: there is none, or there are both.
    """
    numbers = journal.read(
        "SELECT id FROM batches WHERE remote_id = :name OR intent = :name OR CAST(id AS TEXT) = :name ORDER BY id DESC",
        {"name": name},
    )
    batch = batches.find(journal, numbers[0][0]) if numbers else None
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


def _forget(path: Path, one: Batch | Tuning, is_sure: bool) -> None:
    """Give up a batch or job, or say what would be lost.

    Raises:
        UserError: it has ended already, or a process works on it.
    """
    if isinstance(one, Batch):
        name, intent, is_live = f"batch {one.id}", one.intent, one.state in batches.UNFINISHED
        what = f"{name} of generator {one.generator!r} ({one.requests:,} requests, {one.state})"
        spent, warning = "", ", and its requests asked and paid again"
    else:
        name, intent, is_live = f"job {one.name}", hold_name(one.key), one.state in tunings.LIVE
        what = f"{name} of {one.study} {one.run} ({one.state})"
        spent = f"; {dollars(one.charged)} stay counted as spent"
        warning = f"{spent}, and a rerun creates and pays a new job"
    if not is_live:
        raise UserError(f"{path}: {name} cannot be given up: it is {one.state}")
    hold = Hold.take(path, intent)
    if hold is None:
        raise UserError(f"{path}: a process works on {name}: end that first")
    try:
        if not is_sure:
            say(f"{what} would be given up{warning}; add --yes to do it")
            return
        with Journal(path, one.study, one.generator) as journal:
            if isinstance(one, Batch):
                lost = asyncio.run(journal.write(partial(batches.forget, batch=one)))
                say(f"{what} is given up: {lost:,} of its requests can be asked again")
            else:
                asyncio.run(journal.write(partial(tunings.forget, tuning=one, message="given up by hand")))
                say(f"{what} is given up{spent}")
    finally:
        hold.drop()
