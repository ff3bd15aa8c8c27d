"""One job that asks an LLM, from its command line to its ledger, whatever its task.

Every answer is in the journal before it is used. The files written at the end are exports of it. Nothing is asked if
the whole study would cost more than its budget.
"""

import argparse
import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

from llm.accounts.estimate import add_study, over_budget, study_estimates
from llm.asking.batches.executor import BatchExecutor
from llm.asking.export import Counts, Files, Results, export, ledger_of, model_notes, summary
from llm.asking.online import OnlineExecutor
from llm.asking.progress import Progress
from llm.asking.setup import LLMSetup, Subjects, api_of, set_up
from llm.calls import Failure, Work
from llm.journal import Journal
from llm.journal.tunings import accountable, models_of, open_account
from llm.prices import shutdown_date, shutdown_note
from llm.providers.api import Api
from llm.settings import ExecutionSettings, ShapingSettings
from workbench.cli import UserError, add_repeatable, say, script_parser
from workbench.files import write_json


def carry_out(
    arguments: argparse.Namespace,
    subjects: Subjects,
    written: Path,
    results: Results,
    model: str | None = None,
    run: str | None = None,
) -> None:
    """Ask about ``subjects`` what the journal lacks, then write the files, the ``results`` to ``written``.

    A learner's ``run`` asks its ``model`` instead of that of the settings; its ledger then holds what was asked of the
    models that it accounts for.

    Raises:
        UserError: nothing can be asked, the budget does not suffice, or a policy says stop.
    """
    settings = ShapingSettings.read(arguments.settings)
    settings = settings.of_model(model) if model else settings
    execution = ExecutionSettings.read(arguments.execution)
    prompts = {role: Path(path) for role, path in arguments.prompt}
    api = api_of(settings.parameters, execution, with_key=False)
    with Journal(Path(execution.journal), execution.study, execution.generator, api.sdk) as journal:
        setup = set_up(settings, execution, prompts, journal, api)
        if run is not None:
            asyncio.run(journal.write(partial(open_account, owner=journal.owner, model=settings.model, run=run)))
        shutdown = shutdown_date(settings.provider, settings.model)
        habits: list[str] = []
        for has_learnt in (False, True):  # what is learnt from first answers may have some of them asked for again
            if (habits or not has_learnt) and any(works(setup, subjects)):
                if problems := over_budget(study_estimates(arguments)):
                    raise UserError("; ".join(problems))
                sending = replace(setup, api=api_of(settings.parameters, execution, with_key=True))
                shutdown = asyncio.run(ask(sending, subjects)) or shutdown
            if not has_learnt:
                habits = setup.task.learn(setup.dialogue.first_answers(setup.dialogue.items(subjects)))
        # Snakemake deletes what a failed job was to write: the rejects of a study that stops lie beside the log.
        stopped = (arguments.log or arguments.rejects).with_suffix(".stopped.tsv")
        files = Files(written, arguments.answers, arguments.rejects, stopped)
        counts = export(setup, subjects, files, results)
        note = shutdown_note(settings.model, shutdown, date.today(), execution.shutdown_notice)
        report(setup, counts, [*model_notes(counts), *habits, *([note] if note else [])], arguments.ledger, run)


def report(setup: LLMSetup, counts: Counts, notes: list[str], ledger_file: Path, run: str | None) -> None:
    """Write the ledger and say what was done."""
    for note in notes:
        say(f"WARNING: {note}")
    models = None
    if run is not None:
        models, model = models_of(setup.journal, run), setup.settings.model
        if (owner := accountable(setup.journal, model)) != run:
            notes.append(f"the same model as {owner}, which accounts for it")
        if earlier := len(set(models) - {model}):
            notes.append(f"with what {earlier} earlier model{'s' * (earlier > 1)} of this run was asked")
    ledger = ledger_of(setup, counts, notes, models)
    write_json(ledger_file, ledger)
    say(summary(counts, ledger, setup.task.result))


def works(setup: LLMSetup, subjects: Subjects) -> Iterator[Work | None]:
    """The first call of each item of the subjects that has no answer; None for an item that needs none."""
    return (setup.dialogue.start(item) for item in setup.dialogue.items(subjects))


async def ask(setup: LLMSetup, subjects: Subjects) -> date | None:
    """Ask for everything that is missing; the day on which the model is shut down, if the provider announces one.

    Raises:
        UserError: nothing can be asked, or the budget does not suffice.
    """
    try:
        shutdown = await announced_shutdown(setup.api, setup.settings.model)
        for _ in range(setup.dialogue.passes):
            if setup.execution.mode == "batch":
                await BatchExecutor(setup, progress(setup, subjects)).run(partial(works, setup, subjects))
            else:
                await OnlineExecutor(setup, progress(setup, subjects)).run(works(setup, subjects))
    finally:
        await setup.api.close()
    return shutdown


async def announced_shutdown(api: Api, model: str) -> date | None:
    """Ask the provider for the model, which costs nothing, and when it is shut down.

    Raises:
        UserError: the key is not accepted, or there is no such model.
    """
    try:
        return await api.preflight()
    except Failure as failure:
        raise UserError(f"{model}: {failure.message}") from failure


def progress(setup: LLMSetup, subjects: Subjects) -> Progress:
    """The progress line; the money is the generator's if it has its own limit."""
    execution = setup.execution
    own = execution.max_usd is not None
    grouped = setup.settings.sentences_per_request > 1
    return Progress(
        sum(1 for _ in setup.dialogue.items(subjects)) if grouped else len(subjects) * setup.settings.samples,
        spent=lambda: setup.journal.spent()[own],
        limit=execution.max_usd if own else execution.study_max_usd,
    )


def session_parser(description: str | None) -> argparse.ArgumentParser:
    """The command line of a script that asks an LLM, except what it asks about and the table of results."""
    parser = script_parser(description)
    add_request_arguments(parser)
    parser.add_argument("--answers", type=Path, required=True, help="output: every answer and where it comes from")
    parser.add_argument("--rejects", type=Path, required=True, help="output: the answers that are not simply used")
    parser.add_argument("--ledger", type=Path, required=True, help="output: what was asked and what it cost, JSON")
    return parser


def add_request_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of every script that pays for something: settings, prompts and the study's estimate."""
    parser.add_argument("--settings", required=True, help="what shapes the answers, as JSON")
    parser.add_argument("--execution", required=True, help="how it is asked, as JSON")
    about = "a file that requests are written from: prompt or judge, prompt_many, retry, system"
    add_repeatable(parser, "--prompt", ("ROLE", "PATH"), about, required=True)
    add_study(parser)
