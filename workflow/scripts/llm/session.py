"""One job that asks an LLM, from its command line to its ledger: whatever its task is, it goes this way.

Every answer stands in the journal before it is used. The files written at the end are exports of it. Nothing is asked
where the whole study would cost more than it may.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

from llm.accounts.estimate import add_study, over_budget, study_estimates
from llm.asking.batches.executor import BatchExecutor
from llm.asking.export import Counts, Files, Results, export, ledger_of, model_notes, summary
from llm.asking.online import OnlineExecutor
from llm.asking.pace import Account
from llm.asking.progress import Progress
from llm.asking.setup import Asking, Subjects, api_of, put_together
from llm.calls import Failure, FailureKind, Work
from llm.journal import Journal
from llm.journal.tunings import accountable, models_of, open_account
from llm.prices import shutdown_date, shutdown_note
from llm.providers.api import Api
from workbench.cli import UserError, say, script_parser
from workbench.files import write_json


def carry_out(
    arguments: argparse.Namespace,
    subjects: Subjects,
    written: Path,
    results: Results,
    model: str | None = None,
    run: str | None = None,
) -> None:
    """Ask for what the journal lacks, then write the files.

    Args:
        arguments: of :func:`session_parser`.
        subjects: what is asked about.
        written: where the table of results goes.
        results: what that table holds.
        model: to ask instead of that of the settings.
        run: of a learner; the ledger then holds what was asked of the models that this run accounts for.

    Raises:
        UserError: nothing can be asked, the budget does not suffice, or a policy says stop.
    """
    settings, execution = json.loads(arguments.settings), json.loads(arguments.execution)
    settings = {**settings, "model": model or settings["model"]}
    prompts = {role: Path(path) for role, path in arguments.prompt}
    api = api_of(settings, execution, with_key=False)
    with Journal(Path(execution["journal"]), execution["study"], execution["generator"], api.sdk) as journal:
        asking = put_together(settings, execution, prompts, journal, api)
        if run is not None:
            asyncio.run(_open_account(journal, settings["model"], run))
        shutdown = shutdown_date(settings["provider"], settings["model"])
        if any(works(asking, subjects)):
            if problems := over_budget(study_estimates(arguments)):
                raise UserError("; ".join(problems))
            sending = replace(asking, api=api_of(settings, execution, with_key=True))
            shutdown = asyncio.run(ask(sending, subjects)) or shutdown
        # Snakemake deletes what a failed job was to write: the rejects of a study that stops lie beside the log.
        stopped = (arguments.log or arguments.rejects).with_suffix(".stopped.tsv")
        files = Files(written, arguments.answers, arguments.rejects, stopped)
        counts = export(asking, subjects, files, results)
        note = shutdown_note(settings["model"], shutdown, date.today(), execution["shutdown_notice"])
        tell(asking, counts, [*model_notes(counts), *([note] if note else [])], arguments.ledger, run)


def tell(asking: Asking, counts: Counts, notes: list[str], ledger_file: Path, run: str | None) -> None:
    """Write the ledger and say what was done."""
    for note in notes:
        say(f"WARNING: {note}")
    models = None if run is None else models_of(asking.journal, run)
    shared = [] if run is None else _account_notes(asking, run, models or [])
    ledger = ledger_of(asking, counts, [*notes, *shared], models)
    write_json(ledger_file, ledger)
    say(summary(counts, ledger, asking.task.result))


async def _open_account(journal: Journal, model: str, run: str) -> None:
    await journal.write(partial(open_account, owner=journal.owner, model=model, run=run))


def _account_notes(asking: Asking, run: str, models: Sequence[str]) -> list[str]:
    """What a reader must know of a run's accounts."""
    model = asking.settings["model"]
    owner, earlier = accountable(asking.journal, model), len(set(models) - {model})
    return [
        *([f"the same model as {owner}, which accounts for it"] if owner != run else []),
        *([f"with what {earlier} earlier model{'s' * (earlier > 1)} of this run was asked"] if earlier else []),
    ]


def works(asking: Asking, subjects: Subjects) -> Iterator[Work | None]:
    """The first call of each item of the subjects that has no answer; None for an item that needs none."""
    return (asking.dialogue.start(item) for item in asking.dialogue.items(subjects))


async def ask(asking: Asking, subjects: Subjects) -> date | None:
    """Ask for everything that is missing; the day on which the model is shut down, if the provider tells one.

    Raises:
        UserError: nothing can be asked, or the budget does not suffice.
    """
    try:
        shutdown = await announced_shutdown(asking.api, asking.settings["model"])
        for _ in range(asking.dialogue.passes):
            if asking.execution["mode"] == "batch":
                await batch_executor(asking, subjects).run(partial(works, asking, subjects))
            else:
                await online_executor(asking, subjects).run(works(asking, subjects))
    finally:
        await asking.api.close()
    return shutdown


async def announced_shutdown(api: Api, model: str) -> date | None:
    """Ask the provider for the model, which costs nothing, and when it is shut down.

    Raises:
        UserError: the key is not accepted, or there is no such model.
    """
    try:
        told = await api.preflight()
    except Failure as failure:
        if failure.kind is FailureKind.FATAL:
            raise UserError(f"{model}: {failure.message}") from failure
        return None
    return told.shutdown_date if told else None


def batch_executor(asking: Asking, subjects: Subjects) -> BatchExecutor:
    """What hands the calls over in batches."""
    settings = {**asking.settings, **asking.execution}
    return BatchExecutor(
        asking.api, asking.journal, settings, asking.limits, asking.price, asking.dialogue, progress(asking, subjects)
    )


def online_executor(asking: Asking, subjects: Subjects) -> OnlineExecutor:
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
        progress(asking, subjects),
    )


def progress(asking: Asking, subjects: Subjects) -> Progress:
    """The line that is shown meanwhile; the money is the generator's where it has a limit of its own."""
    own = asking.limits.generator_usd is not None
    grouped = asking.settings["sentences_per_request"] > 1
    return Progress(
        sum(1 for _ in asking.dialogue.items(subjects)) if grouped else len(subjects) * asking.settings["samples"],
        spent=lambda: asking.journal.spent()[own],
        limit=asking.limits.generator_usd if own else asking.limits.study_usd,
    )


def session_parser(description: str | None) -> argparse.ArgumentParser:
    """The command line of a script that asks an LLM, but for what it asks about and the table of results."""
    parser = script_parser(description)
    parser.add_argument("--settings", required=True, help="what shapes the answers, as JSON")
    parser.add_argument("--execution", required=True, help="how it is asked, as JSON")
    parser.add_argument(
        "--prompt",
        nargs=2,
        action="append",
        required=True,
        metavar=("ROLE", "PATH"),
        help="a file that requests are written from: prompt or judge, prompt_many, retry, system",
    )
    add_study(parser)
    parser.add_argument("--answers", type=Path, required=True, help="output: every answer and where it comes from")
    parser.add_argument("--rejects", type=Path, required=True, help="output: the answers that are not simply used")
    parser.add_argument("--ledger", type=Path, required=True, help="output: what was asked and what it cost, JSON")
    return parser
