"""Fine-tune a causal language model on a dataset: LoRA or all of its weights, the loss on the targets only.

What a training needs to go on after it was killed lies in a state folder under a fingerprint of everything that shapes
the result, and is used again only where the fingerprint is the same.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetune.instances import encode_pairs
from llm.local.prompting import Prompter, add_prompt_argument, read_templates
from models.causal_lm import (
    PACKAGES,
    check_base,
    device_of,
    extra,
    folder_digest,
    load_tokenizer,
    positions,
    save_whole,
    set_threads,
    writing_to,
)
from train.monitors import add_monitor_arguments, demand_monitors
from train.state import fingerprint, is_done
from workbench.cli import UserError, run_script, say, script_parser
from workbench.files import atomic_folder, write_json
from workbench.pairs import read_training_pairs


def main(arguments: argparse.Namespace) -> None:
    """Train, or go on training, and write the model and a report."""
    settings = json.loads(arguments.settings)
    set_threads(arguments.threads)
    for package in PACKAGES:
        extra(package)
    from finetune.training import Data, FinetuningState, finetune

    if arguments.start and not arguments.start.is_dir():
        raise UserError(f"{arguments.start}: no such folder; START is a model that finetune_local wrote")
    templates = read_templates(arguments.prompt, settings["languages"])
    reads = positions(check_base(arguments.base))
    tokenizer = load_tokenizer(arguments.base)
    prompter = Prompter(tokenizer, templates)
    pairs = list(read_training_pairs(arguments.dataset, arguments.size, arguments.skip))
    valid = list(read_training_pairs(arguments.valid))
    shaping = {
        "code": arguments.code,
        "settings": settings,
        "prompt": templates.digest,
        "base": folder_digest(arguments.base),
        "start": folder_digest(arguments.start),
    }
    texts = ([(pair.source, pair.target) for pair in part] for part in (pairs, valid))
    identity = fingerprint(shaping, *texts, packages=PACKAGES)
    limit, drop = settings["max_tokens"], settings["unusable"] == "drop"
    if limit > reads:
        raise UserError(f"max_tokens: {limit:,}, but {arguments.base} reads {reads:,.0f} at most; lower it to that")
    data = Data(
        train=encode_pairs(pairs, prompter, limit, drop, arguments.dataset),
        valid=encode_pairs(valid, prompter, limit, drop, arguments.valid),
        padding=tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id,
    )
    device = device_of(settings["device"])
    with FinetuningState(arguments.state, identity) as state:
        if is_done(identity, arguments.report, arguments.model):
            state.discard()
            say("trained meanwhile by the process that was waited for")
            return
        monitors = _monitors(arguments)
        model, report = finetune(
            arguments.base, arguments.start, data, settings, device, state, arguments.model, monitors
        )
        report |= {"fingerprint": identity, "method": settings["method"]}
        report |= {"instances": len(data.train), "left_out": len(pairs) - len(data.train)}
        with writing_to(arguments.model), atomic_folder(arguments.model) as folder:
            _save(model, settings, arguments.base, folder)
        write_json(arguments.report, report)
        state.discard()
    say(
        f"{len(data.train):,} instances, {report['updates']:,} updates in {report['epochs']} epochs, validation loss "
        f"{report['best_valid_loss']:.3f}, {report['target_tokens_per_second']:,.0f} target tokens/s"
    )


def _save(model: Any, settings: Mapping[str, Any], base: Path, folder: Path) -> None:
    """Write the adapter, or the whole model: the same bytes wherever and whenever it was trained."""
    if settings["method"] == "full":
        model.config.use_cache = True
        save_whole(model, base, folder)
        return
    for config in model.peft_config.values():
        config.base_model_name_or_path = ""
        if not isinstance(config.target_modules, str):
            config.target_modules = sorted(config.target_modules)  # peft keeps a set, in no order
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)  # peft's form for a description


def _monitors(arguments: argparse.Namespace) -> list[str]:
    """What watches the training, by Trainer's names; it finds folder and project in the environment."""
    demand_monitors(arguments.tensorboard, arguments.wandb, arguments.label)
    found = []
    if arguments.tensorboard:
        os.environ["TENSORBOARD_LOGGING_DIR"] = str(arguments.tensorboard)
        found.append("tensorboard")
    if arguments.wandb:
        os.environ["WANDB_PROJECT"] = arguments.wandb[0]
        found.append("wandb")
    return found


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="table with the columns id, origin, source, target")
    parser.add_argument("--size", type=int, help="train on the first SIZE rows (default: all)")
    parser.add_argument("--skip", type=int, default=0, help="leave out the first SKIP of these: START has seen them")
    parser.add_argument("--base", type=Path, required=True, help="folder of the base model")
    parser.add_argument("--start", type=Path, help="fine-tuned model that training goes on from (default: none)")
    parser.add_argument("--valid", type=Path, required=True, help="human pairs that the loss is validated on")
    add_prompt_argument(parser)
    parser.add_argument("--settings", required=True, help="JSON, see planning.learners.LocalLearner.settings")
    parser.add_argument("--threads", type=int, required=True, help="CPU threads; not part of what shapes the result")
    parser.add_argument("--code", required=True, help="digest of the code, part of the fingerprint")
    parser.add_argument("--state", type=Path, required=True, help="folder of what a killed training goes on from")
    parser.add_argument("--model", type=Path, required=True, help="folder of the adapter or model to write")
    parser.add_argument("--report", type=Path, required=True, help="JSON report to write")
    add_monitor_arguments(parser)
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
