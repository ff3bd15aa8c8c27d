"""What the journal says about a hosted fine-tuning: the model, its events, losses, report and accounts."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llm.journal import Journal, tunings
from llm.journal.tunings import Tuning
from llm.providers.protocol import TuningEvent
from llm.tuning.examples import epochs_of
from llm.tuning.job import TuningTask
from workbench.files import damaged, read_json
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


def tuned_model(path: Path) -> str:
    """The fine-tuned model that a run left in its ``model.json``.

    Raises:
        UserError: the file does not name one.
    """
    model = read_json(path).get("model")
    if not model or not isinstance(model, str):
        raise damaged(path, "it names no fine-tuned model")
    return model


def model_of(task: TuningTask, tuning: Tuning, checkpoints: list[dict[str, Any]]) -> dict[str, Any]:
    """What is needed to ask the model, and where it is from."""
    names = {str(one.get("step_number")): one.get("fine_tuned_model_checkpoint") for one in checkpoints}
    return {
        "provider": tuning.provider,
        "base_url": tuning.base_url,
        "model": tuning.tuned_model,
        "base": task.settings.model,
        "start": task.wanted.model if task.wanted.model != task.settings.model else None,
        "job": tuning.remote_id,
        "key": tuning.key,
        "training_file": tuning.training_file,
        "validation_file": tuning.validation_file,
        "checkpoints": names,
    }


def report_of(task: TuningTask, tuning: Tuning, losses: list[dict[str, Any]]) -> dict[str, Any]:
    """The report, with the fields that other trainings' reports have as far as they make sense."""
    seconds = max((tuning.ended or tuning.created) - tuning.created, 0.0)
    # Over the whole validation file if the provider gives it, otherwise over a batch of it.
    whole, part = ([row[name] for row in losses if row.get(name)] for name in ("full_valid_loss", "valid_loss"))
    tokens = tuning.trained_tokens or 0
    return {
        "updates": max((int(row["step"]) for row in losses), default=None),
        "epochs": epochs_of(task.settings.n_epochs, task.training.instances),
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


def ledger_of(task: TuningTask, journal: Journal, tuning: Tuning) -> dict[str, Any]:
    """The accounts of the run's training, of all its jobs; what another run paid for is in that one's."""
    study, generator, run = journal.study, journal.generator, task.run
    paid = [one for one in tunings.of_owner(journal, study, generator) if one.run == run]
    superseded = [one for one in paid if one.key != task.wanted.key]
    ours = tuning.id in {one.id for one in paid}
    notes = [] if ours else [f"made and paid by {tuning.study} {tuning.run}"]
    if superseded:
        notes.append(f"with {len(superseded)} superseded job{'s' * (len(superseded) > 1)}, of other data or settings")
    return {
        "generator": generator,
        "run": run,
        "model": task.wanted.model,
        "served": tuning.tuned_model,
        "mode": "fine-tuning",
        "sources": task.training.instances + task.training.left_out,
        "targets": task.training.instances,
        "left_out": task.training.left_out,
        "reused": 0 if ours else task.training.instances,
        "requests": len(paid),
        "answered": sum(one.state == "succeeded" for one in paid),
        "repeated": len(paid) - len({one.key for one in paid}),
        "superseded": len(superseded),
        "failed": sum(one.state in ("failed", "cancelled") for one in paid),
        "input_tokens": sum(one.trained_tokens or 0 for one in paid),
        **dict.fromkeys(("retried", "throttled", "refusals", "output_tokens", "cached_tokens"), 0),
        "usd": round(sum(one.charged for one in paid), 8),
        "usd_unsure": round(sum(one.worst_usd for one in paid if one.usd is None), 8),
        "price": task.price.source,
        "usd_per_million": tuning.usd_per_million,
        "job": tuning.remote_id,
        "notes": "; ".join(notes),
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
