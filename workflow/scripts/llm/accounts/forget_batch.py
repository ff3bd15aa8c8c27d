"""Give a batch up for good whose answers can no longer be fetched.

    python -m llm.accounts.forget_batch JOURNAL BATCH         what would be lost
    python -m llm.accounts.forget_batch JOURNAL BATCH --yes   do it

To be started in ``workflow/scripts``; BATCH is the batch's number as ``python -m llm.accounts.journal_tool show`` lists it. Its
requests count as paid at their worst price, as the provider may have answered them, and can be asked again.
"""

from __future__ import annotations

import argparse
import asyncio
from functools import partial
from pathlib import Path

from llm.asking.hold import Hold
from llm.journal import Journal
from llm.journal import batches as records
from workbench.cli import UserError, run_script, say, script_parser


def main(arguments: argparse.Namespace) -> None:
    """Say what is lost and, on ``--yes``, let it go.

    Raises:
        UserError: there is no such batch, it is done with, or a process works on it.
    """
    with Journal.open_reading(arguments.journal) as journal:
        batch = records.find(journal, arguments.batch)
    if batch is None or batch.state not in records.UNFINISHED:
        state = "there is none" if batch is None else f"it is {batch.state}"
        raise UserError(f"{arguments.journal}: batch {arguments.batch} cannot be given up: {state}")
    hold = Hold.take(arguments.journal, batch.intent)
    if hold is None:
        raise UserError(f"{arguments.journal}: a process works on batch {batch.id}: end that first")
    try:
        what = f"batch {batch.id} of generator {batch.generator!r} ({batch.requests:,} requests, {batch.state})"
        if not arguments.yes:
            say(f"{what} would be given up, and its requests asked and paid again; add --yes to do it")
            return
        with Journal(arguments.journal, batch.study, batch.generator) as journal:
            lost = asyncio.run(_forget(journal, batch))
        say(f"{what} is given up: {lost:,} of its requests can be asked again")
    finally:
        hold.drop()


async def _forget(journal: Journal, batch: records.Batch) -> int:
    return await journal.write(partial(records.forget, batch=batch))


if __name__ == "__main__":
    parser = script_parser(__doc__)
    parser.add_argument("journal", type=Path, help="the journal's file")
    parser.add_argument("batch", type=int, help="number of the batch")
    parser.add_argument("--yes", action="store_true", help="do it, instead of saying what would be done")
    run_script(parser, main)
