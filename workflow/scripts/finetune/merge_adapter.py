"""Merge a LoRA adapter into its base model: a whole model that any program can load."""

import argparse
from pathlib import Path

from models.causal_lm import (
    add_adapter,
    check_adapter,
    check_base,
    check_disk,
    import_offline,
    load_model,
    load_tokenizer,
    save_whole,
    set_threads,
    writing_to,
)
from workbench.cli import run_script, say, script_parser
from workbench.files import atomic_folder


def main(arguments: argparse.Namespace) -> None:
    """Write the merged model and its tokenizer; weights are added in float32 and written in the base's type."""
    set_threads(arguments.threads)
    import_offline("peft")
    import torch

    check_adapter(arguments.model)
    config = check_base(arguments.base)
    load_tokenizer(arguments.base)
    size = sum(path.stat().st_size for path in arguments.base.glob("*.safetensors"))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    check_disk(arguments.output.parent, size, "the files of the merged model")
    model = add_adapter(load_model(arguments.base, torch.float32), arguments.model)
    merged = model.merge_and_unload().to(config.dtype or torch.float32)
    with writing_to(arguments.output), atomic_folder(arguments.output) as folder:
        save_whole(merged, arguments.base, folder)
    say(f"{sum(p.numel() for p in merged.parameters()):,} parameters, merged")


PARSER = script_parser(__doc__)
PARSER.add_argument("--base", type=Path, required=True, help="folder of the base model")
PARSER.add_argument("--model", type=Path, required=True, help="folder of the adapter that finetune_local wrote")
PARSER.add_argument("--threads", type=int, default=1, help="CPU threads (1)")
PARSER.add_argument("--output", type=Path, required=True, help="folder of the merged model to write")


if __name__ == "__main__":
    run_script(PARSER, main)
