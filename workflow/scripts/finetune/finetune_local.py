"""Fine-tune a causal language model on a dataset: LoRA or all of its weights, with the loss on the targets only.

A killed training resumes from its checkpoints in a state folder. The folder is named by a fingerprint of everything
that shapes the result, so a changed training starts from the beginning.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from finetune.plan import FinetuningSettings, encode_pairs
from finetune.state import FinetuningState
from llm.local.prompting import Prompter, add_prompt_argument, read_templates
from models.causal_lm import (
    TRAINING_PACKAGES,
    check_base,
    folder_digest,
    import_offline,
    load_tokenizer,
    max_positions,
    save_whole,
    set_threads,
    torch_device,
    writing_to,
)
from train.command_line import add_training_arguments
from train.monitors import prepare_monitors
from train.state import fingerprint
from workbench.cli import UserError, run_script, say, script_parser
from workbench.files import atomic_folder, write_json
from workbench.pairs import read_training_pairs


def main(arguments: argparse.Namespace) -> None:
    """Train, or resume a killed training, and write the model and a report."""
    given = json.loads(arguments.settings)
    settings = FinetuningSettings.from_json(given)
    set_threads(arguments.threads)
    for package in TRAINING_PACKAGES:
        import_offline(package)
    from finetune.training import Finetuning, finetune

    if arguments.start and not arguments.start.is_dir():
        raise UserError(f"{arguments.start}: no such folder; START is a model that finetune_local wrote")
    templates = read_templates(arguments.prompt, settings.languages)
    most = max_positions(check_base(arguments.base))
    tokenizer = load_tokenizer(arguments.base)
    prompter = Prompter(tokenizer, templates)
    pairs = list(read_training_pairs(arguments.dataset, arguments.size, arguments.skip))
    valid = list(read_training_pairs(arguments.valid))
    shaping = {
        "code": arguments.code,
        "settings": given,
        "prompt": templates.digest,
        "base": folder_digest(arguments.base),
        "start": folder_digest(arguments.start),
    }
    texts = ([(pair.source, pair.target) for pair in part] for part in (pairs, valid))
    identity = fingerprint(shaping, *texts, packages=TRAINING_PACKAGES)
    limit, drop = settings.max_tokens, settings.unusable == "drop"
    if limit > most:
        raise UserError(f"max_tokens: {limit:,}, but {arguments.base} reads {most:,.0f} at most; lower it to that")
    finetuning = Finetuning(
        base=arguments.base,
        start=arguments.start,
        train=encode_pairs(pairs, prompter, limit, drop, arguments.dataset),
        valid=encode_pairs(valid, prompter, limit, drop, arguments.valid),
        padding=tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id,
        settings=settings,
        device=torch_device(settings.device),
        output=arguments.model,
    )
    with FinetuningState(arguments.state, identity) as state:
        if state.is_finished(arguments.report, arguments.model):
            return
        monitors = list(prepare_monitors(arguments.tensorboard, arguments.wandb, arguments.label))
        model, report = finetune(finetuning, state, monitors)
        report |= {"fingerprint": identity, "method": settings.method}
        report |= {"instances": len(finetuning.train), "left_out": len(pairs) - len(finetuning.train)}
        with writing_to(arguments.model), atomic_folder(arguments.model) as folder:
            _save(model, settings.method, arguments.base, folder)
        write_json(arguments.report, report)
        state.discard()
    say(
        f"{report['instances']:,} instances, {report['updates']:,} updates in {report['epochs']} epochs, "
        f"validation loss {report['best_valid_loss']:.3f}, {report['target_tokens_per_second']:,.0f} target tokens/s"
    )


def _save(model: Any, method: str, base: Path, folder: Path) -> None:
    """Write the adapter, or the whole model; equal trainings write equal bytes."""
    if method == "full":
        model.config.use_cache = True
        save_whole(model, base, folder)
        return
    for config in model.peft_config.values():
        config.base_model_name_or_path = ""
        if not isinstance(config.target_modules, str):
            config.target_modules = sorted(config.target_modules)  # peft keeps an unordered set
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)  # peft's template of a model card


PARSER = script_parser(__doc__)
add_training_arguments(PARSER)
PARSER.add_argument("--base", type=Path, required=True, help="folder of the base model")
add_prompt_argument(PARSER)
PARSER.add_argument("--model", type=Path, required=True, help="folder of the adapter or model to write")


if __name__ == "__main__":
    run_script(PARSER, main)
