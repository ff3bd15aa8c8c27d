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
from llm.journal.batches import BATCHES, Batch
from llm.journal.tunings import TUNINGS, Tuning
from llm.prices import dollars
from llm.tuning.job import hold_name
from workbench.cli import UserError, say


def forget(path: Path, names: Sequence[str], is_sure: bool) -> None:
    """Give up batches and jobs, by number in the journal or name at the provider; or say what would be lost.

    Raises:
        UserError: there is no such batch or job, it has ended already, or a process works on it.
    """
    with Journal.open_reading(path) as journal:
        found = [_find(journal, name) for name in names]
    for one in found:
        _forget(path, one, is_sure)


def _find(journal: Journal, name: str) -> Batch | Tuning:
    found = [one for one in (BATCHES.named(journal, name), TUNINGS.named(journal, name)) if one is not None]
    if not found:
        raise UserError(
            f"{journal.path}: there is no batch and no fine-tuning job {name!r}: `tools/journal show` lists them"
        )
    # A number may be that of both. As a rule, one of them has ended and cannot be meant.
    live = [one for one in found if _is_live(one)]
    if len(live) > 1:
        batch, job = (one.remote_id or one.intent for one in live)
        raise UserError(
            f"{journal.path}: {name} is the number of a batch and of a fine-tuning job: give the name instead, "
            f"{batch} for the batch or {job} for the job"
        )
    return (live or found)[0]


def _is_live(one: Batch | Tuning) -> bool:
    return one.state in (batches.UNFINISHED if isinstance(one, Batch) else tunings.LIVE)


def _forget(path: Path, one: Batch | Tuning, is_sure: bool) -> None:
    if isinstance(one, Batch):
        name, intent = f"batch {one.id}", one.intent
        what = f"{name} of generator {one.generator!r} ({one.requests:,} requests, {one.state})"
        spent, warning = "", ", and its requests asked and paid again"
    else:
        name, intent = f"job {one.name}", hold_name(one.key)
        what = f"{name} of {one.study} {one.run} ({one.state})"
        spent = f"; {dollars(one.charged)} stay counted as spent"
        warning = f"{spent}, and a rerun creates and pays a new job"
    if not _is_live(one):
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
