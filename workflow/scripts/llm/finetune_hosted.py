"""Have a hosted model fine-tuned on the first rows of a dataset, unless the journal has that very model already.

The job is in the journal before it is created, so it is created and paid once, even if this process dies at any moment.
The files written at the end are exports of the journal.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

from llm.accounts.estimate import over_budget, study_estimates
from llm.asking.interrupts import until_interrupted
from llm.asking.remote import sweep
from llm.asking.setup import api_of
from llm.journal import Journal, tunings
from llm.journal.tunings import Tuning, Wanted
from llm.prices import is_own_address, shutdown_date, shutdown_note, training_price, tuning_closes, tuning_prices
from llm.prompts import Templates
from llm.providers.api import Api
from llm.session import add_request_arguments, announced_shutdown
from llm.settings import ExecutionSettings, TuningSettings
from llm.tuning.examples import FEWEST_EXAMPLES, Examples, example_line, hyperparameters, run_shape, write_examples
from llm.tuning.job import TOOL, Tuner, TuningTask
from llm.tuning.outputs import (
    EVENT_COLUMNS,
    LOSS_COLUMNS,
    event_row,
    ledger_of,
    loss_rows,
    model_of,
    report_of,
    tuned_model,
)
from workbench.cli import UserError, run_script, say, script_parser
from workbench.files import write_json
from workbench.pairs import read_training_pairs
from workbench.tables import write_rows


def main(arguments: argparse.Namespace) -> None:
    """Get the model and write what is known about it."""
    parameters = json.loads(arguments.settings)
    settings, execution = TuningSettings.read(parameters), ExecutionSettings.read(arguments.execution)
    if arguments.seed is not None:
        settings = replace(settings, seed=arguments.seed)
    model = tuned_model(arguments.start) if arguments.start else settings.model
    parameters = {**parameters, "model": model}
    api = api_of(parameters, execution, with_key=False)
    with tempfile.TemporaryDirectory() as folder:
        task = prepare(arguments, model, settings, execution, api, Path(folder))
        with Journal(Path(execution.journal), execution.study, execution.generator, api.sdk) as journal:
            connect = partial(api_of, parameters, execution, with_key=True)
            estimates = partial(study_estimates, arguments, untrained=arguments.run)
            tuning = asyncio.run(obtain(task, journal, connect, lambda: over_budget(estimates())))
            write_outputs(arguments, task, journal, tuning)


def prepare(
    arguments: argparse.Namespace,
    model: str,
    settings: TuningSettings,
    execution: ExecutionSettings,
    api: Api,
    folder: Path,
) -> TuningTask:
    """Write the examples into ``folder`` and find out what they cost.

    ``model`` is what is trained: the base model of ``settings``, or a fine-tuned one that is continued.

    Raises:
        UserError: they cannot be trained on, or the price is unknown.
    """
    price = training_price(settings.provider, model, settings.base_url, execution.training_price)
    templates = Templates({role: Path(path) for role, path in arguments.prompt}, settings.languages)
    write = partial(write_examples, templates=templates, max_tokens=settings.max_tokens, key=execution.key)
    rows = read_training_pairs(arguments.dataset, arguments.size, arguments.skip)
    training = write(folder / "training.jsonl", rows, unusable=settings.unusable)
    check_training(training, settings)
    validation = None
    if settings.validation:
        # What cannot be validated on changes no model: it is left out.
        validation = write(folder / "validation.jsonl", read_training_pairs(arguments.valid), unusable="drop")
        validation = validation if validation.instances else None
    wanted = Wanted(
        provider=settings.provider,
        base_url=api.base_url,
        api_version=api.api_version,
        model=model,
        training_sha256=training.sha256,
        validation_sha256=validation.sha256 if validation else None,
        hyperparameters=hyperparameters(settings),
        seed=settings.seed,
    )
    prompts = example_line(templates, "source", "target")
    shape = run_shape(settings, prompts, arguments.size, arguments.skip, settings.seed)
    return TuningTask(settings, execution, wanted, arguments.run, shape, training, validation, price)


def check_training(found: Examples, settings: TuningSettings) -> None:
    """Say what was noticed in the examples to train on.

    Raises:
        UserError: there are too few.
    """
    # Other servers say themselves how few are too few for them.
    fewest = FEWEST_EXAMPLES if is_own_address(settings.provider, settings.base_url) else 1
    if found.instances < fewest:
        left_out = f" ({found.left_out:,} were left out as unusable)" if found.left_out else ""
        raise UserError(
            f"{found.instances:,} instances to train on{left_out}: a fine-tuning job takes {fewest} at least: "
            "raise the smallest of `sizes`, or their distance where learners are trained incrementally"
        )
    for name, ids in sorted(found.notable.items()):
        say(
            f"{len(ids):,} of {found.instances:,} instances have a{'n' if name[0] in 'ae' else ''} {name}, "
            f"the first is {ids[0]}: a provider's moderation may refuse the file for such rows"
        )
    if found.left_out:
        say(f"{found.left_out:,} instances left out: {found.empty:,} empty, {found.too_long:,} too long")


async def obtain(
    task: TuningTask, journal: Journal, connect: Callable[[], Api], problems: Callable[[], list[str]]
) -> Tuning:
    """The job with the model; no provider is asked if the journal has it.

    Args:
        task, journal: what to train, and where its job is.
        connect: opens the provider's API, with the key.
        problems: why nothing new may be paid; empty if it may.

    Raises:
        UserError: there is no money for it, or the provider does not make it.
        KeyboardInterrupt: a signal asked to stop; what was created goes on at the provider.
    """
    known = tunings.live(journal, task.wanted.key)
    if known is not None and known.tuned_model:
        say(f"the journal has this model already: {known.tuned_model}, made by {known.name} for {known.run}")
        sweep(journal.path)  # a process that was killed just after it had its model has left its lock
        await journal.write(lambda db: tunings.link(db, journal.study, task.run, task.shape, known.id))
        return known
    if known is None and (found := problems()):
        raise UserError("; ".join(found))
    api = connect()
    tuner = Tuner(journal, api.tuning, task.execution.poll_seconds, task.execution.patience)
    try:
        if known is None:
            await look_ahead(task, api)
        return await until_interrupted(tuner.obtain(task))
    except KeyboardInterrupt:
        _say_what_goes_on(tuner.under_way, journal.path)
        raise
    finally:
        await api.close()


async def look_ahead(task: TuningTask, api: Api) -> None:
    """Ask for the model, which costs nothing, and say until when it is there and can be trained.

    Raises:
        UserError: the key is not accepted, or there is no such model.
    """
    provider, model = task.settings.provider, task.wanted.model
    today, notice = date.today(), task.execution.shutdown_notice
    announced = await announced_shutdown(api, model)
    notes = [shutdown_note(model, announced or shutdown_date(provider, model), today, notice)]
    if is_own_address(provider, task.settings.base_url):
        closes = tuning_closes(provider)
        if closes is not None and closes <= today:
            notes.append(f"{provider} closed fine-tuning on {closes}, as announced: the job will probably be refused")
        elif closes is not None and (closes - today).days <= notice:
            notes.append(
                f"{provider} creates no more fine-tuning jobs from {closes} on, in {(closes - today).days} days; a "
                "learner of kind: local does not depend on that"
            )
        if tuning_prices(provider, model) is None:
            notes.append(f"{model} is not known as a model that {provider} fine-tunes (resources/models.yaml)")
    for note in filter(None, notes):
        say(f"WARNING: {note}")


def write_outputs(arguments: argparse.Namespace, task: TuningTask, journal: Journal, tuning: Tuning) -> None:
    """Write what the journal and the examples say about the model; the model's own file comes last."""
    events, checkpoints = tunings.events(journal, tuning), tunings.checkpoints(journal, tuning)
    losses, ledger = loss_rows(events, checkpoints), ledger_of(task, journal, tuning)
    write_rows(arguments.events, EVENT_COLUMNS, map(event_row, events))
    write_rows(arguments.losses, LOSS_COLUMNS, ([row.get(name, "") for name in LOSS_COLUMNS] for row in losses))
    write_json(arguments.ledger, ledger)
    write_json(arguments.report, report_of(task, tuning, losses))
    write_json(arguments.model, model_of(task, tuning, checkpoints))
    say(
        f"{tuning.tuned_model}: {task.training.instances:,} instances, {tuning.trained_tokens or 0:,} tokens trained, "
        f"${ledger['usd']:,.4f}"
    )


def _say_what_goes_on(tuning: Tuning | None, journal: Path) -> None:
    """Say what happens to the job after an interrupt, which ends the waiting and not the job."""
    if tuning is not None and tuning.remote_id is not None:
        say(
            f"fine-tuning job {tuning.name} goes on at the provider: run again to take it up, or cancel it: "
            f"`{TOOL} cancel {journal} {tuning.name}`"
        )
    elif tuning is not None:
        say("a fine-tuning job was being created: run again, and it is looked for before anything else")


PARSER = script_parser(__doc__)
PARSER.add_argument("--run", required=True, help="name of the run, LEARNER/RECIPE/SIZE/SEED")
PARSER.add_argument("--dataset", type=Path, required=True, help="table with the columns id, origin, source, target")
PARSER.add_argument("--size", type=int, required=True, help="train on the first SIZE rows")
PARSER.add_argument("--skip", type=int, default=0, help="leave out the first SKIP of these: START has seen them")
PARSER.add_argument("--start", type=Path, help="model.json of the run whose model is trained on (default: none)")
PARSER.add_argument("--seed", type=int, help="of the training (default: that of the settings)")
PARSER.add_argument("--valid", type=Path, required=True, help="human pairs for the validation")
add_request_arguments(PARSER)
PARSER.add_argument("--model", type=Path, required=True, help="output: the model's name and origin, JSON")
PARSER.add_argument("--events", type=Path, required=True, help="output: the events of the job")
PARSER.add_argument("--losses", type=Path, required=True, help="output: losses by step")
PARSER.add_argument("--ledger", type=Path, required=True, help="output: what was asked for and what it cost, JSON")
PARSER.add_argument("--report", type=Path, required=True, help="output: report of the training, JSON")


if __name__ == "__main__":
    run_script(PARSER, main)
