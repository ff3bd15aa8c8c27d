"""Fine-tune with transformers' Trainer, from the last checkpoint if there is one, in parts that fit the device."""

import logging
import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peft
import torch
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from finetune.plan import FinetuningSettings, Plan
from finetune.state import FinetuningState
from models.causal_lm import (
    ADAPTER,
    add_adapter,
    check_disk,
    explained,
    load_model,
    resolve_precision,
    torch_dtype,
    writing_to,
)
from models.completions import TokenizedPair, collate, completion_logprobs, completion_loss
from models.devices import in_memory
from train.state import handle_termination
from workbench.cli import UserError, progress, say

log = logging.getLogger(__name__)

_LOG_INTERVAL = 10  # updates
_PROGRESS_SECONDS = 10.0
_SLACK = 64 * 2**20  # bytes of a checkpoint besides tensors, rounded up


@dataclass(frozen=True)
class Finetuning:
    """One fine-tuning."""

    base: Path  # folder of the base model
    start: Path | None  # folder of the fine-tuned model that training continues from
    train: Sequence[TokenizedPair]
    valid: Sequence[TokenizedPair]  # what the loss is validated on
    padding: int  # the padding token
    settings: FinetuningSettings
    device: str  # torch's name
    output: Path  # where the model will be written; its disk must have room


def finetune(finetuning: Finetuning, state: FinetuningState, monitors: Sequence[str]) -> tuple[Any, dict[str, Any]]:
    """Train to the end and return the model with the report of ``training.json``.

    The report holds ``updates``, ``epochs`` begun, ``best_valid_loss`` (at the end, natural logarithm per token of the
    completions), ``batch`` (instances of an update, the parts in which it was computed, ``halvings``), ``precision``,
    ``peak_memory_mb`` (None on a CPU), ``trained_parameters``, and what differs between repetitions, ``seconds`` and
    ``target_tokens_per_second``.

    If a part of an update does not fit the GPU's memory, training starts again with parts of half the size and twice
    as many parts per update.

    ``state`` keeps the training, and ``monitors`` are Trainer's names of those that show it.

    Raises:
        UserError: an option does not fit, the device or disk is too small, or a signal ended training.
    """
    settings, options = finetuning.settings, finetuning.settings.options
    precision = resolve_precision(settings.precision, finetuning.device)
    plan = Plan([len(pair.completion) for pair in finetuning.train], options, settings.seed)

    def attempt(parts: int) -> tuple[Any, float]:
        if finetuning.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        model = _trainable(finetuning, precision)
        _check_disk(model, state.root, finetuning.output)
        _train(model, finetuning, plan, _arguments(finetuning, plan, parts, precision, state.folder, monitors), state)
        return model, _valid_loss(model, finetuning, math.ceil(options.batch_size / parts))

    model, loss = state.train_halving_batches(plan.count_parts, attempt)
    updates, seconds = state.progress()
    return model, {
        "updates": updates,
        "epochs": plan.epochs(updates),
        "best_valid_loss": loss,
        "best_updates": updates,
        "seconds": round(seconds, 1),
        "target_tokens_per_second": round(plan.target_tokens(updates) / max(seconds, 1e-9), 1),
        "batch": {
            "instances": min(options.batch_size, len(finetuning.train)),
            "parts": plan.count_parts(state.halvings),
            "halvings": state.halvings,
        },
        "precision": precision,
        "peak_memory_mb": round(torch.cuda.max_memory_allocated() / 2**20) if finetuning.device == "cuda" else None,
        "trained_parameters": _count_trained(model),
    }


def _trainable(finetuning: Finetuning, precision: str) -> Any:
    """Load the model with its trainable part: an adapter (new or that of ``start``) or all weights, in float32.

    Raises:
        UserError: ``start`` was trained with the other method, or no module matches ``target_modules``.
    """
    torch.manual_seed(finetuning.settings.seed)
    if finetuning.settings.lora is None:
        if finetuning.start and (finetuning.start / ADAPTER).is_file():
            raise UserError(f"{finetuning.start}: an adapter, but `method: full` continues from a whole model")
        model = load_model(finetuning.start or finetuning.base, torch.float32)
        model.requires_grad_(True)
    else:
        # Frozen weights need no more precision than the computation; adapters are float32.
        frozen = load_model(finetuning.base, torch_dtype(precision))
        if finetuning.start:
            model = add_adapter(frozen, finetuning.start, trainable=True)
        else:
            model = _add_new_adapter(frozen, finetuning.settings.lora)
    model.config.use_cache = False
    return model


def _add_new_adapter(model: Any, options: Mapping[str, Any]) -> Any:
    wanted = options["target_modules"]
    if wanted != "all-linear":
        names = [name for name, module in model.named_modules() if getattr(module, "weight", None) is not None]
        for target in [wanted] if isinstance(wanted, str) else wanted:
            # As in peft: a string is a pattern of whole names, an item of a list is the end of a name.
            pattern = wanted if isinstance(wanted, str) else rf"(.*\.)?{re.escape(target)}"
            if not any(re.fullmatch(pattern, name) for name in names):
                there = sorted({name.rpartition(".")[2] for name in names} - {"lm_head"})
                raise UserError(
                    f"lora.target_modules: the model has no module {target!r}; it has {', '.join(there)}: list some, "
                    "give a pattern of whole names such as .*_proj, or all-linear"
                )
    config = peft.LoraConfig(**options, task_type="CAUSAL_LM")
    with explained("lora: peft does not accept it for this model", ValueError, NotImplementedError):
        return peft.get_peft_model(model, config)


def _count_trained(model: Any) -> int:
    """Number of trained parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _check_disk(model: Any, state: Path, output: Path) -> None:
    """Check that the disk has room for two checkpoints at once, the old one and the new one, and for the model.

    A checkpoint holds three float32 numbers per trained parameter: the parameter and AdamW's two moments.

    Raises:
        UserError: it has not.
    """
    trained = 4 * _count_trained(model)
    needed = {state: 2 * (3 * trained + _SLACK), output.parent: trained + _SLACK}
    output.parent.mkdir(parents=True, exist_ok=True)
    if state.stat().st_dev == output.parent.stat().st_dev:
        needed = {state: sum(needed.values())}
    for folder, size in needed.items():
        advice = "make room, use `method: lora`, or name another folder in training.state"
        check_disk(folder, size, "checkpoints and model", advice)


def _arguments(
    finetuning: Finetuning, plan: Plan, parts: int, precision: str, folder: Path, monitors: Sequence[str]
) -> TrainingArguments:
    """Trainer's arguments: each update is computed in ``parts``, and ``folder`` keeps the checkpoints."""
    options = finetuning.settings.options
    # Trainer's constant schedule has no warm-up.
    warms_up = options.lr_scheduler_type == "constant" and options.warmup_ratio
    return TrainingArguments(
        output_dir=str(folder),
        seed=finetuning.settings.seed,
        max_steps=plan.updates,
        gradient_accumulation_steps=parts,
        learning_rate=options.learning_rate,
        lr_scheduler_type="constant_with_warmup" if warms_up else options.lr_scheduler_type,
        warmup_steps=math.ceil(options.warmup_ratio * plan.updates),
        weight_decay=options.weight_decay,
        max_grad_norm=options.max_grad_norm,
        optim="adamw_torch_fused" if finetuning.device == "cuda" else "adamw_torch",
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=finetuning.device == "cpu",
        save_strategy="steps",
        save_steps=finetuning.settings.save_every,
        logging_steps=_LOG_INTERVAL,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        remove_unused_columns=False,
        report_to=list(monitors) or "none",
    )


def _train(
    model: Any, finetuning: Finetuning, plan: Plan, arguments: TrainingArguments, state: FinetuningState
) -> None:
    """Train to the end, from the newest checkpoint if there is one.

    Raises:
        UserError: a signal ended the training, the loss is not finite any more, or the disk is full.
    """
    watcher = Watcher(plan, state)

    def loss(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
        return completion_loss(outputs.logits, labels).sum() / num_items_in_batch

    class PlannedTrainer(Trainer):
        """A Trainer whose batches follow the plan."""

        def get_train_dataloader(self) -> Any:
            pairs: Any = finetuning.train
            batches = list(plan.parts(arguments.gradient_accumulation_steps))
            return DataLoader(pairs, batch_sampler=batches, collate_fn=lambda batch: collate(batch, finetuning.padding))

    trainer = PlannedTrainer(
        model=model, args=arguments, train_dataset=finetuning.train, compute_loss_func=loss, callbacks=[watcher]
    )
    trainer.remove_callback(PrinterCallback)
    last = state.last()
    with handle_termination(watcher.want), writing_to(state.folder):
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    updates, _ = state.progress()
    if updates < plan.updates:
        raise UserError(
            f"ended by a signal after update {updates:,}; its checkpoint is kept: run again to resume from it"
        )


class Watcher(TrainerCallback):
    """Shows the progress of a training, marks its checkpoints as complete, and ends it on request."""

    def __init__(self, plan: Plan, state: FinetuningState) -> None:
        self._plan = plan
        self._state = state
        self._wanted = False
        self._loss = math.nan
        self._shown = self._started = time.monotonic()
        self._first, self._before = state.progress()

    def want(self, *_: Any) -> None:
        """Request the end after the next update; a signal handler."""
        self._wanted = True

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the clock."""
        self._shown = self._started = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        """Show the progress, and end the training with a checkpoint if that was requested."""
        now = time.monotonic()
        if now - self._shown >= _PROGRESS_SECONDS and state.global_step < self._plan.updates:
            self._shown = now
            done = state.global_step
            tokens = self._plan.target_tokens(done) - self._plan.target_tokens(self._first)
            say(
                f"update {done:,} of {self._plan.updates:,}, epoch {self._plan.epochs(done)}, loss {self._loss:.3f}, "
                f"{tokens / (now - self._started):,.0f} target tokens/s"
            )
        if self._wanted:
            control.should_save = control.should_training_stop = True
        return control

    def on_log(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Keep the loss.

        Raises:
            UserError: it is not finite any more.
        """
        logs: dict[str, float] = more["logs"]
        if "loss" not in logs:
            return
        self._loss = logs["loss"]
        log.info("update %d: loss %.4f, learning rate %.3g", state.global_step, self._loss, logs["learning_rate"])
        if not math.isfinite(self._loss):
            raise UserError(
                f"the loss is {self._loss} by update {state.global_step:,}: lower options.learning_rate, or use "
                "precision: float32"
            )

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Mark the checkpoint that Trainer has written as complete."""
        self._state.keep(state.global_step, self._before + time.monotonic() - self._started)


def _valid_loss(model: Any, finetuning: Finetuning, batch_size: int) -> float:
    """Mean loss per token of the completions in ``valid`` (natural logarithm)."""
    model.eval()
    order = sorted(range(len(finetuning.valid)), key=lambda place: -len(finetuning.valid[place].prompt))
    batches = [order[first : first + batch_size] for first in range(0, len(order), batch_size)]
    total = 0.0
    for _, logprobs in in_memory(
        progress(batches, len(batches), "batches of the validation"),
        lambda batch: completion_logprobs(model, [finetuning.valid[place] for place in batch], finetuning.padding),
    ):
        total -= sum(logprobs)
    return total / sum(len(pair.completion) for pair in finetuning.valid)
