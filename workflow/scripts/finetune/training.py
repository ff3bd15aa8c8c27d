"""Fine-tune with transformers' Trainer, on from the last checkpoint if there is one, in parts that fit the device."""

from __future__ import annotations

import contextlib
import gc
import logging
import math
import re
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.instances import Plan
from finetune.state import FinetuningState
from models.causal_lm import (
    ADAPTER,
    check_adapter,
    dtype_of,
    extra,
    load_model,
    settled_precision,
    with_adapter,
    writing_to,
)
from models.completions import Instance, collate, completion_logprobs, completion_loss
from models.devices import in_memory, is_out_of_memory
from workbench.cli import UserError, progress, say

log = logging.getLogger(__name__)

_LOG_INTERVAL = 10  # updates
_SLACK = 64 * 2**20  # bytes that a checkpoint takes besides tensors, rather too many


@dataclass(frozen=True)
class Data:
    """What is trained on, what the loss is validated on, and the token that pads."""

    train: Sequence[Instance]
    valid: Sequence[Instance]
    padding: int


def finetune(
    base: Path,
    start: Path | None,
    data: Data,
    settings: Mapping[str, Any],
    device: str,
    state: FinetuningState,
    output: Path,
    monitors: Sequence[str],
) -> tuple[Any, dict[str, Any]]:
    """Train to the end and return the model with the report of ``training.json``.

    The report holds ``updates``, ``epochs`` begun, ``best_valid_loss`` (of the end, natural logarithm per token of the
    completions), ``batch`` (instances of an update, the parts it was computed in, ``halvings``), ``precision``,
    ``peak_memory_mb`` (None on a CPU), ``trained_parameters``, and what differs from one repetition to the next,
    ``seconds`` and ``target_tokens_per_second``.

    Where a part of an update does not fit the GPU's memory, training starts again with parts of half the size and twice
    as many of them an update.

    Args:
        base: folder of the base model.
        start: folder of the fine-tuned model that training goes on from, None for the base.
        data: see :class:`Data`.
        settings: of the learner, see the script.
        device: torch's name of it.
        state: where the training is kept and goes on from.
        output: where the model is going to be written, for its share of the disk.
        monitors: Trainer's names of what watches the training and does not shape it.

    Raises:
        UserError: an option does not fit, the device or disk is too small, or a signal ended training.
    """
    import torch

    precision = settled_precision(settings["precision"], device)
    lengths = [len(instance.completion) for instance in data.train]
    plan = Plan(lengths, settings["options"], settings["seed"])
    while True:
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        try:
            model = _trainable(base, start, settings, precision)
            _demand_disk(model, state.root, output)
            _train(model, plan, data, settings, device, precision, state, monitors)
            loss = _valid_loss(model, data, plan.parts_of_update(state.halvings), settings)
            break
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            log.exception("a part of an update did not fit")
            said = ". ".join(str(error).strip().splitlines()[0].split(". ")[:2])
        # Here, where the error has let go of trainer and model and so of the memory.
        model = None
        gc.collect()
        torch.cuda.empty_cache()
        state.start_again_halved()
        plan.parts_of_update(state.halvings)
        say(f"{said}; starting again, with half as many instances at a time")
    updates, seconds = state.progress()
    return model, {
        "updates": updates,
        "epochs": plan.epochs(updates),
        "best_valid_loss": loss,
        "best_updates": updates,
        "seconds": round(seconds, 1),
        "target_tokens_per_second": round(plan.target_tokens(updates) / max(seconds, 1e-9), 1),
        "batch": {
            "instances": min(settings["options"]["batch_size"], len(data.train)),
            "parts": plan.parts_of_update(state.halvings),
            "halvings": state.halvings,
        },
        "precision": precision,
        "peak_memory_mb": round(torch.cuda.max_memory_allocated() / 2**20) if device == "cuda" else None,
        "trained_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
    }


def _trainable(base: Path, start: Path | None, settings: Mapping[str, Any], precision: str) -> Any:
    """The model with what is to be trained of it: an adapter (new or that of ``start``) or all of it, in float32.

    Raises:
        UserError: ``start`` is of another method, or no module has the names of ``target_modules``.
    """
    import torch

    torch.manual_seed(settings["seed"])
    if settings["method"] == "full":
        if start and (start / ADAPTER).is_file():
            raise UserError(f"{start}: an adapter, but `method: full` goes on from a whole model")
        model = load_model(start or base, torch.float32)
        model.requires_grad_(True)
    else:
        # The weights that stay as they are need no more precision than is computed in; adapters are float32.
        frozen = load_model(base, dtype_of(precision))
        if start:
            check_adapter(start)
            model = with_adapter(frozen, start, trainable=True)
        else:
            model = _with_new_adapter(frozen, settings["lora"])
    model.config.use_cache = False
    return model


def _with_new_adapter(model: Any, options: Mapping[str, Any]) -> Any:
    peft = extra("peft")
    wanted = options["target_modules"]
    if wanted != "all-linear":
        names = [name for name, module in model.named_modules() if getattr(module, "weight", None) is not None]
        for target in [wanted] if isinstance(wanted, str) else wanted:
            # As peft takes it: a text is a pattern of whole names, an item of a list the end of one.
            pattern = wanted if isinstance(wanted, str) else rf"(.*\.)?{re.escape(target)}"
            if not any(re.fullmatch(pattern, name) for name in names):
                there = sorted({name.rpartition(".")[2] for name in names} - {"lm_head"})
                raise UserError(
                    f"lora.target_modules: the model has no module {target!r}; it has {', '.join(there)}: list some, "
                    "give a pattern of whole names such as .*_proj, or all-linear"
                )
    config = peft.LoraConfig(
        r=options["r"],
        lora_alpha=options["lora_alpha"],
        lora_dropout=options["lora_dropout"],
        target_modules=wanted if isinstance(wanted, str) else list(wanted),
        task_type="CAUSAL_LM",
    )
    try:
        return peft.get_peft_model(model, config)
    except (ValueError, NotImplementedError) as error:
        log.warning("%s", error)
        raise UserError(f"lora: peft does not accept it for this model: {error}") from error


def _demand_disk(model: Any, state: Path, output: Path) -> None:
    """See that the disk holds two checkpoints at once, the old one and the new, and the model.

    A checkpoint is three float32 numbers a trained parameter: itself and AdamW's two.

    Raises:
        UserError: it does not.
    """
    trained = 4 * sum(p.numel() for p in model.parameters() if p.requires_grad)
    needed = {state: 2 * (3 * trained + _SLACK), output.parent: trained + _SLACK}
    output.parent.mkdir(parents=True, exist_ok=True)
    if state.stat().st_dev == output.parent.stat().st_dev:
        needed = {state: sum(needed.values())}
    for folder, size in needed.items():
        free = shutil.disk_usage(folder).free
        if free < size:
            raise UserError(
                f"{folder}: checkpoints and model need {size / 1e9:,.1f} GB of the disk and {free / 1e9:,.1f} GB are "
                "free: make room, take `method: lora`, or name another folder in training.state"
            )


def _train(
    model: Any,
    plan: Plan,
    data: Data,
    settings: Mapping[str, Any],
    device: str,
    precision: str,
    state: FinetuningState,
    monitors: Sequence[str],
) -> None:
    """Train to the end, from the newest checkpoint on.

    Raises:
        UserError: a signal ended the training, the loss is no number any more, or the disk is full.
    """
    transformers = extra("transformers")
    from finetune.watching import Watcher

    options = settings["options"]
    arguments = transformers.TrainingArguments(
        output_dir=str(state.folder),
        seed=settings["seed"],
        max_steps=plan.updates,
        gradient_accumulation_steps=plan.parts_of_update(state.halvings),
        learning_rate=options["learning_rate"],
        lr_scheduler_type=_schedule(options),
        warmup_steps=math.ceil(options["warmup_ratio"] * plan.updates),
        weight_decay=options["weight_decay"],
        max_grad_norm=options["max_grad_norm"],
        optim="adamw_torch_fused" if device == "cuda" else "adamw_torch",
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=device == "cpu",
        save_strategy="steps",
        save_steps=settings["save_every"],
        logging_steps=_LOG_INTERVAL,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        remove_unused_columns=False,
        report_to=list(monitors) or "none",
    )
    watcher = Watcher(plan, state)

    def loss(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
        return completion_loss(outputs.logits, labels).sum() / num_items_in_batch

    class OurTrainer(transformers.Trainer):
        """Trainer with batches by our plan."""

        def get_train_dataloader(self) -> Any:
            from torch.utils.data import DataLoader

            parts = list(plan.parts(state.halvings))
            return DataLoader(
                data.train,
                batch_sampler=parts,
                collate_fn=lambda instances: collate(instances, data.padding),
            )

    trainer = OurTrainer(
        model=model, args=arguments, train_dataset=data.train, compute_loss_func=loss, callbacks=[watcher]
    )
    trainer.remove_callback(transformers.PrinterCallback)
    last = state.last()
    with _handled(watcher.want), writing_to(state.folder):
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    updates, _ = state.progress()
    if updates < plan.updates:
        raise UserError(
            f"ended by a signal after update {updates:,}; its checkpoint is kept: run again to go on from it"
        )


def _schedule(options: Mapping[str, Any]) -> str:
    """Trainer's name of the schedule: its ``constant`` knows no warm-up."""
    name = options["lr_scheduler_type"]
    return "constant_with_warmup" if name == "constant" and options["warmup_ratio"] else name


@contextlib.contextmanager
def _handled(handler: Any) -> Iterator[None]:
    """A handler for the signal that announces a kill, for a while."""
    before = signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _valid_loss(model: Any, data: Data, parts: int, settings: Mapping[str, Any]) -> float:
    """The mean loss of a token of the completions in ``valid`` (natural logarithm)."""
    model.eval()
    size = math.ceil(settings["options"]["batch_size"] / parts)
    order = sorted(range(len(data.valid)), key=lambda place: -len(data.valid[place].prompt))
    batches = [order[first : first + size] for first in range(0, len(order), size)]
    total = 0.0
    for _, logprobs in in_memory(
        progress(batches, len(batches), "batches of the validation"),
        lambda batch: completion_logprobs(model, [data.valid[place] for place in batch], data.padding),
    ):
        total -= sum(logprobs)
    return total / sum(len(instance.completion) for instance in data.valid)
