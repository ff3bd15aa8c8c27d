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
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from llm import tuning_records as records
from llm.apis import Api, TuningEvent, tuning_of
from llm.asking import api_of
from llm.batch_hold import sweep
from llm.estimate import add_study, over_budget, study_estimates
from llm.examples import (
    FEWEST_EXAMPLES,
    WORST_FACTOR,
    Examples,
    epochs_of,
    example_line,
    read_instances,
    write_examples,
)
from llm.interrupts import on_interrupt
from llm.journal import Journal, Limits
from llm.learners import hyperparameters, run_shape, tuned_model
from llm.prices import (
    TrainingPrice,
    is_own_address,
    is_tunable,
    shutdown_date,
    shutdown_note,
    training_price,
    tuning_closes,
)
from llm.prompts import Templates, load_templates
from llm.session import announced_shutdown
from llm.tuning import TOOL, Order, Tuner
from llm.tuning_records import Tuning, Wanted
from workbench.cli import UserError, run_script, say, script_parser
from workbench.files import write_json
from workbench.tables import write_rows
from workbench.text import one_line

EVENT_COLUMNS = ("created", "level", "message", "data")
LOSS_COLUMNS = (
    "step",
    "train_loss",
    "train_mean_token_accuracy",
    "valid_loss",
    "valid_mean_token_accuracy",
    "full_valid_loss",
    "full_valid_mean_token_accuracy",
    "checkpoint",
)
_MILLION = 1e6


@dataclass(frozen=True)
class Task:
    """What is to be done: the settings, the model that is trained, the files and what they cost.

    Attributes:
        settings, execution: see ``docs/finetuning.md``.
        model: that is trained: the base model, or a fine-tuned one that is continued.
        api: without the key; writes no request.
        price: of the training.
        training, validation: the examples; None for no validation.
        wanted: what shapes the result.
        order: what is asked for.
    """

    settings: Mapping[str, Any]
    execution: Mapping[str, Any]
    model: str
    price: TrainingPrice
    training: Examples
    validation: Examples | None
    wanted: Wanted
    order: Order


def main(arguments: argparse.Namespace) -> None:
    """Get the model and write what is known of it."""
    settings, execution = json.loads(arguments.settings), json.loads(arguments.execution)
    model = tuned_model(arguments.start) if arguments.start else settings["model"]
    settings = {**settings, "model": model, "base": settings["model"]}
    api = api_of(settings, execution, with_key=False)
    templates = load_templates({role: Path(path) for role, path in arguments.prompt}, settings["languages"])
    arguments.model.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.model.parent, prefix=".examples.") as folder:
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
        rows = read_instances(arguments.valid)
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
    rows = read_instances(arguments.dataset, arguments.size, arguments.skip)
    found = write_examples(
        folder / "training.jsonl", rows, templates, settings["max_tokens"], settings["unusable"], execution["key"]
    )
    read = found.instances + found.left_out
    if read < arguments.size - arguments.skip:
        raise UserError(
            f"{arguments.dataset}: {read + arguments.skip:,} instances, but the run's size is {arguments.size:,}: "
            "lower `sizes` or give generators that left sources out (logs/build_dataset) a `fallback`"
        )
    if found.instances < FEWEST_EXAMPLES:
        left_out = f" ({found.left_out:,} were left out as unusable)" if found.left_out else ""
        raise UserError(
            f"{found.instances:,} instances to train on{left_out}: a fine-tuning job takes {FEWEST_EXAMPLES} at least: "
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
    if known is None and (problems := over_budget(study_estimates(arguments))):
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
                f"`{TOOL} {journal.path} --cancel {tuning.name}`"
            )
        elif tuning is not None:
            say("a fine-tuning job was being created: run again, and it is looked for before anything else")
        raise KeyboardInterrupt from None


# The outputs


def write_outputs(arguments: argparse.Namespace, task: Task, journal: Journal, tuning: Tuning) -> None:
    """Write what the journal and the examples tell of the model; the model's own file comes last."""
    events = records.events(journal, tuning)
    checkpoints = records.checkpoints(journal, tuning)
    losses = loss_rows(events, checkpoints)
    ledger = ledger_of(task, journal, tuning)
    report = report_of(task, tuning, losses)
    write_rows(arguments.events, EVENT_COLUMNS, map(event_row, events))
    write_rows(arguments.losses, LOSS_COLUMNS, ([row.get(name, "") for name in LOSS_COLUMNS] for row in losses))
    write_json(arguments.ledger, ledger)
    write_json(arguments.report, report)
    write_json(arguments.model, model_of(task, tuning, checkpoints))
    say(
        f"{tuning.tuned_model}: {task.training.instances:,} instances, {tuning.trained_tokens or 0:,} tokens trained, "
        f"${ledger['usd']:,.4f}"
    )


def model_of(task: Task, tuning: Tuning, checkpoints: list[dict[str, Any]]) -> dict[str, Any]:
    """What is needed to ask the model, and where it is from."""
    names = {str(one.get("step_number")): one.get("fine_tuned_model_checkpoint") for one in checkpoints}
    return {
        "provider": tuning.provider,
        "base_url": tuning.base_url,
        "model": tuning.tuned_model,
        "base": task.settings["base"],
        "start": task.model if task.model != task.settings["base"] else None,
        "job": tuning.remote_id,
        "key": tuning.key,
        "training_file": tuning.training_file,
        "validation_file": tuning.validation_file,
        "checkpoints": names,
    }


def report_of(task: Task, tuning: Tuning, losses: list[dict[str, Any]]) -> dict[str, Any]:
    """The report, with the fields that other trainings' reports have as far as they make sense."""
    seconds = max((tuning.ended or tuning.created) - tuning.created, 0.0)
    # Over the whole validation file where that is told, else over a batch of it.
    whole, part = ([row[name] for row in losses if row.get(name)] for name in ("full_valid_loss", "valid_loss"))
    tokens = tuning.trained_tokens or 0
    return {
        "updates": max((int(row["step"]) for row in losses), default=None),
        "epochs": epochs_of(task.settings, task.training.instances),
        "best_valid_loss": min(whole or part, default=None),
        "seconds": seconds,
        "target_tokens_per_second": tokens / seconds if seconds else None,
        "fingerprint": tuning.key,
        "instances": task.training.instances,
        "left_out": task.training.left_out,
        "training": task.training.report(),
        "validation": task.validation and task.validation.report(),
        "trained_tokens": tuning.trained_tokens,
        "usd": tuning.usd,
        "job": tuning.remote_id,
        "model": tuning.tuned_model,
        "hyperparameters": dict(task.wanted.hyperparameters),
        "seed": task.wanted.seed,
    }


def ledger_of(task: Task, journal: Journal, tuning: Tuning) -> dict[str, Any]:
    """The accounts of the run's training; what another run paid for is in that one's."""
    study, generator, run = journal.study, journal.generator, task.order.run
    paid = [one for one in records.of_owner(journal, study, generator) if (one.run, one.key) == (run, task.wanted.key)]
    usd = [one.worst_usd if one.usd is None else one.usd for one in paid]
    ours = tuning.id in {one.id for one in paid}
    notes = "" if ours else f"made and paid by {tuning.study} {tuning.run}"
    return {
        "generator": generator,
        "run": run,
        "model": task.model,
        "served": tuning.tuned_model,
        "mode": "fine-tuning",
        "sources": task.training.instances + task.training.left_out,
        "targets": task.training.instances,
        "left_out": task.training.left_out,
        "reused": 0 if ours else task.training.instances,
        "requests": len(paid),
        "answered": sum(one.state == "succeeded" for one in paid),
        "repeated": max(len(paid) - 1, 0),
        "retried": 0,
        "throttled": 0,
        "failed": sum(one.state in ("failed", "cancelled") for one in paid),
        "refusals": 0,
        "input_tokens": sum(one.trained_tokens or 0 for one in paid),
        "output_tokens": 0,
        "cached_tokens": 0,
        "usd": round(sum(usd), 8),
        "usd_unsure": round(sum(one.worst_usd for one in paid if one.usd is None), 8),
        "price": task.price.source,
        "usd_per_million": tuning.usd_per_million,
        "job": tuning.remote_id,
        "notes": notes,
    }


def event_row(event: TuningEvent) -> list[object]:
    """An event as a row of the table."""
    data = json.dumps(event.data, sort_keys=True, ensure_ascii=False) if event.data else ""
    return [int(event.created), one_line(event.level), one_line(event.message), one_line(data)]


def loss_rows(events: list[TuningEvent], checkpoints: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Metrics by step, from the job's events and checkpoints; the name of the checkpoint where there is one."""
    steps: dict[int, dict[str, Any]] = {}

    def add(values: Mapping[str, Any], **more: Any) -> None:
        step = values.get("step")
        if isinstance(step, int | float):
            told = {name: value for name, value in values.items() if name in LOSS_COLUMNS and value is not None}
            steps.setdefault(int(step), {}).update({**told, "step": int(step), **more})

    for event in events:
        add(event.data)
    for checkpoint in checkpoints:
        metrics = checkpoint.get("metrics") or {}
        add(
            {"step": checkpoint.get("step_number"), **metrics},
            checkpoint=one_line(str(checkpoint.get("fine_tuned_model_checkpoint") or "")),
        )
    return [steps[step] for step in sorted(steps)]


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
