"""Ask an LLM for the targets of the pool's sources: what the journal does not hold yet, nothing twice.

Every answer stands in the journal before it is used. The files written at the end are exports of it. Nothing is asked
where the whole study would cost more than it may.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path

from llm.asking import Asking, Pool, put_together, sdk_name
from llm.batch import BatchExecutor
from llm.calls import Failure, FailureKind, Work
from llm.estimate import add_generators, estimates, over_budget
from llm.export import Files, export, ledger_of, model_notes, summary
from llm.journal import Journal
from llm.online import OnlineExecutor
from llm.pacing import Account
from llm.prices import shutdown_date, shutdown_note
from llm.progress import Progress
from workbench.cli import UserError, run_script, say, script_parser
from workbench.files import write_json


def main(arguments: argparse.Namespace) -> None:
    """Ask for what is missing, then write the files."""
    settings, execution = json.loads(arguments.settings), json.loads(arguments.execution)
    prompts = {role: Path(path) for role, path in arguments.prompt}
    pool = Pool(arguments.pool)
    sdk = sdk_name(settings["provider"])
    with Journal(Path(execution["journal"]), execution["study"], execution["generator"], sdk) as journal:
        asking = put_together(settings, execution, prompts, journal, with_key=False)
        shutdown = shutdown_date(settings["provider"], settings["model"])
        if any(works(asking, pool)):
            if problems := over_budget(estimates(arguments.generator, pool)):
                raise UserError("; ".join(problems))
            told = asyncio.run(ask(put_together(settings, execution, prompts, journal, with_key=True), pool))
            shutdown = told or shutdown
        # Snakemake deletes what a failed job was to write: the rejects of a study that stops lie beside the log.
        stopped = (arguments.log or arguments.rejects).with_suffix(".stopped.tsv")
        files = Files(arguments.generated, arguments.answers, arguments.rejects, stopped)
        counts = export(asking, pool, files)
        note = shutdown_note(settings["model"], shutdown, date.today(), execution["shutdown_notice"])
        notes = [*model_notes(counts), *([note] if note else [])]
        for note in notes:
            say(f"WARNING: {note}")
        ledger = ledger_of(asking, counts, notes)
        write_json(arguments.ledger, ledger)
        say(summary(counts, ledger))


def works(asking: Asking, pool: Pool) -> Iterator[Work | None]:
    """The first call of each item of the pool that has no answer; None for an item that needs none."""
    return (asking.dialogue.start(item) for item in asking.dialogue.items(pool))


async def ask(asking: Asking, pool: Pool) -> date | None:
    """Ask for everything that is missing; the day on which the model is shut down, if the provider tells one.

    Raises:
        UserError: nothing can be asked, or the budget does not suffice.
    """
    try:
        shutdown = await announced_shutdown(asking)
        for _ in range(asking.dialogue.passes):
            if asking.execution["mode"] == "batch":
                await batch_executor(asking, pool).run(partial(works, asking, pool))
            else:
                await online_executor(asking, pool).run(works(asking, pool))
    finally:
        await asking.api.close()
    return shutdown


async def announced_shutdown(asking: Asking) -> date | None:
    """Ask the provider for the model, which costs nothing, and when it is shut down.

    Raises:
        UserError: the key is not accepted, or there is no such model.
    """
    try:
        model = await asking.api.preflight()
    except Failure as failure:
        if failure.kind is FailureKind.FATAL:
            raise UserError(f"{asking.settings['model']}: {failure.message}") from failure
        return None
    return model.shutdown_date if model else None


def batch_executor(asking: Asking, pool: Pool) -> BatchExecutor:
    """What hands the calls over in batches."""
    settings = {**asking.settings, **asking.execution}
    return BatchExecutor(
        asking.api, asking.journal, settings, asking.limits, asking.price, asking.dialogue, progress(asking, pool)
    )


def online_executor(asking: Asking, pool: Pool) -> OnlineExecutor:
    """What asks one call at a time, many at once."""
    execution = asking.execution
    account = Account(
        asking.journal, execution["account"], execution["requests_per_minute"], execution["tokens_per_minute"]
    )
    return OnlineExecutor(
        asking.api,
        asking.journal,
        account,
        execution,
        asking.limits,
        asking.price,
        asking.dialogue,
        progress(asking, pool),
    )


def progress(asking: Asking, pool: Pool) -> Progress:
    """The line that is shown meanwhile; the money is the generator's where it has a limit of its own."""
    own = asking.limits.generator_usd is not None
    grouped = asking.settings["sentences_per_request"] > 1
    return Progress(
        sum(1 for _ in asking.dialogue.items(pool)) if grouped else len(pool) * asking.settings["samples"],
        spent=lambda: asking.journal.spent()[own],
        limit=asking.limits.generator_usd if own else asking.limits.study_usd,
    )


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--settings", required=True, help="what shapes the text, as JSON")
    parser.add_argument("--execution", required=True, help="how it is asked, as JSON")
    parser.add_argument(
        "--prompt",
        nargs=2,
        action="append",
        required=True,
        metavar=("ROLE", "PATH"),
        help="a file that requests are written from: prompt, prompt_many, retry, system",
    )
    add_generators(parser)
    parser.add_argument("--pool", type=Path, required=True, help="the split whose sources are translated")
    parser.add_argument("--generated", type=Path, required=True, help="output: generated text")
    parser.add_argument("--answers", type=Path, required=True, help="output: every answer and where it comes from")
    parser.add_argument("--rejects", type=Path, required=True, help="output: the answers that are not translations")
    parser.add_argument("--ledger", type=Path, required=True, help="output: what was asked and what it cost, JSON")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
