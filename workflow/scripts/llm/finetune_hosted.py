"""Have a hosted model fine-tuned on the first rows of a dataset, unless the journal has that very model already.

The job stands in the journal from before it is created, so it is created and paid once, whenever this process may die.
The files written at the end are exports of the journal.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from llm.accounts.estimate import add_study, over_budget, study_estimates
from llm.asking.hold import sweep
from llm.asking.interrupts import on_interrupt
from llm.asking.setup import api_of
from llm.journal import Journal, Limits
from llm.journal import tunings as records
from llm.journal.tunings import Tuning, Wanted
from llm.prices import (
    is_own_address,
    is_tunable,
    shutdown_date,
    shutdown_note,
    training_price,
    tuning_closes,
)
from llm.prompts import Templates, load_templates
from llm.providers import tuning_of
from llm.providers.api import Api
from llm.session import announced_shutdown
from llm.tuning.examples import (
    FEWEST_EXAMPLES,
    WORST_FACTOR,
    Examples,
    epochs_of,
    example_line,
    write_examples,
)
from llm.tuning.job import TOOL, Order, Tuner
from llm.tuning.learners import hyperparameters, run_shape, tuned_model
from llm.tuning.outputs import Task, write_outputs
from workbench.cli import UserError, run_script, say, script_parser
from workbench.pairs import read_pairs

_MILLION = 1e6


def main(arguments: argparse.Namespace) -> None:
    """Get the model and write what is known of it."""
    settings, execution = json.loads(arguments.settings), json.loads(arguments.execution)
    model = tuned_model(arguments.start) if arguments.start else settings["model"]
    settings = {**settings, "model": model, "base": settings["model"]}
    api = api_of(settings, execution, with_key=False)
    templates = load_templates({role: Path(path) for role, path in arguments.prompt}, settings["languages"])
    with tempfile.TemporaryDirectory() as folder:
        task = prepare(arguments, settings, execution, api, templates, Path(folder))
        with Journal(Path(execution["journal"]), execution["study"], execution["generator"], api.sdk) as journal:
            tuning = asyncio.run(obtain(arguments, task, journal))
            write_outputs(arguments, task, journal, tuning)


def prepare(
    arguments: argparse.Namespace,
    settings: Mapping[str, Any],
    execution: Mapping[str, Any],
    api: Api,
    templates: Templates,
    folder: Path,
) -> Task:
    """Write the examples and find out what they cost.

    Raises:
        UserError: they cannot be trained on, or the price is unknown.
    """
    price = training_price(settings["provider"], settings["model"], settings["base_url"], execution["training_price"])
    training = read_training(arguments, settings, execution, templates, folder)
    validation = None
    if settings["validation"]:
        rows = read_pairs(arguments.valid)
        # What cannot be validated on changes no model: it is left out.
        validation = write_examples(
            folder / "validation.jsonl", rows, templates, settings["max_tokens"], "drop", execution["key"]
        )
        validation = validation if validation.instances else None
    seed = settings.get("seed") if arguments.seed is None else arguments.seed
    wanted = Wanted(
        provider=settings["provider"],
        base_url=api.base_url,
        api_version=api.api_version,
        model=settings["model"],
        training_sha256=training.sha256,
        validation_sha256=validation and validation.sha256,
        hyperparameters=hyperparameters(settings),
        seed=seed,
    )
    tokens = training.tokens * epochs_of(settings, training.instances)
    shape = run_shape(
        {**settings, "model": settings["base"]},
        example_line(templates, "source", "target"),
        arguments.size,
        arguments.skip,
        seed,
    )
    order = Order(
        wanted=wanted,
        run=arguments.run,
        shape=shape,
        training=training.path,
        validation=validation and validation.path,
        account=execution["account"],
        suffix=settings["suffix"],
        instances=training.instances,
        worst_usd=WORST_FACTOR * tokens * price.usd_per_million / _MILLION,
        usd_per_million=price.usd_per_million,
        limits=Limits(execution["study_max_usd"], execution["max_usd"]),
    )
    return Task(settings, execution, settings["model"], price, training, validation, wanted, order)


def read_training(
    arguments: argparse.Namespace,
    settings: Mapping[str, Any],
    execution: Mapping[str, Any],
    templates: Templates,
    folder: Path,
) -> Examples:
    """Write the examples to train on.

    Raises:
        UserError: there are too few, or some cannot be used.
    """
    rows = read_pairs(arguments.dataset, arguments.size, arguments.skip)
    found = write_examples(
        folder / "training.jsonl", rows, templates, settings["max_tokens"], settings["unusable"], execution["key"]
    )
    # Other servers say themselves how few are too few for them.
    fewest = FEWEST_EXAMPLES if is_own_address(settings["provider"], settings["base_url"]) else 1
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
    return found


async def obtain(arguments: argparse.Namespace, task: Task, journal: Journal) -> Tuning:
    """The job with the model; asks nobody where the journal has it.

    Raises:
        UserError: there is no money for it, or the provider does not make it.
        KeyboardInterrupt: a signal asked to stop; what was created goes on at the provider.
    """
    known = records.live(journal, task.wanted.key)
    if known is not None and known.tuned_model:
        say(f"the journal has this model already: {known.tuned_model}, made by {known.name} for {known.run}")
        order = task.order
        sweep(journal.path)  # a process that was killed just after it had its model has left its lock
        await journal.write(lambda db: records.link(db, journal.study, order.run, order.shape, known.id))
        return known
    if known is None and (problems := over_budget(study_estimates(arguments, untrained=arguments.run))):
        raise UserError("; ".join(problems))
    api = api_of(task.settings, task.execution, with_key=True)
    tuner = Tuner(journal, tuning_of(api), task.execution["poll_seconds"], task.execution["patience"])
    try:
        if known is None:
            await look_ahead(task, api)
        return await _until_interrupted(tuner, task.order, journal)
    finally:
        await api.close()


async def look_ahead(task: Task, api: Api) -> None:
    """Ask for the model, which costs nothing, and say until when it is there and can be trained.

    Raises:
        UserError: the key is not accepted, or there is no such model.
    """
    provider, today, notice = task.settings["provider"], date.today(), task.execution["shutdown_notice"]
    announced = await announced_shutdown(api, task.model)
    notes = [shutdown_note(task.model, announced or shutdown_date(provider, task.model), today, notice)]
    if is_own_address(provider, task.settings["base_url"]):
        closes = tuning_closes(provider)
        if closes is not None and closes <= today:
            notes.append(f"{provider} closed fine-tuning on {closes}, as announced: the job will probably be refused")
        elif closes is not None and (closes - today).days <= notice:
            notes.append(
                f"{provider} creates no more fine-tuning jobs from {closes} on, in {(closes - today).days} days; a "
                "learner of kind: local does not depend on that"
            )
        if not is_tunable(provider, task.model):
            notes.append(f"{task.model} is not known as a model that {provider} fine-tunes (resources/models.yaml)")
    for note in filter(None, notes):
        say(f"WARNING: {note}")


async def _until_interrupted(tuner: Tuner, order: Order, journal: Journal) -> Tuning:
    """Get the model; a signal ends the waiting for it and not the job."""
    obtaining = asyncio.ensure_future(tuner.obtain(order))
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        obtaining.cancel()

    try:
        with on_interrupt(interrupt):
            return await obtaining
    except asyncio.CancelledError:
        if not interrupted:
            raise
        tuning = tuner.under_way
        if tuning is not None and tuning.remote_id is not None:
            say(
                f"fine-tuning job {tuning.name} goes on at the provider: run again to take it up, or cancel it: "
                f"`{TOOL} cancel {journal.path} {tuning.name}`"
            )
        elif tuning is not None:
            say("a fine-tuning job was being created: run again, and it is looked for before anything else")
        raise KeyboardInterrupt from None


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--run", required=True, help="name of the run, LEARNER/RECIPE/SIZE/SEED")
    parser.add_argument("--dataset", type=Path, required=True, help="table with the columns id, origin, source, target")
    parser.add_argument("--size", type=int, required=True, help="train on the first SIZE rows")
    parser.add_argument("--skip", type=int, default=0, help="leave out the first SKIP of these: START has seen them")
    parser.add_argument("--start", type=Path, help="model.json of the run whose model is trained on (default: none)")
    parser.add_argument("--seed", type=int, help="of the training (default: that of the settings)")
    parser.add_argument("--valid", type=Path, required=True, help="human pairs for the validation")
    parser.add_argument(
        "--prompt",
        nargs=2,
        action="append",
        required=True,
        metavar=("ROLE", "PATH"),
        help="a file that examples are written from: prompt, retry, system",
    )
    parser.add_argument("--settings", required=True, help="what shapes the model and its answers, as JSON")
    parser.add_argument("--execution", required=True, help="how it is asked for, as JSON")
    add_study(parser)
    parser.add_argument("--model", type=Path, required=True, help="output: the model's name and origin, JSON")
    parser.add_argument("--events", type=Path, required=True, help="output: what the job told of itself")
    parser.add_argument("--losses", type=Path, required=True, help="output: losses by step")
    parser.add_argument("--ledger", type=Path, required=True, help="output: what was asked for and what it cost, JSON")
    parser.add_argument("--report", type=Path, required=True, help="output: report of the training, JSON")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
