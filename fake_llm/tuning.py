"""OpenAI's fine-tuning jobs: create, retrieve, list, cancel, pause, resume, events, checkpoints."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fake_llm import files
from fake_llm.chat import text_of
from fake_llm.faults import Tuning
from fake_llm.http import Cut, Problem, Request, Response, reply
from fake_llm.phrases import Phrases
from fake_llm.source import find_source
from fake_llm.state import State
from fake_llm.tokens import count

TUNABLE = ("gpt-3.5-turbo", "gpt-4o", "gpt-4.1", "gpt-4-", "fake-")
FEWEST_EXAMPLES = 10
ENOUGH_TO_LEARN = 200  # examples; with fewer, the tuned model has learnt nothing
ENDED = ("succeeded", "failed", "cancelled")
EPOCHS = 3


@dataclass
class Tuned:
    """A fine-tuned model and what it learnt to translate with; None if it had too few examples."""

    base: str
    translator: Phrases | None


@dataclass
class Job:
    """One fine-tuning job."""

    id: str
    asked: Mapping[str, Any]
    created: int
    status: str = "validating_files"
    model: str | None = None
    error: dict[str, Any] | None = None
    finished: int | None = None
    tokens: int | None = None
    results: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    checkpoints: list[dict[str, Any]] = field(default_factory=list)

    def say(self, message: str, level: str = "info", data: Mapping[str, Any] | None = None) -> None:
        """Add an event."""
        event = {
            "object": "fine_tuning.job.event",
            "id": f"ftevent-{self.id[6:]}-{len(self.events)}",
            "created_at": int(time.time()),
            "level": level,
            "message": message,
            "data": data or {},
            "type": "metrics" if data else "message",
        }
        self.events.append(event)

    def end(self, status: str, message: str) -> None:
        """End the job."""
        self.status, self.finished = status, int(time.time())
        self.say(message, "error" if status == "failed" else "info")

    @property
    def method(self) -> Mapping[str, Any]:
        """How it is trained."""
        return self.asked.get("method") or {"type": "supervised"}

    @property
    def hyper(self) -> Mapping[str, Any]:
        """The requested hyperparameters."""
        hyper = (self.method.get(self.method.get("type", ""), {}) or {}).get("hyperparameters")
        return hyper or self.asked.get("hyperparameters") or {}

    @property
    def epochs(self) -> int:
        """The number of passes through the file."""
        epochs = self.hyper.get("n_epochs", "auto")
        return EPOCHS if epochs == "auto" else int(epochs)

    def as_json(self, tuning: Tuning) -> dict[str, Any]:
        """The job in OpenAI's format."""
        hyper = self.hyper
        settings = {
            "n_epochs": self.epochs,
            "batch_size": hyper.get("batch_size", "auto"),
            "learning_rate_multiplier": hyper.get("learning_rate_multiplier", "auto"),
        }
        return {
            "object": "fine_tuning.job",
            "id": self.id,
            "model": self.asked["model"],
            "created_at": self.created,
            "finished_at": self.finished,
            "estimated_finish": None,
            "fine_tuned_model": None if tuning.modelless else self.model,
            "organization_id": "org-fake",
            "result_files": self.results,
            "status": self.status,
            "validation_file": self.asked.get("validation_file"),
            "training_file": self.asked["training_file"],
            "hyperparameters": settings,
            "trained_tokens": self.tokens,
            "error": self.error or {},
            "seed": self.asked.get("seed") or 0,
            "integrations": [],
            "metadata": self.asked.get("metadata") if tuning.metadata else None,
            "method": self.method,
            "user_provided_suffix": self.asked.get("suffix"),
        }


async def create(state: State, request: Request) -> Response:
    """``POST /v1/fine_tuning/jobs``."""
    body = request.json()
    if state.faults.tuning.closed:
        raise Problem(403, "Fine-tuning is no longer available to your organization.", "fine_tuning_not_available")
    model = str(body.get("model"))
    if not (model.startswith(TUNABLE) or model in state.tuned):
        message = f"Model {model} is not available for fine-tuning or does not exist."
        raise Problem(400, message, "model_not_available", "model")
    for name in ("training_file", "validation_file"):
        if body.get(name) is None and name == "validation_file":
            continue
        file = state.files.get(str(body.get(name)))
        if file is None or file.purpose != "fine-tune":
            raise Problem(400, f"invalid {name}: {body.get(name)}", "invalid_file", name)
    job = Job(f"ftjob-fake{state.number():08x}", body, int(time.time()))
    job.say(f"Created fine-tuning job: {job.id}")
    job.say(f"Validating training file: {body['training_file']}")
    state.jobs[job.id] = job
    state.count(request.key, jobs=1)
    response = reply(job.as_json(state.faults.tuning))
    state.start(_live(state, job))
    if state.faults.tuning.lost > 0:
        state.faults.tuning.lost -= 1
        raise Cut
    if state.faults.tuning.garbled > 0:
        state.faults.tuning.garbled -= 1
        return Response(200, b"<html><body>Welcome to the proxy</body></html>", content_type=b"text/html")
    return response


async def retrieve(state: State, request: Request, name: str) -> Response:
    """``GET /v1/fine_tuning/jobs/{id}``."""
    return reply(_find(state, name).as_json(state.faults.tuning))


async def listed(state: State, request: Request) -> Response:
    """``GET /v1/fine_tuning/jobs``, newest first; ``metadata[name]=value`` filters."""
    wanted = {name[9:-1]: value for name, value in request.query.items() if name.startswith("metadata[")}
    jobs = [job.as_json(state.faults.tuning) for job in reversed(state.jobs.values())]
    if not state.faults.tuning.metadata:
        wanted = {}
    chosen = [job for job in jobs if wanted.items() <= (job["metadata"] or {}).items()]
    return reply(files.page(chosen, request))


async def cancel(state: State, request: Request, name: str) -> Response:
    """``POST /v1/fine_tuning/jobs/{id}/cancel``."""
    job = _open(state, name, "cancel")
    job.end("cancelled", "Fine-tuning job cancelled")
    return reply(job.as_json(state.faults.tuning))


async def pause(state: State, request: Request, name: str) -> Response:
    """``POST /v1/fine_tuning/jobs/{id}/pause``."""
    job = _open(state, name, "pause")
    job.status = "paused"
    return reply(job.as_json(state.faults.tuning))


async def resume(state: State, request: Request, name: str) -> Response:
    """``POST /v1/fine_tuning/jobs/{id}/resume``."""
    job = _open(state, name, "resume")
    job.status = "running"
    return reply(job.as_json(state.faults.tuning))


async def events(state: State, request: Request, name: str) -> Response:
    """``GET /v1/fine_tuning/jobs/{id}/events``, newest first."""
    return reply(files.page(_find(state, name).events[::-1], request))


async def checkpoints(state: State, request: Request, name: str) -> Response:
    """``GET /v1/fine_tuning/jobs/{id}/checkpoints``, newest first."""
    return reply(files.page(_find(state, name).checkpoints[::-1], request, 10))


def _find(state: State, name: str) -> Job:
    if name not in state.jobs:
        raise Problem(404, f"Could not find fine tune: {name}", "fine_tune_not_found", "fine_tune_id")
    return state.jobs[name]


def _open(state: State, name: str, what: str) -> Job:
    job = _find(state, name)
    if job.status in ENDED:
        raise Problem(400, f"Job has already completed: {name}; cannot {what} it.", "invalid_job_status")
    return job


async def _live(state: State, job: Job) -> None:
    """Run a job: a fifth of its time for validation, a tenth in the queue, then training."""
    seconds = state.faults.tuning.seconds
    fails = state.faults.tuning.fails > 0
    if fails:
        state.faults.tuning.fails -= 1
    await _pass(state, job, seconds / 5)
    if job.status in ENDED:
        return
    try:
        pairs, tokens = await asyncio.to_thread(_examples, state, job, "training_file")
        if job.asked.get("validation_file"):
            await asyncio.to_thread(_examples, state, job, "validation_file")
    except ValueError as error:
        param = "validation_file" if "validation file" in str(error) else "training_file"
        job.error = {"code": f"invalid_{param}", "message": str(error), "param": param}
        job.end("failed", str(error))
        return
    job.status = "queued"
    job.say("Files validated, moving job to queued state")
    await _pass(state, job, seconds / 10)
    if job.status in ENDED:
        return
    job.status = "running"
    job.say("Fine-tuning job started")
    translator = await asyncio.to_thread(Phrases, pairs, False) if len(pairs) >= ENOUGH_TO_LEARN else None
    for epoch in range(1, job.epochs + 1):
        await _pass(state, job, seconds * 0.7 / job.epochs)
        if job.status in ENDED:
            return
        _checkpoint(state, job, epoch, len(pairs), translator)
        if state.faults.tuning.cancelled > 0:
            state.faults.tuning.cancelled -= 1
            job.end("cancelled", "Fine-tuning job cancelled")
            return
    if fails:
        job.error = {"code": "server_error", "message": "The job failed due to an internal error.", "param": None}
        job.end("failed", "The job failed due to an internal error.")
        return
    job.tokens = tokens * job.epochs
    _succeed(state, job, translator)


async def _pass(state: State, job: Job, seconds: float) -> None:
    """Wait; a paused job also waits until it is resumed."""
    await state.sleep(seconds, lambda: job.status in ENDED)
    while job.status == "paused":
        await asyncio.sleep(0.02)


def _name(job: Job, step: str = "") -> str:
    """The fine-tuned model's name, such as ``ft:gpt-4o-mini:org-fake:suffix:0000001f``."""
    base = job.asked["model"]
    base = base.split(":")[1] if base.startswith("ft:") else base
    return f"ft:{base}:org-fake:{job.asked.get('suffix') or ''}:{job.id[-8:]}{step}"


def _checkpoint(state: State, job: Job, epoch: int, examples: int, translator: Phrases | None) -> None:
    step = epoch * examples
    loss = round(2.0 / (1 + epoch), 4)
    metrics = {"step": step, "train_loss": loss, "train_mean_token_accuracy": round(1 - loss / 4, 4)}
    if job.asked.get("validation_file"):
        metrics |= {"valid_loss": loss + 0.1, "full_valid_loss": loss + 0.2}
    job.say(f"Step {step}/{job.epochs * examples}: training loss={loss}", data=metrics)
    name = _name(job, f":ckpt-step-{step}") if epoch < job.epochs else _name(job)
    checkpoint = {
        "object": "fine_tuning.job.checkpoint",
        "id": f"ftckpt_{job.id[6:]}_{epoch}",
        "created_at": int(time.time()),
        "fine_tuned_model_checkpoint": name,
        "fine_tuning_job_id": job.id,
        "metrics": metrics,
        "step_number": step,
    }
    job.checkpoints.append(checkpoint)
    state.tuned[name] = Tuned(job.asked["model"], translator)


def _succeed(state: State, job: Job, translator: Phrases | None) -> None:
    job.model = _name(job)
    state.tuned[job.model] = Tuned(job.asked["model"], translator)
    rows = [f"{one['step_number']},{one['metrics']['train_loss']}" for one in job.checkpoints]
    table = "\n".join(["step,train_loss", *rows, ""]).encode()
    job.results = [files.store(state, "step_metrics.csv", "fine-tune-results", table).id]
    job.say(f"New fine-tuned model created: {job.model}")
    job.end("succeeded", "The job has successfully completed")


def _examples(state: State, job: Job, which: str) -> tuple[list[tuple[str, str]], int]:
    """Sources and targets of the training or validation file, and its tokens.

    Raises:
        ValueError: the file is not what the method takes.
    """
    pairs: list[tuple[str, str]] = []
    tokens = 0
    preferences = job.method.get("type") == "dpo"
    named = which.replace("_", " ")
    for number, raw in enumerate(files.find(state, job.asked[which]).content.splitlines(), start=1):
        try:
            example = json.loads(raw)
            turns = example["input"]["messages"] + example["preferred_output"] if preferences else example["messages"]
            target = turns[-1]
            user = next(turn for turn in reversed(turns) if turn["role"] == "user")
            if target["role"] != "assistant" or (preferences and not example["non_preferred_output"]):
                raise ValueError
        except (ValueError, KeyError, TypeError, IndexError, StopIteration):
            kind = "a preference" if preferences else "a chat"
            raise ValueError(
                f"The job failed due to an invalid {named}: line {number} is not {kind} example."
            ) from None
        tokens += sum(count(text_of(turn.get("content"))) for turn in turns)
        pairs.append((find_source(text_of(user.get("content"))).text, text_of(target.get("content"))))
    if len(pairs) < FEWEST_EXAMPLES and which == "training_file":
        why = f"Training file has {len(pairs)} example(s), but must have at least {FEWEST_EXAMPLES} examples"
        raise ValueError(f"The job failed due to an invalid training file. {why}")
    return pairs, tokens
